/** What one side of a grid varies, and over which values. */
import { useId } from "preact/hooks";

import { label } from "../forms/flag";
import { type AxisDraft, filesFor, isOfFiles, standardValues } from "./axis";

interface Props {
  title: string;
  draft: AxisDraft;
  names: string[];
  change: (draft: AxisDraft) => void;
}

function Files({ draft, change }: Pick<Props, "draft" | "change">) {
  const all = filesFor(draft.axis);
  if (all.length === 0) return <p class="small muted">{draft.axis === "method" ? "Merge two files in several ways first; each merge then stands here." : "The library is empty."}</p>;
  const toggle = (id: number) =>
    change({ ...draft, files: draft.files.includes(id) ? draft.files.filter((each) => each !== id) : [...draft.files, id] });
  return (
    <div class="stack tight">
      {all.map((adapter) => (
        <label key={adapter.id} class="check">
          <input type="checkbox" checked={draft.files.includes(adapter.id)} onChange={() => toggle(adapter.id)} />
          <span class="wrap">
            {adapter.name}
            {adapter.summary?.recipe && <span class="muted"> · {adapter.summary.recipe.method}</span>}
          </span>
        </label>
      ))}
    </div>
  );
}

export function AxisField({ title, draft, names, change }: Props) {
  const id = useId();
  return (
    <fieldset class="stack tight">
      <legend class="label">{title}</legend>
      <select aria-label={`${title} vary`} value={draft.axis} onChange={(event) => change({ ...draft, axis: event.currentTarget.value, text: "" })}>
        {names.map((name) => (
          <option key={name} value={name}>
            {label(name)}
          </option>
        ))}
      </select>
      {isOfFiles(draft.axis) ? (
        <Files draft={draft} change={change} />
      ) : (
        <textarea id={id} rows={draft.axis === "prompt" ? 3 : 1} aria-label={`Values of ${title.toLowerCase()}`} value={draft.text}
          placeholder={standardValues[draft.axis] ?? (draft.axis === "prompt" ? "one on each line" : "numbers, with commas")} onInput={(event) => change({ ...draft, text: event.currentTarget.value })} />
      )}
    </fieldset>
  );
}
