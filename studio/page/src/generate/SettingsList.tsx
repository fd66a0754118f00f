/** The settings of an image, in words. */
import type { Settings } from "../api/types";
import { label } from "../forms/flag";
import { adapterOf } from "../state/server";

function inWords(value: unknown): string {
  if (Array.isArray(value)) return value.map(inWords).join(", ");
  if (typeof value === "object" && value !== null) {
    const { adapter, strength } = value as { adapter?: number; strength?: number };
    if (adapter !== undefined) return `${adapterOf(adapter)?.name ?? `file ${adapter}`} × ${strength ?? 1}`;
    return JSON.stringify(value);
  }
  return String(value);
}

const isSaid = (value: unknown) => value !== null && value !== "" && !(Array.isArray(value) && value.length === 0);

export function settingsInWords(settings: Settings): Record<string, string> {
  const missing = settings.missing.length > 0 ? { not_in_the_library: settings.missing.map((path) => path.split("/").pop()).join(", ") } : {};
  return Object.fromEntries(Object.entries({ ...settings.options, ...missing }).filter(([, value]) => isSaid(value)).map(([name, value]) => [name, inWords(value)]));
}

export function SettingsList({ settings }: { settings: Settings }) {
  return (
    <dl class="facts">
      {Object.entries(settingsInWords(settings)).flatMap(([name, text]) => [<dt key={name}>{label(name)}</dt>, <dd key={`${name} is`}>{text}</dd>])}
    </dl>
  );
}
