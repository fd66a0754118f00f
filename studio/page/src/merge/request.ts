/** The draft as a job of the API. */
import type { Request } from "../state/jobs";
import type { Input, MergeDraft } from "../state/merge";
import { adapterOf } from "../state/server";

const file = (input: Input) => ({ adapter: input.adapter, strength: input.strength });
const prompts = (input: Input | undefined) => (input?.prompts ?? []).map((text) => text.trim()).filter(Boolean);

/** Null until every slot has its file. */
export function mergeRequest(draft: MergeDraft): Request | null {
  if (draft.inputs.some((input) => !adapterOf(input.adapter))) return null;
  const role = (name: string) => draft.inputs.find((input) => input.role === name);
  const further = draft.inputs.filter((input) => input.role === "adapter");
  const options: Record<string, unknown> = { ...draft.values };
  for (const name of ["subject", "style"]) {
    const input = role(name);
    if (input) options[name] = file(input);
    if (prompts(input).length) options[`${name}_prompt`] = prompts(input);
  }
  if (further.length) options.adapter = further.map(file);
  const told = further.flatMap(prompts);
  if (told.length) options.adapter_prompt = told;
  return { verb: "merge", options, compare: true };
}
