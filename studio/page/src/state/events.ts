/** The stream of everything that happens. The browser reconnects by itself and says which event it saw last. */
import { signal } from "@preact/signals";

import { address, ApiError, get } from "../api/client";
import type { JobEvent, StreamEvent } from "../api/types";
import { loadEvaluations } from "./evaluations";
import { addEvents, dropJob, loadJob, loadJobs } from "./jobs";
import { load, loadAdapters, loadImages } from "./server";

/** Null until the first answer. */
export const connected = signal<boolean | null>(null);

const told = new Map<number, JobEvent[]>();
const changed = new Set<() => Promise<void>>();
let waiting = false;

/** Events come by the hundred; the page is drawn, and the server asked, a few times a second. */
function flush() {
  waiting = false;
  for (const [id, events] of told) addEvents(id, events);
  told.clear();
  for (const ask of changed) ask().catch(() => undefined); // the stream itself tells when the server is gone
  changed.clear();
}

function take({ job, adapter, image, folder, evaluation, event }: StreamEvent) {
  if (job !== undefined) {
    told.set(job, [...(told.get(job) ?? []), event]);
    if (event.state === "removed") dropJob(job);
    else if (event.event === "state") {
      void loadJob(job).catch(() => loadJobs().catch(() => undefined));
      changed.add(loadJobs); // the places of the others in the queue
    }
  }
  if (adapter !== undefined || folder !== undefined) changed.add(loadAdapters);
  if (evaluation !== undefined) changed.add(loadEvaluations);
  if (image !== undefined) changed.add(loadImages);
  if (!waiting) setTimeout(flush, 150);
  waiting = true;
}

/** A server that was started anew knows this page's token no more: the page is asked for again, at most once a minute. */
async function recover() {
  const key = "ziplora-reloaded";
  try {
    await get("/about");
  } catch (thrown) {
    const refused = thrown instanceof ApiError && (thrown.status === 401 || thrown.status === 403);
    if (refused && Date.now() - Number(sessionStorage.getItem(key)) > 60_000) {
      sessionStorage.setItem(key, String(Date.now()));
      location.reload();
      return;
    }
  }
  listen();
}

export function listen() {
  const stream = new EventSource(address("/events"));
  stream.onopen = () => {
    if (connected.value === false) void load(); // what happened meanwhile
    connected.value = true;
  };
  stream.onerror = () => {
    connected.value = false;
    if (stream.readyState === EventSource.CLOSED) setTimeout(() => void recover(), 2000);
  };
  stream.onmessage = (message: MessageEvent<string>) => take(JSON.parse(message.data) as StreamEvent);
}
