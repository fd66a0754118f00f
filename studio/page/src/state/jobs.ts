/** The jobs, and the progress of each that told any. */
import { computed, signal } from "@preact/signals";

import { get, post, remove } from "../api/client";
import type { Job, JobEvent } from "../api/types";
import { withBase } from "./base";
import { after, nothingYet, type Progress } from "./progress";

export const jobs = signal<Job[] | null>(null);
export const progress = signal<Record<number, Progress>>({});

export const isActive = (job: Job | undefined): boolean => job?.state === "queued" || job?.state === "running";
export const activeJobs = computed(() => (jobs.value ?? []).filter(isActive));

export const jobOf = (id: number | null | undefined) => jobs.value?.find((job) => job.id === id);
/** The job that was started here, or the newest of its kind: another browser may have started it. */
export const jobOrNewest = (id: number | null, verb: string) => jobOf(id) ?? jobs.value?.find((job) => job.verb === verb);

export const progressOf = (id: number) => progress.value[id] ?? nothingYet();

/** A job that is new, or has changed. */
export function putJob(job: Job) {
  const all = jobs.value ?? [];
  jobs.value = all.some((each) => each.id === job.id) ? all.map((each) => (each.id === job.id ? job : each)) : [job, ...all];
}

export function addEvents(id: number, events: JobEvent[]) {
  progress.value = { ...progress.value, [id]: events.reduce(after, progressOf(id)) };
}

export async function loadJobs() {
  jobs.value = (await get<{ jobs: Job[] }>("/jobs")).jobs;
}

export async function loadJob(id: number) {
  putJob(await get<Job>(`/jobs/${id}`));
}

const asked = new Set<number>();

/** A job's past, once: its curves are whole after a reload, too. */
export async function loadHistory(id: number) {
  if (asked.has(id)) return;
  asked.add(id);
  const { events } = await get<{ events: JobEvent[] }>(`/jobs/${id}/events`);
  const past = events.reduce(after, nothingYet());
  const now = progressOf(id);
  if (past.points.length >= now.points.length) progress.value = { ...progress.value, [id]: { ...past, previews: now.previews } };
}

export interface Request {
  verb: string;
  options: Record<string, unknown>;
  title?: string;
  captions?: Record<number, string>;
  compare?: boolean;
  manifest?: Record<string, unknown>; // of a comparison
  previews?: number; // one every so many steps
}

export async function start(request: Request): Promise<Job> {
  const job = await post<Job>("/jobs", { ...request, options: withBase(request.options) });
  putJob(job);
  return job;
}

export async function act(id: number, action: "cancel" | "restart") {
  putJob(await post<Job>(`/jobs/${id}/${action}`));
}

export async function move(id: number, position: number) {
  await post<Job>(`/jobs/${id}/move`, { position });
  await loadJobs();
}

export async function forget(id: number) {
  await remove(`/jobs/${id}`);
  dropJob(id);
}

/** One that was removed, perhaps on another page. */
export function dropJob(id: number) {
  jobs.value = (jobs.value ?? []).filter((job) => job.id !== id);
}
