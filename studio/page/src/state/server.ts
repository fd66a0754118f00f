/** What the server holds, as signals: null until it has told. */
import { signal } from "@preact/signals";

import { type ApiError, get } from "../api/client";
import type { About, Adapter, Folder, Method, GalleryImage, Verb } from "../api/types";
import { asError } from "../parts/Notice";
import { loadEvaluations } from "./evaluations";
import { keepFor } from "./kept";
import { loadJobs } from "./jobs";

export const about = signal<About | null>(null);
export const methods = signal<Method[] | null>(null);
export const verbs = signal<Record<string, Verb>>({});
export const adapters = signal<Adapter[] | null>(null);
export const folders = signal<Folder[]>([]);
export const images = signal<GalleryImage[] | null>(null); // the gallery, newest first
const known = signal<Record<number, GalleryImage>>({}); // those, and older ones that something showed
export const moreImages = signal<number | null>(null); // where the gallery goes on
export const loadError = signal<ApiError | null>(null);

export const adapterOf = (id: number | null | undefined) => adapters.value?.find((adapter) => adapter.id === id);
export const imageOf = (id: number | null | undefined): GalleryImage | undefined => (id ? known.value[id] : undefined);

/** Those that can be merged or drawn with. */
export const readyAdapters = () => (adapters.value ?? []).filter((adapter) => adapter.state === "ready");

export async function loadAdapters() {
  const [found, named] = await Promise.all([get<{ adapters: Adapter[] }>("/adapters"), get<{ folders: Folder[] }>("/folders")]);
  adapters.value = found.adapters;
  folders.value = named.folders;
}

interface ImagePage {
  images: GalleryImage[];
  next: number | null;
}

const remember = (found: GalleryImage[]) => {
  known.value = { ...known.value, ...Object.fromEntries(found.map((image) => [image.id, image])) };
};

export async function loadImages() {
  const page = await get<ImagePage>("/images");
  remember(page.images);
  images.value = page.images;
  moreImages.value = page.next;
}

/** Images that are older than the gallery's first part. One that was deleted stays unknown. */
export async function loadUnknown(ids: number[]) {
  const asked = ids.filter((id) => !known.value[id]).map((id) => get<GalleryImage>(`/images/${id}`).catch(() => null));
  remember((await Promise.all(asked)).filter((image) => image !== null));
}

export async function loadMoreImages() {
  const page = await get<ImagePage>(`/images?before=${moreImages.value}`);
  remember(page.images);
  images.value = [...(images.value ?? []), ...page.images];
  moreImages.value = page.next;
}

async function loadTables() {
  const names = ["merge", "generate", "train", "evaluate"];
  const [said, table, ...described] = await Promise.all([
    get<About>("/about"),
    get<{ methods: Method[] }>("/methods"),
    ...names.map((name) => get<Verb>(`/verbs/${name}`)),
  ]);
  about.value = said;
  keepFor(said.data);
  methods.value = table.methods;
  verbs.value = Object.fromEntries(described.map((verb) => [verb.name, verb]));
}

/** Everything, at the start and whenever the connection is back. */
export async function load() {
  try {
    await Promise.all([loadTables(), loadAdapters(), loadImages(), loadJobs(), loadEvaluations()]);
    loadError.value = null;
  } catch (thrown) {
    loadError.value = asError(thrown);
  }
}
