/** A prompt, files, a few settings: images. */
import { useId, useState } from "preact/hooks";

import type { ApiError } from "../api/client";
import type { Job, Settings } from "../api/types";
import { helpText } from "../forms/flag";
import { FlagForm } from "../forms/FlagForm";
import { drawFlags, first, flagOf } from "../forms/layout";
import { JobEnd } from "../jobs/JobEnd";
import { JobProgress } from "../jobs/JobProgress";
import { BaseMisfit, misfits } from "../parts/BaseMisfit";
import { DropZone } from "../parts/DropZone";
import { Empty } from "../parts/Empty";
import { Icon } from "../parts/icons";
import { asError, ErrorNote } from "../parts/Notice";
import { Uploads } from "../parts/Uploads";
import { baseInWords } from "../state/base";
import { change, drawing, drawRequest, recall, setValue } from "../state/drawing";
import { isActive, jobOf, progressOf, start } from "../state/jobs";
import { adapterOf, images, readyAdapters, verbs } from "../state/server";
import { sendImages } from "../state/uploads";
import { Gallery } from "./Gallery";
import { ImageStrip } from "./ImageStrip";
import { WornList } from "./WornList";

/** What to type, if the chosen file says so. */
function suggestion(): string {
  const worn = readyAdapters().find((adapter) => adapter.id === drawing.value.worn[0]?.adapter);
  const words = worn?.summary?.trigger_words[0];
  return words ? `the file's own words: ${words}` : "a cat on the grass";
}

export function PromptBox() {
  const id = useId();
  const flag = flagOf(verbs.value.generate, "prompt");
  return (
    <div class="field">
      <label for={id}>Prompt</label>
      <textarea id={id} rows={2} value={drawing.value.prompts.join("\n")} placeholder={suggestion()} aria-describedby={`${id}-help`}
        onInput={(event) => change({ prompts: event.currentTarget.value ? event.currentTarget.value.split("\n") : [] })} />
      <span class="help" id={`${id}-help`}>
        {flag && helpText(flag)}; one on each line
      </span>
    </div>
  );
}

export function DrawOptions() {
  const verb = verbs.value.generate;
  if (!verb) return null;
  const strategy = (drawing.value.values.strategy ?? flagOf(verb, "strategy")?.default) as string;
  return <FlagForm flags={drawFlags(verb, strategy)} first={first.generate!.slice(0, 7)} values={drawing.value.values} change={setValue} />;
}

function Recall() {
  const [settings, setSettings] = useState<Settings | null>(null);
  const [error, setError] = useState<ApiError | null>(null);
  const take = async (files: File[]) => {
    setSettings(null);
    setError(null);
    const [image] = await sendImages(files);
    if (image) recall(image.id).then(setSettings, (thrown) => setError(asError(thrown)));
  };
  return (
    <details class="more">
      <summary>Settings from an image</summary>
      <div class="stack tight">
        <DropZone accept="image/png" several={false} label="Choose a PNG" onFiles={(files) => void take(files)}>
          <p>Drop an image that ziplora or A1111 made: its prompt and settings come back.</p>
        </DropZone>
        <Uploads />
        <div aria-live="polite">
          <ErrorNote error={error} />
          {settings && <p class="note good">Its settings are in the form now.</p>}
          {settings && settings.missing.length > 0 && <p class="note warn">The library lacks {settings.missing.map((path) => path.split("/").pop()).join(", ")}; the rest was taken over.</p>}
        </div>
      </div>
    </details>
  );
}

/** The images while they are denoised: as many as a batch has, the newest. */
function Previews({ job }: { job: Job }) {
  const rows = Object.entries(progressOf(job.id).previews).slice(-4);
  if (rows.length === 0) return null;
  return (
    <ul class="shots" aria-label="Previews">
      {rows.map(([row, address]) => (
        <li class="shot" key={row}>
          <div class="frame">
            <img class="sharp" src={address} alt={`Image ${Number(row) + 1} so far`} />
          </div>
        </li>
      ))}
    </ul>
  );
}

function Latest({ job }: { job: Job }) {
  return (
    <section class="card stack" aria-label="Latest images">
      {isActive(job) && <JobProgress job={job} />}
      {isActive(job) && <Previews job={job} />}
      <JobEnd job={job} />
      <ImageStrip ids={job.images} />
    </section>
  );
}

export function Draw() {
  const [error, setError] = useState<ApiError | null>(null);
  const job = jobOf(drawing.value.job);
  const isEmpty = drawing.value.prompts.every((text) => text.trim() === "");
  const worn = drawing.value.worn.map(({ adapter }) => adapterOf(adapter));
  const cannot = isEmpty || misfits(worn).length > 0;
  const run = async () => {
    setError(null);
    try {
      change({ job: (await start(drawRequest(drawing.value))).id });
      document.getElementById("drawn")?.scrollIntoView({ behavior: "smooth", block: "nearest" });
    } catch (thrown) {
      setError(asError(thrown));
    }
  };
  const another = () => {
    setValue("seed", Math.floor(Math.random() * 1e9));
    void run();
  };
  return (
    <div class="two">
      <form class="card stack" onSubmit={(event) => (event.preventDefault(), void run())}>
        <PromptBox />
        <WornList />
        <BaseMisfit adapters={worn} refused="Drawing needs an SDXL checkpoint." />
        <DrawOptions />
        <ErrorNote error={error} />
        <button type="submit" class="button main big" disabled={cannot}>
          <Icon name="generate" /> Draw
        </button>
        <button type="button" class="button" disabled={cannot} onClick={another}>
          Draw with another seed
        </button>
        {isEmpty && <p class="small muted">Say what to draw, then this button works.</p>}
        <Recall />
      </form>
      <div class="stack" id="drawn">
        {job && <Latest job={job} />}
        <Gallery />
        {!job && images.value?.length === 0 && (
          <Empty icon="generate" title="No images yet">
            <p>Say what to draw and press Draw. The base is {baseInWords()}.</p>
          </Empty>
        )}
      </div>
    </div>
  );
}
