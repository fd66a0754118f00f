/** One job of the list: its state, how far it is or how it ended, what it made, and what can be done. */
import { useState } from "preact/hooks";

import type { ApiError } from "../api/client";
import type { Job, JobState } from "../api/types";
import { FileLink } from "../parts/DownloadFile";
import { Icon } from "../parts/icons";
import { asError, ErrorNote } from "../parts/Notice";
import { count, duration, when } from "../parts/words";
import { forget, isActive, move } from "../state/jobs";
import { link } from "../state/route";
import { adapterOf } from "../state/server";
import { JobEnd } from "./JobEnd";
import { JobProgress } from "./JobProgress";
import { LogDialog } from "./LogDialog";
import { ReportLink } from "./ReportLink";

const tags: Record<JobState, string> = { queued: "", running: "accent", done: "good", failed: "bad", cancelled: "warn", interrupted: "warn" };

/** "merge by zip" */
const what = (job: Job) => (typeof job.options.method === "string" ? `${job.verb} by ${job.options.method}` : job.verb);

function times(job: Job): string {
  const parts = [when(job.created)];
  if (job.started && job.finished) parts.push(`took ${duration((Date.parse(job.finished) - Date.parse(job.started)) / 1000)}`);
  return parts.join(", ");
}

function Made({ job }: { job: Job }) {
  const files = job.adapters.map(adapterOf).filter((adapter) => adapter !== undefined);
  if (files.length === 0 && job.images.length === 0) return null;
  return (
    <p class="row small">
      {files.map((adapter) => (
        <FileLink key={adapter.id} adapter={adapter} />
      ))}
      {job.images.length > 0 && <a href={link("/generate")}>{count(job.images.length, "image")} in the gallery</a>}
    </p>
  );
}

export function JobRow({ job }: { job: Job }) {
  const [log, setLog] = useState(false);
  const [error, setError] = useState<ApiError | null>(null);
  const attempt = (action: Promise<unknown>) => action.catch((thrown) => setError(asError(thrown)));
  const name = `${job.title}, job ${job.id}`;
  return (
    <li class="card stack tight">
      <div class="row">
        <span class={`tag ${tags[job.state]}`}>{job.state}</span>
        <strong class="wrap">{job.title}</strong>
        <span class="grow small muted">{what(job)}</span>
        <span class="small muted">{times(job)}</span>
      </div>
      {isActive(job) && <JobProgress job={job} />}
      <JobEnd job={job} />
      <Made job={job} />
      <ReportLink job={job} />
      <ErrorNote error={error} />
      <div class="row">
        {job.state === "queued" && job.position !== null && job.position > 0 && (
          <button type="button" class="button small" aria-label={`Run ${name} earlier`} onClick={() => void attempt(move(job.id, job.position! - 1))}>
            <Icon name="up" /> Earlier
          </button>
        )}
        <button type="button" class="button small quiet" aria-label={`Log of ${name}`} onClick={() => setLog(true)}>
          Log
        </button>
        {!isActive(job) && (
          <button type="button" class="button small quiet" aria-label={`Remove ${name} from the list`} onClick={() => void attempt(forget(job.id))}>
            Remove
          </button>
        )}
      </div>
      {log && <LogDialog job={job} close={() => setLog(false)} />}
    </li>
  );
}
