/** A job while it waits or runs: its stage, how far it is, how long it still takes, its curves, and a way to stop it. */
import { useEffect, useRef, useState } from "preact/hooks";

import type { ApiError } from "../api/client";
import type { Job } from "../api/types";
import { Bar } from "../parts/Bar";
import { Chart } from "../parts/Chart";
import { asError, ErrorNote } from "../parts/Notice";
import { duration } from "../parts/words";
import { act, activeJobs, loadHistory, progressOf } from "../state/jobs";
import { curvesOf, type Progress } from "../state/progress";

/** The stream is ahead of the job's row, which is asked for only when its state changes. */
function now(job: Job, progress: Progress) {
  return progress.stage ? progress : { stage: job.progress?.stage ?? "", step: job.progress?.step ?? 0, total: job.progress?.total ?? 0 };
}

function waits(job: Job): string {
  const before = activeJobs.value.filter((each) => each.state === "running" || (each.position ?? 0) < (job.position ?? 0)).length;
  return before <= 1 ? "waits for the job before it" : `waits for ${before} jobs before it`;
}

export function StopButton({ job }: { job: Job }) {
  const [error, setError] = useState<ApiError | null>(null);
  const [asked, setAsked] = useState(false);
  const stop = () => {
    setAsked(true);
    act(job.id, "cancel").catch((thrown) => (setError(asError(thrown)), setAsked(false)));
  };
  return (
    <>
      <button type="button" class="button small" disabled={asked} onClick={stop} aria-label={`${asked ? "Stopping" : "Cancel"} ${job.title}, job ${job.id}`}>
        {asked ? "Stopping …" : "Cancel"}
      </button>
      <ErrorNote error={error} />
    </>
  );
}

const capital = (text: string) => text.charAt(0).toUpperCase() + text.slice(1);

/** The metrics as charts: what is called loss_subject and loss_style is one chart, the error beside each LoRA alone. */
function charts(names: string[]): { title: string; members: string[] }[] {
  const parts = names.filter((name) => name.startsWith("loss_"));
  const whole = names.filter((name) => !name.startsWith("loss_")).map((name) => ({ title: capital(name.replace(/_/g, " ")), members: [name] }));
  return parts.length === 0 ? whole : [...whole, { title: "Fidelity: error beside each LoRA alone", members: parts }];
}

/** What a job measured, one chart for each thing. */
export function Curves({ job }: { job: Job }) {
  const { points } = progressOf(job.id);
  useEffect(() => {
    void loadHistory(job.id);
  }, [job.id]);
  if (points.length < 2) return null;
  const { x, curves } = curvesOf(points);
  return (
    <div class="charts">
      {charts([...curves.keys()]).map(({ title, members }) => (
        <Chart key={title} title={title} x={x} log={members.some((name) => name.startsWith("loss"))}
          curves={members.map((name) => ({ name: name.replace("loss_", ""), values: curves.get(name)! }))} />
      ))}
    </div>
  );
}

/** Seconds until the stage is done, from the pace of the steps seen since it began; null while there is none. */
function useSecondsLeft(stage: string, step: number, total: number): number | null {
  const began = useRef({ stage: "", step: 0, at: 0 });
  if (began.current.stage !== stage || step < began.current.step) began.current = { stage, step, at: Date.now() };
  const steps = step - began.current.step;
  return steps < 2 || total === 0 ? null : ((Date.now() - began.current.at) / 1000 / steps) * (total - step);
}

export function JobProgress({ job }: { job: Job }) {
  const progress = progressOf(job.id);
  const { stage, step, total } = now(job, progress);
  const left = useSecondsLeft(stage, step, total);
  const running = job.state === "running";
  const share = running && total > 0 ? step / total : 0;
  const text = !running ? waits(job) : stage ? `${stage}${total ? `, ${step} of ${total}` : ""}` : "starts";
  return (
    <div class="stack tight">
      <div class="row apart">
        <span class="grow">
          {text}
          {running && left !== null && left >= 1 && <span class="muted"> · {duration(left)} left</span>}
        </span>
        <StopButton job={job} />
      </div>
      <Bar share={share} label={`Progress of ${job.title}`} />
      <span class="sr" aria-live="polite">
        {running ? `${job.title}: ${stage || "starts"}, ${25 * Math.floor(4 * share)} percent` : `${job.title} ${text}`}
      </span>
      {progress.warnings.map((warning) => (
        <p key={warning} class="note warn small">
          {warning}
        </p>
      ))}
    </div>
  );
}
