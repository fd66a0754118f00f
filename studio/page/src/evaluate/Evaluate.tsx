/** Ways of merging, compared on subjects and styles of the library: one job, with a report. */
import { useState } from "preact/hooks";

import type { ApiError } from "../api/client";
import { FlagForm } from "../forms/FlagForm";
import { first, formFlags } from "../forms/layout";
import { JobEnd } from "../jobs/JobEnd";
import { JobProgress } from "../jobs/JobProgress";
import { ReportLink } from "../jobs/ReportLink";
import { Icon } from "../parts/icons";
import { asError, ErrorNote } from "../parts/Notice";
import { comparison, evaluateRequest, lacking, setOption, toggled } from "../state/comparison";
import { isActive, jobOf, start } from "../state/jobs";
import { link } from "../state/route";
import { methods, readyAdapters, verbs } from "../state/server";

const unmerged = () => readyAdapters().filter((adapter) => !adapter.summary?.recipe);

function Files({ role, title }: { role: "subjects" | "styles"; title: string }) {
  const chosen = comparison.value[role];
  return (
    <fieldset class="stack tight">
      <legend class="label">{title}</legend>
      {unmerged().map((adapter) => (
        <label key={adapter.id} class="check">
          <input type="checkbox" checked={chosen.includes(adapter.id)}
            onChange={() => (comparison.value = { ...comparison.value, [role]: toggled(chosen, adapter.id) })} />
          <span class="wrap">
            {adapter.name} <span class="muted">{adapter.summary?.trigger_words[0] ?? "names no trigger words"}</span>
          </span>
        </label>
      ))}
    </fieldset>
  );
}

function Methods() {
  const chosen = comparison.value.methods;
  return (
    <fieldset class="stack tight">
      <legend class="label">Methods</legend>
      <div class="fields">
        {methods.value?.map(({ name }) => (
          <label key={name} class="check">
            <input type="checkbox" checked={chosen.includes(name)} onChange={() => (comparison.value = { ...comparison.value, methods: toggled(chosen, name) })} />
            <span>{name}</span>
          </label>
        ))}
      </div>
      <ul class="small muted">
        {methods.value?.filter(({ name }) => chosen.includes(name)).map(({ name, summary }) => (
          <li key={name}>
            <strong>{name}</strong>: {summary}
          </li>
        ))}
      </ul>
    </fieldset>
  );
}

/** A line of text that stays as it is typed; what it comes to is read from it. */
function Text({ name, title, help, rows }: { name: "prompts" | "seeds"; title: string; help: string; rows: number }) {
  return (
    <label class="field">
      <span class="label">{title}</span>
      <textarea rows={rows} value={comparison.value[name]} onInput={(event) => (comparison.value = { ...comparison.value, [name]: event.currentTarget.value })} />
      <span class="help">{help}</span>
    </label>
  );
}

function Options() {
  const verb = verbs.value.evaluate;
  return verb ? <FlagForm flags={formFlags(verb)} first={first.evaluate!} values={comparison.value.values} change={setOption} /> : null;
}

export function Evaluate() {
  const [error, setError] = useState<ApiError | null>(null);
  const job = jobOf(comparison.value.job);
  const lacks = lacking();
  const run = async () => {
    setError(null);
    try {
      comparison.value = { ...comparison.value, job: (await start(evaluateRequest())).id };
    } catch (thrown) {
      setError(asError(thrown));
    }
  };
  return (
    <div class="stack">
      <section class="card stack" aria-label="A new comparison">
        <p class="muted">Every subject meets every style. Each method merges and draws every pair; the report has scores, charts and the images, which can be judged here afterwards.</p>
        <div class="pair stacks">
          <Files role="subjects" title="Subjects" />
          <Files role="styles" title="Styles" />
        </div>
        {unmerged().length < 2 && (
          <p class="note">
            <span>
              A comparison needs the LoRA of a subject and that of a style: <a href={link("/library")}>put both into the library</a>, or{" "}
              <a href={link("/train")}>make them from images</a>.
            </span>
          </p>
        )}
        <Methods />
        <div class="fields">
          <Text name="prompts" title="Prompts" rows={2} help="one on each line, with {subject} and {style} in it" />
          <Text name="seeds" title="Seeds" rows={1} help="with commas" />
        </div>
        <Options />
        <ErrorNote error={error} />
        <button type="button" class="button main big left" disabled={lacks !== ""} onClick={() => void run()}>
          <Icon name="judge" /> Compare
        </button>
        {lacks && <p class="small muted">{lacks}</p>}
      </section>
      {job && (
        <section class="card stack" aria-label="The comparison">
          <h2>{job.title}</h2>
          {isActive(job) && <JobProgress job={job} />}
          <JobEnd job={job} />
          <ReportLink job={job} />
        </section>
      )}
    </div>
  );
}
