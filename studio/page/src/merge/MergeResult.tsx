/** A merge that was started here: its progress, then its file, and images beside the direct merge's. */
import type { Job } from "../api/types";
import { JobProgress } from "../jobs/JobProgress";
import { JobEnd } from "../jobs/JobEnd";
import { Recipe } from "../library/Recipe";
import { Tags } from "../library/AdapterCard";
import { DownloadFile } from "../parts/DownloadFile";
import { drawWith } from "../state/drawing";
import { isActive } from "../state/jobs";
import { adapterOf } from "../state/server";
import { Sheet, sheetOf } from "./Sheet";

function MergedFile({ job }: { job: Job }) {
  const adapter = adapterOf(job.adapters[0]);
  if (!adapter) return null;
  const loads = adapter.summary?.programs.filter((each) => each.verdict === "fully").map((each) => each.program);
  return (
    <>
      <div class="stack tight">
        <Tags adapter={adapter} />
        {loads && <p class="small muted">{loads.length > 0 ? `Loads in ${loads.join(", ")}` : "No program that we know loads this file fully."}</p>}
      </div>
      <div class="row">
        <DownloadFile adapter={adapter} main />
        <button type="button" class="button" onClick={() => drawWith(adapter.id, sheetOf(job)?.prompt ?? adapter.summary?.trigger_words[0])}>
          Draw with it
        </button>
      </div>
      {adapter.summary?.recipe && (
        <details class="more">
          <summary>How it was made</summary>
          <Recipe recipe={adapter.summary.recipe} />
        </details>
      )}
    </>
  );
}

export function MergeResult({ job }: { job: Job }) {
  return (
    <section class="card stack" aria-label="Result">
      <h2>{job.title}</h2>
      {isActive(job) && <JobProgress job={job} />}
      <JobEnd job={job} />
      {job.state === "done" && <MergedFile job={job} />}
      <Sheet merge={job} />
    </section>
  );
}
