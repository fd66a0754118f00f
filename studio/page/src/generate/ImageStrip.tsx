/** Images in rows; each opens large. */
import { useEffect, useState } from "preact/hooks";

import { address } from "../api/client";
import type { GalleryImage } from "../api/types";
import { imageOf, loadUnknown } from "../state/server";
import { ImageDialog } from "./ImageDialog";

interface Props {
  ids: number[];
  picked?: number[];
  pick?: (id: number) => void; // adds a box to tick to each
}

/** With the file that drew it: a sheet has the same prompt and seed from several. */
const captionOf = (image: GalleryImage) =>
  [image.prompt ?? image.name, image.contender, image.seed === null ? null : `seed ${image.seed}`].filter(Boolean).join(" · ");

export const isSmall = (image: GalleryImage | undefined) => (image ? Math.max(image.width, image.height) <= 128 : false);

function Shot({ image, picked, pick, open }: Omit<Props, "ids"> & { image: GalleryImage; open: () => void }) {
  const text = captionOf(image);
  const isPicked = picked?.includes(image.id) ?? false;
  return (
    <li class={isPicked ? "shot picked" : "shot"}>
      <div class="frame">
        <button type="button" class="open" onClick={open} aria-label={`Open: ${text}`}>
          <img class={isSmall(image) ? "sharp" : ""} src={address(`/images/${image.id}/file`)} alt="" loading="lazy" />
        </button>
        {pick && <input class="pick" type="checkbox" checked={isPicked} onChange={() => pick(image.id)} aria-label={`Compare: ${text}`} />}
      </div>
      <span class="small muted wrap">{text}</span>
    </li>
  );
}

export function ImageStrip({ ids, picked, pick }: Props) {
  const [open, setOpen] = useState<number | null>(null);
  useEffect(() => void loadUnknown(ids), [ids.join()]);
  const shown = ids.map(imageOf).filter((image): image is GalleryImage => image !== undefined);
  return (
    <>
      <ul class="shots">
        {shown.map((image) => (
          <Shot key={image.id} image={image} picked={picked} pick={pick} open={() => setOpen(image.id)} />
        ))}
      </ul>
      {open !== null && <ImageDialog id={open} close={() => setOpen(null)} />}
    </>
  );
}
