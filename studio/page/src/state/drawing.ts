/** The drawing that the user is putting together, kept through a reload. */
import { ApiError, get } from "../api/client";
import type { Settings } from "../api/types";
import type { Values } from "../forms/flag";
import { kept } from "./kept";
import type { Request } from "./jobs";
import { go } from "./route";
import { verbs } from "./server";

export type DrawRole = "adapter" | "subject" | "style";

export interface Worn {
  adapter: number;
  strength: number;
  role: DrawRole;
}

export interface Drawing {
  prompts: string[];
  worn: Worn[];
  values: Values;
  job: number | null;
}

export const drawing = kept<Drawing>("drawing", { prompts: [], worn: [], values: {}, job: null });

export function change(what: Partial<Drawing>) {
  drawing.value = { ...drawing.value, ...what };
}

export function setValue(name: string, value: unknown) {
  const values = { ...drawing.value.values };
  if (value === undefined) delete values[name];
  else values[name] = value;
  change({ values });
}

export function wear(adapter: number) {
  if (!drawing.value.worn.some((each) => each.adapter === adapter)) {
    change({ worn: [...drawing.value.worn, { adapter, strength: 1, role: "adapter" }] });
  }
}

export function setWorn(at: number, what: Partial<Worn>) {
  change({ worn: drawing.value.worn.map((each, index) => (index === at ? { ...each, ...what } : each)) });
}

export function takeOff(at: number) {
  change({ worn: drawing.value.worn.filter((_, index) => index !== at) });
}

/** From a merge's result, with the prompt that it is for, unless the user typed one. */
export function drawWith(adapter: number, prompt?: string | null) {
  const typed = drawing.value.prompts.some((text) => text.trim());
  change({ worn: [{ adapter, strength: 1, role: "adapter" }], prompts: typed || !prompt ? drawing.value.prompts : [prompt] });
  go("/generate");
}

/** The options of a job; prompts are left out where a grid's axis gives them. */
export function drawOptions(draft: Drawing): Record<string, unknown> {
  const options: Record<string, unknown> = { ...draft.values };
  const prompts = draft.prompts.map((text) => text.trim()).filter(Boolean);
  if (prompts.length) options.prompt = prompts;
  const plain = draft.worn.filter((each) => each.role === "adapter").map(({ adapter, strength }) => ({ adapter, strength }));
  if (plain.length) options.adapter = plain;
  for (const { adapter, strength, role } of draft.worn) if (role !== "adapter") options[role] = { adapter, strength };
  return options;
}

const stepsBetweenPreviews = 2;

export const drawRequest = (draft: Drawing): Request => ({ verb: "generate", options: drawOptions(draft), previews: stepsBetweenPreviews });

type Reference = { adapter: number; strength?: number };
const asList = (value: unknown): unknown[] => (value === undefined || value === null ? [] : Array.isArray(value) ? value : [value]);
const isReference = (value: unknown): value is Reference => typeof value === "object" && value !== null && "adapter" in value;

/** Without what is the program's default anyway. */
function differing(values: Values): Values {
  const isDefault = (name: string, value: unknown) => value === null || verbs.value.generate?.flags.some((flag) => flag.name === name && flag.default === value);
  return Object.fromEntries(Object.entries(values).filter(([name, value]) => !isDefault(name, value)));
}

/** Takes the settings of an image over. */
export async function recall(image: number): Promise<Settings> {
  const settings = await get<Settings | undefined>(`/images/${image}/settings`);
  if (!settings) throw new ApiError(0, "this image carries no settings", "take a PNG as the program wrote it: other programs may have left them out");
  const { prompt, adapter, subject, style, output: _output, ...values } = settings.options;
  const worn: Worn[] = [];
  for (const [role, list] of [["adapter", adapter], ["subject", subject], ["style", style]] as const) {
    for (const each of asList(list).filter(isReference)) worn.push({ adapter: each.adapter, strength: each.strength ?? 1, role });
  }
  change({ prompts: asList(prompt) as string[], worn, values: differing(values) });
  return settings;
}
