/** Evaluations whose images can be judged, and the one that is. */
import { signal } from "@preact/signals";

import { get } from "../api/client";
import type { Evaluation } from "../api/types";
import { kept } from "./kept";

export const evaluations = signal<Evaluation[]>([]);
/** Its id; null: the images that jobs made. */
export const source = kept<number | null>("ballots", null);

export async function loadEvaluations() {
  evaluations.value = (await get<{ evaluations: Evaluation[] }>("/evaluations")).evaluations;
  if (!evaluations.value.some((each) => each.id === source.value)) source.value = null;
}

/** Behind the path of what asks for ballots and rankings. */
export const ofSource = () => (source.value === null ? "" : `?evaluation=${source.value}`);
