/** Every image that was drawn or dropped here, newest first. */
import { useState } from "preact/hooks";

import { Icon } from "../parts/icons";
import { go } from "../state/route";
import { images, loadMoreImages, moreImages } from "../state/server";
import { ImageStrip } from "./ImageStrip";

export function Gallery() {
  const [picked, setPicked] = useState<number[]>([]);
  const [origin, setOrigin] = useState("made");
  const all = images.value;
  const pick = (id: number) => setPicked((before) => (before.includes(id) ? before.filter((each) => each !== id) : [...before, id].slice(-2)));
  if (!all || all.length === 0) return null;
  return (
    <section class="stack" aria-label="Gallery">
      <div class="row apart">
        <h2>Gallery</h2>
        <select class="role" aria-label="Which images" value={origin} onChange={(event) => setOrigin(event.currentTarget.value)}>
          <option value="made">Drawn here</option>
          <option value="uploaded">Dropped here</option>
        </select>
        <button type="button" class="button small" disabled={picked.length !== 2} onClick={() => go(`/generate/compare?left=${picked[0]}&right=${picked[1]}`)}>
          <Icon name="swap" /> {picked.length === 2 ? "Compare these two" : "Tick two to compare"}
        </button>
      </div>
      <ImageStrip ids={all.filter((image) => image.origin === origin).map((image) => image.id)} picked={picked} pick={pick} />
      {moreImages.value !== null && (
        <button type="button" class="button" onClick={() => void loadMoreImages()}>
          Older images
        </button>
      )}
    </section>
  );
}
