/** A grid, filling while it is drawn; each image opens large. */
import { useEffect, useState } from "preact/hooks";

import { address, get } from "../api/client";
import type { Axis, Grid } from "../api/types";
import { label } from "../forms/flag";
import { JobEnd } from "../jobs/JobEnd";
import { JobProgress } from "../jobs/JobProgress";
import { Icon } from "../parts/icons";
import { isActive, jobOf } from "../state/jobs";
import { imageOf, images } from "../state/server";
import { ImageDialog } from "./ImageDialog";
import { isSmall } from "./ImageStrip";
import { labelledSheet, save } from "./labelledSheet";

const names = (axis: Axis) => axis.values.map((value, at) => axis.labels?.[at] ?? (typeof value === "object" ? JSON.stringify(value) : String(value)));

function Cell({ id, text, open }: { id: number | null; text: string; open: (id: number) => void }) {
  if (id === null) return <td aria-label={`${text}: not drawn yet`} />;
  return (
    <td>
      <button type="button" class="open" aria-label={`Open: ${text}`} onClick={() => open(id)}>
        <img class={isSmall(imageOf(id)) ? "sharp" : ""} src={address(`/images/${id}/file`)} alt="" loading="lazy" />
      </button>
    </td>
  );
}

async function exportGrid(grid: Grid) {
  const cells = grid.cells.map((row) => row.map((id) => (id === null ? null : address(`/images/${id}/file`))));
  save(await labelledSheet({ columns: names(grid.x), rows: names(grid.y), cells }), `grid-${grid.id}.png`);
}

export function GridTable({ grid: given }: { grid: Grid }) {
  const [grid, setGrid] = useState(given);
  const [open, setOpen] = useState<number | null>(null);
  const job = jobOf(grid.job);
  useEffect(() => {
    get<Grid>(`/grids/${given.id}`).then(setGrid, () => undefined);
  }, [given.id, images.value, job?.state]);
  const across = names(grid.x);
  return (
    <section class="card stack" aria-label={grid.title}>
      <div class="row apart">
        <h2>{grid.title}</h2>
        {job?.state === "done" && (
          <button type="button" class="button" onClick={() => void exportGrid(grid)}>
            <Icon name="download" /> One labelled image
          </button>
        )}
      </div>
      {job && isActive(job) && <JobProgress job={job} />}
      {job && <JobEnd job={job} />}
      <div class="scroll" tabIndex={0} role="group" aria-label="The grid">
        <table class="sheet">
          <thead>
            <tr>
              <th scope="col" class="small">
                {label(grid.y.axis)} ↓ {label(grid.x.axis)} →
              </th>
              {across.map((name) => (
                <th key={name} scope="col">
                  {name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {names(grid.y).map((name, row) => (
              <tr key={name}>
                <th scope="row">{name}</th>
                {across.map((column, at) => (
                  <Cell key={column} id={grid.cells[row]?.[at] ?? null} text={`${name}, ${column}`} open={setOpen} />
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {open !== null && <ImageDialog id={open} close={() => setOpen(null)} />}
    </section>
  );
}
