/** A merge that was started here: its progress, then its file, and images beside the direct merge's. */
import { address } from "../api/client";
import type { Job } from "../api/types";
import { ImageStrip } from "../generate/ImageStrip";
import { Curves, JobProgress } from "../jobs/JobProgress";
import { JobEnd } from "../jobs/JobEnd";
import { Recipe } from "../library/Recipe";
import { Tags } from "../library/AdapterCard";
import { Icon } from "../parts/icons";
import { isActive, jobs } from "../state/jobs";
import { adapterOf } from "../state/server";
import { drawWith } from "../state/drawing";

function MergedFile({ job }: { job: Job }) {
  const adapter = adapterOf(job.adapters[0]);
  if (!adapter) return null;
  const loads = adapter.summary?.programs.filter((each) => each.verdict === "fully").map((each) => each.program) ?? [];
  return (
    <>
      <div class="stack tight">
        <strong class="wrap">{adapter.name}</strong>
        <Tags adapter={adapter} />
        <p class="small muted">{loads.length > 0 ? `Loads in ${loads.join(", ")}` : "No program that we know loads this file fully."}</p>
      </div>
      <div class="row">
        <a class="button main" href={address(`/adapters/${adapter.id}/file`)} download={adapter.name}>
          <Icon name="download" /> Download
        </a>
        <button type="button" class="button" onClick={() => drawWith(adapter.id)}>
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

/** The job that draws the sheet is queued by the server when the merge is done. */
function Sheet({ merge }: { merge: Job }) {
  const sheet = jobs.value?.find((job) => job.of === merge.id && job.verb !== "merge");
  if (!sheet) return null;
  return (
    <section class="stack tight" aria-label="Images beside the direct merge">
      <h3>Beside the direct merge</h3>
      {isActive(sheet) && <JobProgress job={sheet} />}
      <JobEnd job={sheet} />
      <ImageStrip ids={sheet.images} caption="contender" />
      {sheet.images.length > 1 && <p class="small muted">Select an image to see it large, with its settings.</p>}
    </section>
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
      <Curves job={job} />
    </section>
  );
}
