/** The merge that the user is putting together, kept through a reload. */
import { kept } from "./kept";
import { go } from "./route";
import type { Values } from "../forms/flag";

export type Role = "subject" | "style" | "adapter";

export interface Input {
  role: Role;
  adapter: number | null; // its id
  strength: number;
  prompts: string[];
}

export interface MergeDraft {
  inputs: Input[];
  values: Values; // options by name, the method among them
  job: number | null; // the last one started here
}

const input = (role: Role, adapter: number | null = null): Input => ({ role, adapter, strength: 1, prompts: [] });

export const draft = kept<MergeDraft>("merge", { inputs: [input("subject"), input("style")], values: {}, job: null });

export function setInput(at: number, change: Partial<Input>) {
  draft.value = { ...draft.value, inputs: draft.value.inputs.map((each, index) => (index === at ? { ...each, ...change } : each)) };
}

export function addInput() {
  draft.value = { ...draft.value, inputs: [...draft.value.inputs, input("adapter")] };
}

export function removeInput(at: number) {
  draft.value = { ...draft.value, inputs: draft.value.inputs.filter((_, index) => index !== at) };
}

export function setOption(name: string, value: unknown) {
  const values = { ...draft.value.values };
  if (value === undefined) delete values[name];
  else values[name] = value;
  draft.value = { ...draft.value, values };
}

/** From a card of the library. */
export function takeAs(role: "subject" | "style", adapter: number) {
  setInput(draft.value.inputs.findIndex((each) => each.role === role), { adapter, prompts: [] });
  go("/merge");
}
