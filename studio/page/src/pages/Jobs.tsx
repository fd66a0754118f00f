/** Everything that runs, waits or has run: one job at a time. */
import { JobRow } from "../jobs/JobRow";
import { Empty } from "../parts/Empty";
import type { Job } from "../api/types";
import { isActive, jobs } from "../state/jobs";
import { link } from "../state/route";

/** The running one, then those that wait in their order, then those that ended, newest first. */
function inOrder(all: Job[]): { active: Job[]; ended: Job[] } {
  const place = (job: Job) => (job.state === "running" ? -1 : (job.position ?? 0));
  return {
    active: all.filter(isActive).sort((a, b) => place(a) - place(b)),
    ended: all.filter((job) => !isActive(job)).sort((a, b) => b.id - a.id),
  };
}

function Nothing() {
  return (
    <Empty icon="jobs" title="No jobs yet">
      <p>Merging, drawing and training are jobs. They run one after the other and go on when this page is closed.</p>
      <a class="button main" href={link("/merge")}>
        Merge two files
      </a>
    </Empty>
  );
}

export function Jobs() {
  const all = jobs.value;
  const { active, ended } = inOrder(all ?? []);
  return (
    <>
      <div class="head">
        <h1>Jobs</h1>
        <p>One runs at a time; the others wait their turn. You may close this page meanwhile.</p>
      </div>
      {all?.length === 0 && <Nothing />}
      <div class="stack">
        {active.length > 0 && (
          <section class="stack tight" aria-label="Running and waiting">
            <h2>Now</h2>
            <ul class="joblist">
              {active.map((job) => (
                <JobRow key={job.id} job={job} />
              ))}
            </ul>
          </section>
        )}
        {ended.length > 0 && (
          <section class="stack tight" aria-label="Ended">
            <h2>Before</h2>
            <ul class="joblist">
              {ended.map((job) => (
                <JobRow key={job.id} job={job} />
              ))}
            </ul>
          </section>
        )}
      </div>
    </>
  );
}
