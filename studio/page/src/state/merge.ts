/** The merge that the user is putting together, kept through a reload. */
import type { Adapter } from "../api/types";
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

/** The first file for this slot, others that were dropped with it for those that are still empty. */
export function fillSlots(at: number, files: { id: number }[]) {
  const [first, ...others] = files;
  if (first) setInput(at, { adapter: first.id, prompts: [] });
  for (const file of others) {
    const empty = draft.value.inputs.findIndex((input) => input.adapter === null);
    if (empty >= 0) setInput(empty, { adapter: file.id, prompts: [] });
  }
}

/** What was taken for the subject is the style, and the other way round. */
export function swapRoles() {
  const other = { subject: "style", style: "subject", adapter: "adapter" } as const;
  const inputs = draft.value.inputs.map((input) => ({ ...input, role: other[input.role] }));
  draft.value = { ...draft.value, inputs: inputs.sort((a, b) => order.indexOf(a.role) - order.indexOf(b.role)) };
}

const order: Role[] = ["subject", "style", "adapter"];
const soundsLikeStyle = (adapter: Adapter) => /style/i.test(`${adapter.name} ${(adapter.summary?.trigger_words ?? []).slice(0, 2).join(" ")}`);

/** The two newest that are no merges, in empty slots; the one that speaks of a style in that slot. */
export function takeTwo(files: Adapter[]) {
  const [newest, other] = files.filter((file) => !file.summary?.recipe).sort((a, b) => b.id - a.id);
  if (newest && other && draft.value.inputs.every((input) => input.adapter === null)) {
    const style = soundsLikeStyle(newest) && !soundsLikeStyle(other) ? newest : soundsLikeStyle(other) && !soundsLikeStyle(newest) ? other : newest;
    fillSlots(0, [style === newest ? other : newest, style]);
  }
  go("/merge");
}

/** From a card of the library. */
export function takeAs(role: "subject" | "style", adapter: number) {
  setInput(draft.value.inputs.findIndex((each) => each.role === role), { adapter, prompts: [] });
  go("/merge");
}
