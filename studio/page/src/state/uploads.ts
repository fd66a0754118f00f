/** Files on their way to the server, and what became of them. */
import { signal } from "@preact/signals";

import { type ApiError, upload } from "../api/client";
import type { Adapter, GalleryImage } from "../api/types";
import { asError } from "../parts/Notice";
import { loadAdapters, loadImages } from "./server";

export interface Upload {
  id: number;
  name: string;
  share: number;
  error: ApiError | null;
}

export const uploads = signal<Upload[]>([]);
let next = 0;

const change = (id: number, what: Partial<Upload>) => {
  uploads.value = uploads.value.map((each) => (each.id === id ? { ...each, ...what } : each));
};

export const dismiss = (id: number) => {
  uploads.value = uploads.value.filter((each) => each.id !== id);
};

/** What was refused on one page is no matter of the next one. */
export const dismissRefused = () => {
  uploads.value = uploads.value.filter((each) => !each.error);
};

/** One after the other, so that two large files do not halve each other's pace. What fails is left out of the answer. */
async function sendAll<T>(path: string, files: File[]): Promise<T[]> {
  const queued = files.map((file) => ({ id: next++, name: file.name, share: 0, error: null, file }));
  uploads.value = [...uploads.value, ...queued];
  const done: T[] = [];
  for (const { id, file } of queued) {
    try {
      done.push(await upload<T>(`${path}?name=${encodeURIComponent(file.name)}`, file, (share) => change(id, { share })));
      dismiss(id);
    } catch (thrown) {
      change(id, { error: asError(thrown) });
    }
  }
  return done;
}

export async function sendAdapters(files: File[]): Promise<Adapter[]> {
  const done = await sendAll<Adapter>("/adapters", files);
  await loadAdapters();
  return done;
}

export async function sendImages(files: File[]): Promise<GalleryImage[]> {
  const done = await sendAll<GalleryImage>("/images", files);
  await loadImages();
  return done;
}
