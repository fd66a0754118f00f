/** One LoRA of a merge: dropped here or chosen from the library, with its strength and the prompts to keep it under. */
import { useId } from "preact/hooks";

import type { Adapter } from "../api/types";
import { defaultText, helpText, label } from "../forms/flag";
import { flagOf } from "../forms/layout";
import { Tags } from "../library/AdapterCard";
import { AdapterPicker } from "../parts/AdapterPicker";
import { DropZone } from "../parts/DropZone";
import { Icon } from "../parts/icons";
import { Strength } from "../parts/Strength";
import { adapterOf, verbs } from "../state/server";
import { fillSlots, type Input, removeInput, setInput } from "../state/merge";
import { sendAdapters } from "../state/uploads";

const titles = { subject: "Subject", style: "Style", adapter: "Further LoRA" };
const invitations = {
  subject: "Drop the LoRA of a subject: a person, an animal, a thing",
  style: "Drop the LoRA of a style: ink, clay, watercolour",
  adapter: "Drop another LoRA",
};

/** What the program takes if nothing is typed: the file's first words, or what its help says. */
function standard(input: Input): string {
  const words = adapterOf(input.adapter)?.summary?.trigger_words[0];
  const flags = [`${input.role}_prompt`, "subject_prompt"].map((name) => flagOf(verbs.value.merge, name));
  return words ?? flags.map((flag) => flag && defaultText(flag)).find(Boolean) ?? "";
}

function Prompts({ input, at }: { input: Input; at: number }) {
  const id = useId();
  const flag = flagOf(verbs.value.merge, `${input.role}_prompt`);
  if (!flag) return null;
  return (
    <div class="field">
      <label for={id}>{label(flag.name)}</label>
      <textarea id={id} rows={Math.max(2, input.prompts.length)} value={input.prompts.join("\n")} placeholder={standard(input)} aria-describedby={`${id}-help`}
        onInput={(event) => setInput(at, { prompts: event.currentTarget.value ? event.currentTarget.value.split("\n") : [] })} />
      <span class="help" id={`${id}-help`}>
        {helpText(flag)}
      </span>
    </div>
  );
}

function Chosen({ adapter, input, at, needsPrompts }: { adapter: Adapter; input: Input; at: number; needsPrompts: boolean }) {
  return (
    <>
      <div class="chosen">
        <div class="grow stack tight">
          <strong>{adapter.name}</strong>
          <Tags adapter={adapter} />
        </div>
        <button type="button" class="button quiet" aria-label={`Choose another file than ${adapter.name}`} onClick={() => setInput(at, { adapter: null, prompts: [] })}>
          <Icon name="close" />
        </button>
      </div>
      <Strength of={adapter.name} value={input.strength} change={(strength) => setInput(at, { strength })} />
      {needsPrompts && <Prompts input={input} at={at} />}
    </>
  );
}

export function AdapterSlot({ input, at, needsPrompts }: { input: Input; at: number; needsPrompts: boolean }) {
  const adapter = adapterOf(input.adapter);
  const take = async (files: File[]) => {
    fillSlots(at, await sendAdapters(files));
  };
  return (
    <section class="card slot" aria-label={titles[input.role]}>
      <div class="row apart">
        <h2>{titles[input.role]}</h2>
        {input.role === "adapter" && (
          <button type="button" class="button small quiet" onClick={() => removeInput(at)}>
            Remove
          </button>
        )}
      </div>
      {adapter ? (
        <Chosen {...{ adapter, input, at, needsPrompts }} />
      ) : (
        <>
          <DropZone accept=".safetensors" label="Choose a file" onFiles={(files) => void take(files)}>
            <p>{invitations[input.role]}</p>
          </DropZone>
          <AdapterPicker label={`${titles[input.role]} from the library`} choose={(id) => setInput(at, { adapter: id, prompts: [] })} />
        </>
      )}
    </section>
  );
}
