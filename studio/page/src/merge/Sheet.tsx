/** Images of a merge beside the direct merge's, of the same prompts and seeds. The server draws them when the merge is done. */
import { useEffect, useState } from "preact/hooks";

import { address } from "../api/client";
import type { Job, GalleryImage } from "../api/types";
import { ImageDialog } from "../generate/ImageDialog";
import { ImageStrip, isSmall } from "../generate/ImageStrip";
import { JobEnd } from "../jobs/JobEnd";
import { JobProgress } from "../jobs/JobProgress";
import { Icon } from "../parts/icons";
import { isActive, jobs } from "../state/jobs";
import { link } from "../state/route";
import { imageOf, loadUnknown } from "../state/server";

/** Rows of a prompt and a seed, columns of a contender. */
function inRows(images: GalleryImage[]): { columns: string[]; rows: GalleryImage[][] } {
  const columns = [...new Set(images.map((image) => image.contender ?? ""))];
  const rows = new Map<string, GalleryImage[]>();
  for (const image of [...images].sort((a, b) => (a.seed ?? 0) - (b.seed ?? 0))) {
    const key = `${image.prompt} ${image.seed}`;
    rows.set(key, [...(rows.get(key) ?? []), image]);
  }
  return { columns, rows: [...rows.values()] };
}

function Images({ images, open }: { images: GalleryImage[]; open: (id: number) => void }) {
  const { columns, rows } = inRows(images);
  return (
    <div class="beside" style={{ "--columns": columns.length }}>
      {columns.map((name) => (
        <strong key={name} class="small wrap">
          {name}
        </strong>
      ))}
      {rows.flatMap((row) =>
        columns.map((name) => {
          const image = row.find((each) => (each.contender ?? "") === name);
          if (!image) return <span key={name} />;
          return (
            <button key={image.id} type="button" class="open" aria-label={`Open: ${name}, seed ${image.seed}`} onClick={() => open(image.id)}>
              <img class={isSmall(image) ? "sharp" : ""} src={address(`/images/${image.id}/file`)} alt="" />
            </button>
          );
        }),
      )}
    </div>
  );
}

function Further({ images }: { images: GalleryImage[] }) {
  const { rows } = inRows(images);
  const [left, right] = rows[0] ?? [];
  if (!left || !right) return null;
  return (
    <div class="row">
      <a class="button small" href={link(`/generate/compare?left=${left.id}&right=${right.id}`)}>
        <Icon name="swap" /> Compare with a slider
      </a>
      <a class="button small" href={link("/judge")}>
        <Icon name="judge" /> Judge them blind
      </a>
    </div>
  );
}

const jobOfSheet = (merge: Job) => jobs.value?.find((job) => job.of === merge.id);

/** The first image of a merge's sheet, if it is drawn. */
export const sheetOf = (merge: Job) => imageOf(jobOfSheet(merge)?.images[0]);

export function Sheet({ merge }: { merge: Job }) {
  const [open, setOpen] = useState<number | null>(null);
  const sheet = jobOfSheet(merge);
  const ids = sheet?.images ?? [];
  useEffect(() => void loadUnknown(ids), [ids.join()]);
  if (!sheet) return null;
  const images = ids.map(imageOf).filter((image) => image !== undefined);
  return (
    <section class="stack tight" aria-label="Images beside the direct merge">
      <h3>Beside the direct merge</h3>
      {images[0]?.prompt && <p class="small muted">“{images[0].prompt}”</p>}
      {isActive(sheet) && <JobProgress job={sheet} />}
      <JobEnd job={sheet} />
      {images.some((image) => image.contender) ? <Images images={images} open={setOpen} /> : <ImageStrip ids={ids} />}
      <Further images={images} />
      {open !== null && <ImageDialog id={open} close={() => setOpen(null)} />}
    </section>
  );
}
