/** One option of a verb, as the program describes it. Its name, default and help come from there and from nowhere else. */

import { baseInWords } from "../state/base";

export interface Choice {
  name: string;
  summary?: string;
}

export interface Flag {
  name: string;
  type: "boolean" | "integer" | "number" | "string";
  value_name: string;
  repeats: boolean;
  required: boolean;
  default: unknown;
  group: string;
  help: string;
  choices?: (Choice | string)[] | null;
  minimum?: number | null;
  maximum?: number | null;
}

/** What a form holds: only what differs from the program's own default. */
export type Values = Record<string, unknown>;

/** "guidance_scale" → "Guidance scale". */
export function label(name: string): string {
  const words = name.replace(/_/g, " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** The help without the list of choices, which the field shows in another way, and in the words of a page. */
export function helpText(flag: Flag): string {
  return flag.help.split("\n")[0]!.replace(/ \(required\)$/, "").replace("; repeat for more", "; one on each line").replace(/\b(INT|FLOAT)\b/, "this many");
}

const word = "[a-z0-9][a-z0-9+-]*";

/** The choices of a flag: as the server gives them, or as the help lists them: "  name: text" lines, or "a, b, c" at its end. */
export function choices(flag: Flag): Choice[] {
  if (flag.choices?.length) return flag.choices.map((each) => (typeof each === "string" ? { name: each } : each));
  if (flag.type !== "string") return [];
  const [first, ...lines] = flag.help.split("\n");
  if (lines.length) {
    return lines.map((line) => {
      const at = line.indexOf(": ");
      return { name: line.slice(0, at).trim(), summary: line.slice(at + 2) };
    });
  }
  const listed = new RegExp(`(?:\\(|: | with )(${word}(?:, ${word})+)(?:\\)| \\(default|; default|$)`).exec(first!);
  return listed && flag.default !== undefined && !flag.repeats ? listed[1]!.split(", ").map((name) => ({ name })) : [];
}

/** "1000; the miniature: 300" names two defaults: the one of the base in use counts. */
function ofBase(text: string): string {
  const [usual, ...others] = text.split("; ");
  const own = others.find((other) => other.startsWith(`${baseInWords()}: `));
  return own ? own.slice(own.indexOf(": ") + 2) : usual!;
}

/** The default in words, for a placeholder. */
export function defaultText(flag: Flag): string {
  const said = flag.default;
  if (said === null || said === undefined || (Array.isArray(said) && said.length === 0)) {
    const inHelp = /(?:\(default:? |; default: )([^)]*)\)?$/.exec(helpText(flag));
    return inHelp ? ofBase(inHelp[1]!) : "";
  }
  return String(said);
}
