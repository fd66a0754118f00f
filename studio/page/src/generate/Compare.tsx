/** Two images, one over the other, and how their settings differ. */
import { useEffect, useState } from "preact/hooks";

import { address, get } from "../api/client";
import type { GalleryImage, Settings } from "../api/types";
import { label } from "../forms/flag";
import { Empty } from "../parts/Empty";
import { Icon } from "../parts/icons";
import { go, query } from "../state/route";
import { imageOf, images } from "../state/server";
import { CompareSlider } from "./CompareSlider";
import { Gallery } from "./Gallery";
import { differences } from "./differences";
import { isSmall } from "./ImageStrip";
import { settingsInWords } from "./SettingsList";

const nameOf = (image: GalleryImage) => `${image.contender || image.name}${image.seed === null ? "" : `, seed ${image.seed}`}`;

function Side({ label: text, id, choose }: { label: string; id: number | null; choose: (id: number) => void }) {
  return (
    <div class="field grow">
      <label for={`side-${text}`}>{text}</label>
      <select id={`side-${text}`} value={id ?? ""} onChange={(event) => choose(Number(event.currentTarget.value))}>
        <option value="" disabled>
          Choose an image
        </option>
        {(images.value ?? []).map((image) => (
          <option key={image.id} value={image.id}>
            {[image.id, image.prompt, nameOf(image)].filter(Boolean).join(" · ")}
          </option>
        ))}
      </select>
    </div>
  );
}

function useSettings(id: number | null): Settings | null {
  const [settings, setSettings] = useState<Settings | null>(null);
  useEffect(() => {
    setSettings(null);
    if (id !== null) get<Settings | undefined>(`/images/${id}/settings`).then((said) => setSettings(said ?? null), () => setSettings(null));
  }, [id]);
  return settings;
}

function Differences({ left, right }: { left: Settings | null; right: Settings | null }) {
  if (!left || !right) return <p class="muted">One of them carries no settings to compare.</p>;
  const rows = differences(settingsInWords(left), settingsInWords(right));
  if (rows.length === 0) return <p class="muted">Their settings are the same.</p>;
  return (
    <div class="scroll">
      <table>
        <thead>
          <tr>
            <th scope="col">Differs</th>
            <th scope="col">Left</th>
            <th scope="col">Right</th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={row.name}>
              <th scope="row">{label(row.name)}</th>
              <td class="wrap">{row.left}</td>
              <td class="wrap">{row.right}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

export function Compare() {
  const read = (side: string) => (query.value.has(side) ? Number(query.value.get(side)) : null);
  const [left, right] = [read("left"), read("right")];
  const [leftSettings, rightSettings] = [useSettings(left), useSettings(right)];
  const [leftImage, rightImage] = [imageOf(left), imageOf(right)];
  const choose = (sides: { left: number | null; right: number | null }) =>
    go(`/generate/compare?${Object.entries(sides).filter(([, id]) => id !== null).map(([side, id]) => `${side}=${id}`).join("&")}`);
  if (images.value && images.value.length < 2) {
    return (
      <Empty icon="generate" title="Two images make a comparison">
        <p>Draw some first, or drop PNGs into the gallery.</p>
      </Empty>
    );
  }
  return (
    <div class="stack">
      <div class="sides">
        <Side label="Left image" id={left} choose={(id) => choose({ left: id, right })} />
        <button type="button" class="button" aria-label="Swap the two images" onClick={() => choose({ left: right, right: left })}>
          <Icon name="swap" />
        </button>
        <Side label="Right image" id={right} choose={(id) => choose({ left, right: id })} />
      </div>
      {leftImage && rightImage ? (
        <div class="two">
          <CompareSlider left={{ url: address(`/images/${left}/file`), name: nameOf(leftImage), small: isSmall(leftImage) }} right={{ url: address(`/images/${right}/file`), name: nameOf(rightImage), small: isSmall(rightImage) }} />
          <section class="card" aria-label="Differences">
            <Differences left={leftSettings} right={rightSettings} />
          </section>
        </div>
      ) : (
        <Gallery />
      )}
    </div>
  );
}
