/** Many images at once: two settings vary, one across and one down. */
import { useEffect, useState } from "preact/hooks";

import { type ApiError, get, post } from "../api/client";
import type { Grid } from "../api/types";
import { formFlags } from "../forms/layout";
import { Icon } from "../parts/icons";
import { asError, ErrorNote } from "../parts/Notice";
import { withBase } from "../state/base";
import { drawing, drawOptions } from "../state/drawing";
import { loadJob } from "../state/jobs";
import { kept } from "../state/kept";
import { verbs } from "../state/server";
import { type AxisDraft, axisNames, isOfFiles, readAxis } from "./axis";
import { AxisField } from "./AxisField";
import { DrawOptions, PromptBox } from "./Draw";
import { GridTable } from "./GridTable";
import { WornList } from "./WornList";

const axes = kept<{ x: AxisDraft; y: AxisDraft }>("axes", {
  x: { axis: "strength", text: "", files: [] },
  y: { axis: "seed", text: "", files: [] },
});

function useGrids(): [Grid[], (grid: Grid) => void] {
  const [grids, setGrids] = useState<Grid[]>([]);
  useEffect(() => {
    get<{ grids: Grid[] }>("/grids").then((said) => setGrids([...said.grids].sort((a, b) => b.id - a.id)), () => undefined);
  }, []);
  return [grids, (grid) => setGrids((before) => [grid, ...before])];
}

/** What is still missing, in words; empty when the grid can be drawn. */
function missing(): string {
  const { x, y } = axes.value;
  if (x.axis === y.axis) return "Let the columns and the rows vary in different things.";
  if (readAxis(x).values.length === 0 || readAxis(y).values.length === 0) return "Give both, the columns and the rows, their values.";
  if (![x.axis, y.axis].includes("prompt") && drawing.value.prompts.every((text) => !text.trim())) return "Say what to draw.";
  return "";
}

export function Grids() {
  const [grids, add] = useGrids();
  const [error, setError] = useState<ApiError | null>(null);
  const verb = verbs.value.generate;
  const names = axisNames(verb ? formFlags(verb) : []);
  const lacks = missing();
  const varies = [axes.value.x.axis, axes.value.y.axis];
  const run = async () => {
    setError(null);
    try {
      const options = drawOptions(drawing.value);
      for (const axis of varies) delete options[isOfFiles(axis) ? "adapter" : axis];
      const grid = await post<Grid>("/grids", { options: withBase(options), x: readAxis(axes.value.x), y: readAxis(axes.value.y) });
      await loadJob(grid.job);
      add(grid);
    } catch (thrown) {
      setError(asError(thrown));
    }
  };
  return (
    <div class="stack">
      <section class="card stack" aria-label="A new grid">
        <div class="pair stacks">
          <AxisField title="Columns" names={names} draft={axes.value.x} change={(x) => (axes.value = { ...axes.value, x })} />
          <AxisField title="Rows" names={names} draft={axes.value.y} change={(y) => (axes.value = { ...axes.value, y })} />
        </div>
        {!varies.includes("prompt") && <PromptBox />}
        {!varies.some(isOfFiles) && <WornList />}
        <details class="more">
          <summary>Settings of every image</summary>
          <DrawOptions />
        </details>
        <ErrorNote error={error} />
        <button type="button" class="button main big left" disabled={lacks !== ""} onClick={() => void run()}>
          <Icon name="generate" /> Draw the grid
        </button>
        {lacks && <p class="small muted">{lacks}</p>}
      </section>
      {grids.map((grid) => (
        <GridTable key={grid.id} grid={grid} />
      ))}
    </div>
  );
}
