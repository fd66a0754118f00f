/** A training that was started here: its loss, its samples, its file. */
import type { Job } from "../api/types";
import { ImageStrip } from "../generate/ImageStrip";
import { JobEnd } from "../jobs/JobEnd";
import { Curves, JobProgress } from "../jobs/JobProgress";
import { Tags } from "../library/AdapterCard";
import { DownloadFile } from "../parts/DownloadFile";
import { UseAs } from "../parts/UseAs";
import { drawWith } from "../state/drawing";
import { isActive } from "../state/jobs";
import { adapterOf } from "../state/server";

function Learned({ job }: { job: Job }) {
  const adapter = adapterOf(job.adapters[0]);
  if (!adapter) return null;
  return (
    <>
      <div class="stack tight">
        <Tags adapter={adapter} />
      </div>
      <div class="row">
        <DownloadFile adapter={adapter} main />
        <button type="button" class="button" onClick={() => drawWith(adapter.id, adapter.summary?.trigger_words[0])}>
          Draw with it
        </button>
        <UseAs adapter={adapter.id} word="Merge" />
      </div>
    </>
  );
}

export function TrainResult({ job }: { job: Job }) {
  return (
    <section class="card stack" aria-label="Result">
      <h2>{job.title}</h2>
      {isActive(job) && <JobProgress job={job} />}
      <JobEnd job={job} />
      {job.state === "done" && <Learned job={job} />}
      <Curves job={job} />
      {job.images.length > 0 && (
        <section class="stack tight">
          <h3>Samples</h3>
          <ImageStrip ids={job.images} />
        </section>
      )}
    </section>
  );
}
