/** The way to merge, with the line that the program says of it. */
import { useId } from "preact/hooks";

import type { Method } from "../api/types";
import { helpText, label } from "../forms/flag";
import { flagOf } from "../forms/layout";
import { methods, verbs } from "../state/server";
import { draft, setOption } from "../state/merge";

export function chosenMethod(): Method | undefined {
  const flag = flagOf(verbs.value.merge, "method");
  const name = draft.value.values.method ?? flag?.default;
  return methods.value?.find((method) => method.name === name);
}

export const isDefault = (method: Method) => method.name === flagOf(verbs.value.merge, "method")?.default;

export function MethodPicker() {
  const id = useId();
  const flag = flagOf(verbs.value.merge, "method");
  const all = methods.value;
  if (!flag || !all) return null;
  const now = chosenMethod();
  const options = (needsBase: boolean) =>
    all.filter((method) => method.needs_base === needsBase).map((method) => (
      <option key={method.name} value={method.name}>
        {method.name}
        {isDefault(method) && " (recommended)"}
      </option>
    ));
  return (
    <div class="field">
      <label for={id} title={helpText(flag)}>
        {label(flag.name)}
      </label>
      <select id={id} value={now?.name} aria-describedby={`${id}-help`}
        onChange={(event) => setOption(flag.name, event.currentTarget.value === flag.default ? undefined : event.currentTarget.value)}>
        <optgroup label="Look at what the base draws">{options(true)}</optgroup>
        <optgroup label="Look at the files alone: seconds">{options(false)}</optgroup>
      </select>
      {now && (
        <span class="help" id={`${id}-help`}>
          <strong>{now.name}</strong>: {now.summary}
        </span>
      )}
    </div>
  );
}
