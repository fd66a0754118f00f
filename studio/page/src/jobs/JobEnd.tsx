/** How a job ended, if it did not end well, and what can be done about it. */
import { useState } from "preact/hooks";

import type { ApiError } from "../api/client";
import type { Job } from "../api/types";
import { asError, ErrorNote } from "../parts/Notice";
import { act } from "../state/jobs";

export function RestartButton({ job }: { job: Job }) {
  const [error, setError] = useState<ApiError | null>(null);
  return (
    <>
      <button type="button" class="button small" onClick={() => act(job.id, "restart").catch((thrown) => setError(asError(thrown)))}>
        {job.resumable ? "Go on from where it stopped" : "Start again"}
      </button>
      <ErrorNote error={error} />
    </>
  );
}

const endings: Record<string, string> = {
  cancelled: "You stopped it.",
  interrupted: "Interrupted: the studio or the machine stopped while it ran.",
  failed: "Failed.",
};

export function JobEnd({ job }: { job: Job }) {
  const ending = endings[job.state];
  if (!ending) return null;
  return (
    <div class="stack tight">
      {job.error && job.state !== "cancelled" ? <ErrorNote error={job.error} /> : <p class="note warn">{ending}</p>}
      <div class="row">
        <RestartButton job={job} />
      </div>
    </div>
  );
}
