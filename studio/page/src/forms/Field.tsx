/** One option as a field: a box to tick, a list, a number, a text, or a text for each line. */
import type { ComponentChildren } from "preact";
import { useId } from "preact/hooks";

import { choices, defaultText, type Flag, helpText, label, type Values } from "./flag";

interface Props {
  flag: Flag;
  values: Values;
  change: (name: string, value: unknown) => void;
}

/** `undefined` where the text is empty: then the program's default holds. */
function parseNumber(text: string, flag: Flag): number | undefined {
  const number = flag.type === "integer" ? Math.round(Number(text)) : Number(text);
  return text.trim() === "" || Number.isNaN(number) ? undefined : number;
}

function Frame({ id, flag, children, broad }: { id: string; flag: Flag; children: ComponentChildren; broad?: boolean }) {
  return (
    <div class={broad ? "field broad" : "field"}>
      <label for={id}>{label(flag.name)}</label>
      {children}
      <span class="help" id={`${id}-help`}>
        {helpText(flag)}
      </span>
    </div>
  );
}

export function Tick({ flag, values, change }: Props) {
  const id = useId();
  const on = (values[flag.name] ?? flag.default ?? false) as boolean;
  return (
    <div class="field">
      <label class="check" for={id}>
        <input id={id} type="checkbox" checked={on} aria-describedby={`${id}-help`}
          onChange={(event) => change(flag.name, event.currentTarget.checked === flag.default ? undefined : event.currentTarget.checked)} />
        <span>{label(flag.name)}</span>
      </label>
      <span class="help" id={`${id}-help`}>
        {helpText(flag)}
      </span>
    </div>
  );
}

function List({ flag, values, change }: Props) {
  const id = useId();
  const all = choices(flag);
  const standard = typeof flag.default === "string" ? flag.default : "";
  const now = (values[flag.name] as string | undefined) ?? standard;
  const summary = all.find((each) => each.name === now)?.summary;
  return (
    <Frame id={id} flag={flag}>
      <select id={id} value={now} aria-describedby={`${id}-help`}
        onChange={(event) => change(flag.name, event.currentTarget.value === standard ? undefined : event.currentTarget.value)}>
        {standard === "" && <option value="">{defaultText(flag) || "default"}</option>}
        {all.map((each) => (
          <option key={each.name} value={each.name}>
            {each.name}
          </option>
        ))}
      </select>
      {summary && <span class="help">{summary}</span>}
    </Frame>
  );
}

function NumberBox({ flag, values, change }: Props) {
  const id = useId();
  const now = values[flag.name] as number | undefined;
  return (
    <Frame id={id} flag={flag}>
      <input id={id} type="number" step={flag.type === "integer" ? 1 : "any"} min={flag.minimum ?? undefined} max={flag.maximum ?? undefined} value={now ?? ""} placeholder={defaultText(flag)}
        aria-describedby={`${id}-help`} onInput={(event) => change(flag.name, parseNumber(event.currentTarget.value, flag))} />
    </Frame>
  );
}

function TextBox({ flag, values, change }: Props) {
  const id = useId();
  return (
    <Frame id={id} flag={flag} broad>
      <input id={id} type="text" value={(values[flag.name] as string | undefined) ?? ""} placeholder={defaultText(flag)}
        aria-describedby={`${id}-help`} onInput={(event) => change(flag.name, event.currentTarget.value || undefined)} />
    </Frame>
  );
}

function Lines({ flag, values, change }: Props) {
  const id = useId();
  const now = (values[flag.name] as string[] | undefined) ?? [];
  const read = (text: string) => (text.trim() ? text.split("\n") : undefined);
  return (
    <Frame id={id} flag={flag} broad>
      <textarea id={id} rows={2} value={now.join("\n")} placeholder="one on each line" aria-describedby={`${id}-help`}
        onInput={(event) => change(flag.name, read(event.currentTarget.value))} />
    </Frame>
  );
}

export function Field(props: Props) {
  const { flag } = props;
  if (flag.type === "boolean") return <Tick {...props} />;
  if (flag.repeats) return <Lines {...props} />;
  if (choices(flag).length > 0) return <List {...props} />;
  return flag.type === "string" ? <TextBox {...props} /> : <NumberBox {...props} />;
}
