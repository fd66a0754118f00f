/** The training that the user is putting together, kept through a reload. */
import type { Values } from "../forms/flag";
import { kept } from "./kept";
import type { Request } from "./jobs";

export interface Training {
  images: number[];
  captions: Record<number, string>;
  prompt: string;
  preset: string;
  values: Values;
  job: number | null;
}

export const training = kept<Training>("training", { images: [], captions: {}, prompt: "", preset: "", values: {}, job: null });

export function change(what: Partial<Training>) {
  training.value = { ...training.value, ...what };
}

export function setValue(name: string, value: unknown) {
  const values = { ...training.value.values };
  if (value === undefined) delete values[name];
  else values[name] = value;
  change({ values });
}

export function trainRequest(draft: Training): Request {
  const captions = Object.fromEntries(draft.images.flatMap((id) => (draft.captions[id]?.trim() ? [[id, draft.captions[id]!.trim()]] : [])));
  return { verb: "train", options: { ...draft.values, images: { images: draft.images }, prompt: draft.prompt.trim() }, captions };
}
