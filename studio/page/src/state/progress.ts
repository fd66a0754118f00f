/** What a job's events add up to: its stage, how far it is, its curves, what it said. */
import type { JobEvent } from "../api/types";

export interface Point {
  iteration: number;
  metrics: Record<string, number>;
}

export interface Progress {
  stage: string;
  step: number;
  total: number;
  points: Point[]; // of the steps that told metrics
  pointsStage: string;
  notes: string[];
  warnings: string[];
  previews: Record<number, string>; // for each image of the run its address as far as it is denoised
}

export const nothingYet = (): Progress => ({
  stage: "", step: 0, total: 0, points: [], pointsStage: "", notes: [], warnings: [], previews: {},
});

function addPoint(before: Progress, event: JobEvent): Partial<Progress> {
  const metrics = event.metrics ?? {};
  if (Object.keys(metrics).length === 0) return {};
  const older = before.pointsStage === event.stage ? before.points : [];
  const last = older[older.length - 1];
  if (last && last.iteration >= event.step!) return {}; // told again after a reconnection
  return { points: [...older, { iteration: event.step!, metrics }], pointsStage: event.stage! };
}

const told = (texts: string[], text: string) => (texts.includes(text) ? texts : [...texts, text]);

/** The progress after an event; `before` stays as it is. */
export function after(before: Progress, event: JobEvent): Progress {
  switch (event.event) {
    case "stage_started":
      return { ...before, stage: event.stage!, step: 0, total: event.total ?? 0 };
    case "step":
      return { ...before, stage: event.stage!, step: event.step!, total: event.total ?? before.total, ...addPoint(before, event) };
    case "note":
      return { ...before, notes: told(before.notes, event.text!) };
    case "warning":
      return { ...before, warnings: told(before.warnings, event.text!) };
    case "preview":
      return { ...before, previews: { ...before.previews, [event.row ?? 0]: event.image! } };
    default:
      return before;
  }
}

/** The curves that the points hold, one array for each metric. */
export function curvesOf(points: Point[]): { x: number[]; curves: Map<string, (number | null)[]> } {
  const names = new Set(points.flatMap((point) => Object.keys(point.metrics)));
  const curves = new Map<string, (number | null)[]>();
  for (const name of names) curves.set(name, points.map((point) => point.metrics[name] ?? null));
  return { x: points.map((point) => point.iteration), curves };
}
