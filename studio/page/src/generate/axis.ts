/** An axis of a grid as the user writes it, and as the API takes it. */
import type { Axis } from "../api/types";
import type { Flag } from "../forms/flag";
import { readyAdapters } from "../state/server";

export interface AxisDraft {
  axis: string;
  text: string; // of values that are typed, one on each line
  files: number[]; // of the axes whose values are files
}

/** Files that a merge made are told apart by their method. */
export const isOfFiles = (axis: string) => axis === "file" || axis === "method";

export function filesFor(axis: string) {
  return readyAdapters().filter((adapter) => axis === "file" || adapter.summary?.recipe);
}

/** The five, then every number of the form. */
export function axisNames(flags: Flag[]): string[] {
  const numbers = flags.filter((flag) => (flag.type === "integer" || flag.type === "number") && flag.name !== "seed").map((flag) => flag.name);
  return ["prompt", "seed", "strength", "method", "file", ...numbers];
}

/** What an empty field shows and means. */
export const standardValues: Record<string, string> = { seed: "0, 1, 2", strength: "0.6, 0.8, 1" };

function typed(draft: AxisDraft): unknown[] {
  const lines = (draft.text.trim() ? draft.text : (standardValues[draft.axis] ?? "")).split("\n").map((line) => line.trim()).filter(Boolean);
  if (draft.axis === "prompt") return lines;
  return lines.flatMap((line) => line.split(/[\s,;]+/)).filter(Boolean).map((word) => (Number.isNaN(Number(word)) ? word : Number(word)));
}

export function readAxis(draft: AxisDraft): Axis {
  if (!isOfFiles(draft.axis)) {
    const values = typed(draft);
    return { axis: draft.axis, values };
  }
  const chosen = filesFor(draft.axis).filter((adapter) => draft.files.includes(adapter.id));
  return {
    axis: draft.axis,
    values: chosen.map((adapter) => ({ adapter: adapter.id })),
    labels: chosen.map((adapter) => (draft.axis === "method" ? adapter.summary?.recipe?.method : undefined) ?? adapter.name),
  };
}
