/** To the page of charts that an evaluation wrote, once it is there. Its address opens that page alone. */
import type { Job } from "../api/types";

export function ReportLink({ job }: { job: Job }) {
  if (!job.report) return null;
  return (
    <p>
      <a class="button" href={job.report} target="_blank" rel="noopener noreferrer" aria-label={`Open the report of ${job.title}, job ${job.id}, in a new tab`}>
        Open the report
      </a>
    </p>
  );
}
