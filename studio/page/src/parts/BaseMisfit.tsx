/** Says which files the base cannot wear, before an error of the program does, and opens the window that chooses another. */
import type { Adapter } from "../api/types";
import { isMiniature } from "../state/base";
import { ChooseBase } from "./BaseButton";

/** A file of the miniature names it as its base: "as /usr/share/ziplora/mini". */
export const misfits = (adapters: (Adapter | undefined)[]): Adapter[] =>
  isMiniature() ? adapters.filter((adapter): adapter is Adapter => Boolean(adapter?.summary) && !adapter!.summary!.base.startsWith("as /")) : [];

export function BaseMisfit({ adapters, refused }: { adapters: (Adapter | undefined)[]; refused: string }) {
  const strange = misfits(adapters);
  if (strange.length === 0) return null;
  return (
    <div class="note warn">
      <span>
        <strong>{strange.map((adapter) => adapter.name).join(" and ")}</strong> {strange.length === 1 ? "is" : "are"} made for SDXL, and the base here is the miniature. {refused}
      </span>
      <ChooseBase />
    </div>
  );
}
