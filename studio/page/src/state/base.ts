/** The base that jobs of this browser use, where it is another than the one that the studio was started with. */
import { kept } from "./kept";
import { about } from "./server";

/** A path on this machine; empty: the studio's own. */
export const base = kept<string>("base", "");

const lastPart = (path: string) => path.split("/").filter(Boolean).pop() ?? path;

/** "the miniature", or the name of a folder or file. */
export function baseInWords(): string {
  const path = base.value || about.value?.base.path;
  return path ? lastPart(path) : "the miniature";
}

/** Whether jobs draw with the miniature, which no LoRA from the web fits. */
export const isMiniature = () => base.value === "" && about.value?.base.kind === "miniature";

export function withBase(options: Record<string, unknown>): Record<string, unknown> {
  return base.value && options.base === undefined ? { ...options, base: base.value } : options;
}
