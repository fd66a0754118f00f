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

interface Rows {
  prompts: { text: string; span: number }[]; // over the columns, each over its seeds
  rows: { contender: string; images: GalleryImage[] }[];
}

/** A row for each contender, a column for each prompt and seed, in the same order in every row. */
function inRows(images: GalleryImage[]): Rows {
  const texts = [...new Set(images.map((image) => image.prompt ?? ""))];
  const contenders = [...new Set(images.map((image) => image.contender ?? ""))];
  const place = (image: GalleryImage) => texts.indexOf(image.prompt ?? "") * 1e9 + (image.seed ?? 0);
  const rows = contenders.map((contender) => ({
    contender,
    images: images.filter((image) => (image.contender ?? "") === contender).sort((a, b) => place(a) - place(b)),
  }));
  const longest = rows.reduce((best, row) => (row.images.length > best.images.length ? row : best), rows[0]!);
  return { rows, prompts: texts.map((text) => ({ text, span: longest.images.filter((image) => (image.prompt ?? "") === text).length })) };
}

function Images({ images, open }: { images: GalleryImage[]; open: (id: number) => void }) {
  const { prompts, rows } = inRows(images);
  return (
    <div class="beside" style={{ "--columns": prompts.reduce((sum, { span }) => sum + span, 0) }}>
      {prompts.map(({ text, span }) => (
        <span key={text} class="small muted wrap" style={{ gridColumn: `span ${span}` }}>
          “{text}”
        </span>
      ))}
      {rows.flatMap((row) => [
        <strong key={row.contender} class="small wrap">
          {row.contender}
        </strong>,
        ...row.images.map((image) => (
          <button key={image.id} type="button" class="open" aria-label={`Open: ${row.contender}, ${image.prompt}, seed ${image.seed}`} onClick={() => open(image.id)}>
            <img class={isSmall(image) ? "sharp" : ""} src={address(`/images/${image.id}/file`)} alt="" />
          </button>
        )),
      ])}
    </div>
  );
}

function Further({ images }: { images: GalleryImage[] }) {
  if (images.length === 0) return null;
  const [left, right] = inRows(images).rows.map((row) => row.images[0]);
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
      {isActive(sheet) && <JobProgress job={sheet} />}
      <JobEnd job={sheet} />
      {images.some((image) => image.contender) ? <Images images={images} open={setOpen} /> : <ImageStrip ids={ids} />}
      <Further images={images} />
      {open !== null && <ImageDialog id={open} close={() => setOpen(null)} />}
    </section>
  );
}
