/** The comparison that the user is putting together, kept through a reload. */
import type { Values } from "../forms/flag";
import type { Request } from "./jobs";
import { kept } from "./kept";

export interface Comparison {
  subjects: number[]; // ids of files
  styles: number[];
  methods: string[];
  prompts: string;
  seeds: string;
  values: Values; // options by name
  job: number | null;
}

export const comparison = kept<Comparison>("comparison", {
  subjects: [], styles: [], methods: ["direct", "ssr"], prompts: "{subject}, {style}", seeds: "0, 1", values: {}, job: null,
});

export function setOption(name: string, value: unknown) {
  const values = { ...comparison.value.values };
  if (value === undefined) delete values[name];
  else values[name] = value;
  comparison.value = { ...comparison.value, values };
}

export const toggled = <T>(all: T[], one: T) => (all.includes(one) ? all.filter((each) => each !== one) : [...all, one]);

const prompts = () => comparison.value.prompts.split("\n").map((text) => text.trim()).filter(Boolean);
const seeds = () => comparison.value.seeds.split(/[\s,]+/).filter(Boolean).map(Number);

/** What is still missing, in words; empty when it can begin. */
export function lacking(): string {
  const { subjects, styles, methods } = comparison.value;
  if (subjects.length === 0 || styles.length === 0) return "Choose at least one subject and one style.";
  if (subjects.some((id) => styles.includes(id))) return "One file cannot be both, a subject and a style.";
  if (methods.length < 2) return "Choose at least two methods.";
  if (!prompts().some((text) => text.includes("{subject}") && text.includes("{style}"))) return "One prompt must have {subject} and {style}.";
  if (seeds().length === 0 || seeds().some((seed) => !Number.isInteger(seed) || seed < 0)) return "Seeds are whole numbers.";
  return "";
}

export function evaluateRequest(): Request {
  const { subjects, styles, methods, values } = comparison.value;
  const files = (ids: number[]) => ids.map((adapter) => ({ adapter }));
  const manifest = { subjects: files(subjects), styles: files(styles), prompts: prompts(), seeds: seeds(), methods: methods.map((method) => ({ method })) };
  return { verb: "evaluate", options: values, manifest };
}
