/** Where options stand: which come first, and which a page places by hand. What an option is called, means and defaults to
 * is the program's to say; a name that the program does not have is passed over. */
import type { Method, Verb } from "../api/types";
import type { Flag } from "./flag";

/** Shown at once, in this order. Of a merge, the method's own options come first. */
export const first: Record<string, string[]> = {
  merge: [],
  generate: ["negative_prompt", "images", "seed", "width", "height", "steps", "guidance_scale", "style_strength", "scheduler"],
  train: ["iterations", "rank", "sample_every"],
  evaluate: ["steps", "guidance_scale"],
};

/** Placed by a page itself. */
const byHand: Record<string, string[]> = {
  merge: ["subject_prompt", "style_prompt", "adapter_prompt", "method", "resume", "plan"],
  generate: ["prompt", "grid", "output", "preview_every", "show"],
  train: ["prompt", "output"],
  evaluate: ["only", "group", "shard", "gather"],
};

/** Files come from the library; the base has a window of its own. What is made may be given a name: its folder is the server's choice. */
const namesFile = (flag: Flag) => flag.name !== "output" && /FILE|PATH|FOLDER|ADAPTERS/.test(flag.value_name);

export const flagOf = (verb: Verb | undefined, name: string) => verb?.flags.find((flag) => flag.name === name);

export function formFlags(verb: Verb): Flag[] {
  return verb.flags.filter((flag) => !namesFile(flag) && !byHand[verb.name]?.includes(flag.name));
}

const isOfMethods = (flag: Flag) => /^Methods? /.test(flag.group);

/** The options of a merge by this method: its own with its defaults, choices and bounds, then those of every merge. */
export function mergeFlags(verb: Verb, method: Method): { own: Flag[]; common: Flag[] } {
  const own = method.options.flatMap((option) => {
    const flag = flagOf(verb, option.name);
    return flag ? [{ ...flag, group: `Of ${method.name}`, default: option.default, choices: option.choices ?? flag.choices, minimum: option.minimum, maximum: option.maximum }] : [];
  });
  return { own, common: formFlags(verb).filter((flag) => !isOfMethods(flag)).map((flag) => ({ ...flag, group: "Of every merge" })) };
}

/** Options of one strategy stand in a group of its name: shown while it is the chosen one. */
export function drawFlags(verb: Verb, strategy: string): Flag[] {
  return formFlags(verb).filter((flag) => !/^Strategy /.test(flag.group) || flag.group === `Strategy ${strategy}`);
}
