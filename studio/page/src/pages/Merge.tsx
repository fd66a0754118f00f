/** Two files in, one file out: the program's main job. */
import { useState } from "preact/hooks";

import type { ApiError } from "../api/client";
import { FlagForm } from "../forms/FlagForm";
import { mergeFlags } from "../forms/layout";
import { Curves } from "../jobs/JobProgress";
import { AdapterSlot } from "../merge/AdapterSlot";
import { MergeResult } from "../merge/MergeResult";
import { chosenMethod, isDefault, MethodPicker } from "../merge/MethodPicker";
import { PlanNote, usePlan } from "../merge/PlanNote";
import { mergeRequest } from "../merge/request";
import { BaseMisfit, misfits } from "../parts/BaseMisfit";
import { Icon } from "../parts/icons";
import { asError, ErrorNote } from "../parts/Notice";
import { Uploads } from "../parts/Uploads";
import { isActive, jobOf, jobOrNewest, start } from "../state/jobs";
import { addInput, draft, setOption, swapRoles } from "../state/merge";
import { adapterOf, verbs } from "../state/server";

function Options() {
  const verb = verbs.value.merge;
  const method = chosenMethod();
  if (!verb || !method) return null;
  const { own, common } = mergeFlags(verb, method);
  const first = isDefault(method) ? [] : own.slice(0, 2); // the default is for who does not want to set anything
  return <FlagForm flags={[...own, ...common]} first={first.map((flag) => flag.name)} values={draft.value.values} change={setOption} />;
}

/** The options that the chosen method has: those of another one would be refused. */
function fitting(): typeof draft.value {
  const verb = verbs.value.merge;
  const method = chosenMethod();
  if (!verb || !method) return draft.value;
  const { own, common } = mergeFlags(verb, method);
  const known = new Set([...own, ...common].map((flag) => flag.name).concat("method"));
  const inputs = method.needs_base ? draft.value.inputs : draft.value.inputs.map((input) => ({ ...input, prompts: [] }));
  return { ...draft.value, inputs, values: Object.fromEntries(Object.entries(draft.value.values).filter(([name]) => known.has(name))) };
}

function StartButton() {
  const [error, setError] = useState<ApiError | null>(null);
  const [sending, setSending] = useState(false);
  const request = mergeRequest(fitting());
  const plan = usePlan(request);
  const running = isActive(jobOf(draft.value.job));
  const files = draft.value.inputs.map((input) => adapterOf(input.adapter));
  const strange = chosenMethod()?.needs_base && misfits(files).length > 0;
  const run = async () => {
    if (!request) return;
    setSending(true);
    setError(null);
    try {
      const job = await start(request);
      draft.value = { ...draft.value, job: job.id };
      document.getElementById("result")?.scrollIntoView({ behavior: "smooth", block: "nearest" });
    } catch (thrown) {
      setError(asError(thrown));
    }
    setSending(false);
  };
  return (
    <div class="stack">
      {strange && <BaseMisfit adapters={files} refused="This method looks at what the base draws. Choose an SDXL checkpoint, or a method that looks at the files alone." />}
      {plan && !(strange && plan.refusal) && <PlanNote plan={plan} />}
      <ErrorNote error={error} />
      <button type="button" class="button main big" disabled={!request || sending || Boolean(plan?.refusal)} onClick={() => void run()}>
        <Icon name="merge" /> {running ? "Merge again, after this one" : "Merge"}
      </button>
      {!request && <p class="small muted">Choose a file for each LoRA above; then this button works.</p>}
    </div>
  );
}

export function Merge() {
  const method = chosenMethod();
  const job = jobOrNewest(draft.value.job, "merge");
  return (
    <>
      <div class="head">
        <h1>Merge</h1>
        <p>Put a subject and a style into one LoRA file that draws the one in the other.</p>
      </div>
      <div class="stack">
        <div class="pair stacks">
          {draft.value.inputs.map((input, at) => (
            <AdapterSlot key={at} input={input} at={at} needsPrompts={method?.needs_base ?? false} />
          ))}
        </div>
        <Uploads />
        <div class="row">
          <button type="button" class="button small quiet" disabled={draft.value.inputs.every((input) => input.adapter === null)} onClick={swapRoles}>
            <Icon name="swap" /> Swap subject and style
          </button>
          <button type="button" class="button small quiet" onClick={addInput}>
            <Icon name="plus" /> Add another LoRA
          </button>
        </div>
        <div class={job ? "merging" : "stack"}>
          <section class="card stack" aria-label="How to merge">
            <MethodPicker />
            <Options />
            <StartButton />
          </section>
          <div id="result">{job && <MergeResult job={job} />}</div>
          {job && (
            <div class="card curves">
              <Curves job={job} />
            </div>
          )}
        </div>
      </div>
    </>
  );
}
