/** What the program said while a job ran, and the command that does the same in a terminal. */
import { useEffect, useState } from "preact/hooks";

import { address } from "../api/client";
import type { Job } from "../api/types";
import { Dialog } from "../parts/Dialog";
import { Curves } from "./JobProgress";

export function LogDialog({ job, close }: { job: Job; close: () => void }) {
  const [text, setText] = useState("");
  useEffect(() => {
    fetch(address(`/jobs/${job.id}/log`)).then(async (answer) => setText(await answer.text()), () => setText("The log cannot be read now."));
  }, [job.id, job.state]);
  return (
    <Dialog title={job.title} close={close}>
      <div class="stack">
        <h3>The same in a terminal</h3>
        <pre tabIndex={0}>{job.command}</pre>
        <Curves job={job} />
        <h3>Log</h3>
        <pre tabIndex={0}>{text || "Nothing yet."}</pre>
      </div>
    </Dialog>
  );
}
