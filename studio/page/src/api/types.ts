/** What the studio's API says, as studio/openapi.json describes it: the parts that the page uses. */
import type { Flag } from "../forms/flag";

export interface Problem {
  kind?: string;
  where?: string;
  problem: string;
  hint?: string;
}

export interface About {
  version: string;
  device: string;
  base: { path: string | null; kind: string };
  data: string;
}

export interface Verb {
  name: string;
  summary: string;
  flags: Flag[];
  presets?: { name: string; summary: string; options: Record<string, unknown> }[];
}

export interface MethodOption {
  name: string;
  default: unknown;
  choices?: string[] | null;
  minimum?: number | null;
  maximum?: number | null;
}

export interface Method {
  name: string;
  summary: string;
  needs_base: boolean;
  options: MethodOption[];
}

export interface Adapter {
  id: number;
  name: string;
  path: string;
  bytes: number;
  origin: "uploaded" | "folder" | "made";
  created: string;
  state: "inspecting" | "ready" | "refused" | "missing";
  preview: boolean;
  summary: AdapterSummary | null;
  error: Problem | null;
}

export interface ProgramSupport {
  program: string;
  verdict: "fully" | "partly" | "not" | "unknown";
  reasons: string[];
}

export interface AdapterSummary {
  base: string;
  kinds: Record<string, number>;
  ranks: Record<string, number>;
  layers: number;
  trigger_words: string[];
  programs: ProgramSupport[];
  defects: string[];
  warnings: string[];
  recipe: Recipe | null;
}

export interface Folder {
  id: number;
  path: string;
  files: number;
  error: Problem | null;
}

export interface GalleryImage {
  id: number;
  name: string;
  width: number;
  height: number;
  origin: "uploaded" | "made";
  job: number | null;
  created: string;
  prompt: string | null;
  seed: number | null;
  contender: string | null;
}

export interface Settings {
  source: "ziplora" | "a1111";
  options: Record<string, unknown>;
  missing: string[];
  text: string | null;
}

export type JobState = "queued" | "running" | "done" | "failed" | "cancelled" | "interrupted";

export interface Job {
  id: number;
  verb: string;
  title: string;
  state: JobState;
  position: number | null;
  options: Record<string, unknown>;
  created: string;
  started: string | null;
  finished: string | null;
  progress: { stage: string; step: number; total: number; metrics?: Record<string, number>; eta_seconds: number | null } | null;
  adapters: number[]; // what it made
  images: number[];
  grid: number | null;
  of?: number | null; // the merge whose sheet this draws
  result: Record<string, unknown> | null;
  error: Problem | null;
  report: string | null; // an evaluation's page of charts
  resumable: boolean;
  command: string;
}

export interface JobEvent {
  event: string;
  stage?: string;
  step?: number;
  total?: number;
  text?: string;
  row?: number; // of a preview: which image of the run
  image?: string; // of a preview: a data URL
  state?: JobState | "removed";
  metrics?: Record<string, number>;
}

/** One line of the stream: of a job, or that a thing of the library is new, changed or removed. */
export interface StreamEvent {
  job?: number;
  adapter?: number;
  image?: number;
  folder?: number;
  evaluation?: number;
  event: JobEvent;
}

export interface MergePlan {
  inputs: { role: string; rank: number; layers: number; alone: number; prompts: string[] }[];
  joint_prompts: string[];
  layers: { each: { how: string; layer: string; inputs: number[] }[] };
}

export interface Plan {
  command: string;
  plan: MergePlan | null;
  notes: string[];
  warnings: string[];
  refusal: Problem | null;
}

export interface Axis {
  axis: string;
  values: unknown[];
  labels?: string[];
}

export interface Grid {
  id: number;
  job: number;
  title: string;
  x: Axis;
  y: Axis;
  cells: (number | null)[][];
}

export interface Evaluation {
  id: number;
  path: string;
  name: string;
  images: number;
}

export interface Ballot {
  ballot: string;
  prompt: string;
  seed: number;
  left: number;
  right: number;
  votes: number;
}

export interface Contender {
  name: string;
  strength: number;
  low: number;
  high: number;
  wins: number;
  votes: number;
}

export interface Ranking {
  questions: Record<string, { votes: number; contenders: Contender[] }>;
}

/** One file of `inspect --json`. */
export interface Inspection {
  architecture: string;
  blocks: { block: string; layers: number; of: number; norm: number }[];
  defects: string[];
  dialect: string;
  dtypes: Record<string, number>;
  hashes: { autov2: string; sha256: string };
  kinds: Record<string, number>;
  layers: number;
  norm: number;
  programs: ProgramSupport[];
  ranks: Record<string, number>;
  recipe?: Recipe;
  stable_rank: number;
  trigger_words: string[];
  warnings: string[];
}

export interface Recipe {
  method: string;
  seed?: number;
  inputs?: { file: string; role: string; weight: number; sha256: string; prompts?: string[] }[];
  options?: Record<string, unknown>;
  result?: {
    fidelity?: Record<string, { before: number; after: number }>;
    overlap?: { before: number; after: number };
  };
}
