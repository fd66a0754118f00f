/** Images in, a LoRA out. */
import { useId, useState } from "preact/hooks";

import type { ApiError } from "../api/client";
import { helpText } from "../forms/flag";
import { FlagForm } from "../forms/FlagForm";
import { first, flagOf, formFlags } from "../forms/layout";
import { DropZone } from "../parts/DropZone";
import { Icon } from "../parts/icons";
import { asError, ErrorNote } from "../parts/Notice";
import { Uploads } from "../parts/Uploads";
import { count } from "../parts/words";
import { jobOrNewest, start } from "../state/jobs";
import { verbs } from "../state/server";
import { change, setValue, training, trainRequest } from "../state/training";
import { sendImages } from "../state/uploads";
import { Captions } from "../train/Captions";
import { type Preset, presets } from "../train/presets";
import { TrainResult } from "../train/TrainResult";

const presetNow = () => presets.find((preset) => preset.name === training.value.preset) ?? presets[0]!;

function choosePreset(preset: Preset) {
  const values = { ...training.value.values };
  for (const name of Object.keys(presetNow().values)) delete values[name];
  change({ preset: preset.name, values: { ...values, ...preset.values } });
}

function Presets() {
  return (
    <fieldset>
      <legend class="label">What shall it learn?</legend>
      <div class="choice">
        {presets.map((preset) => (
          <label key={preset.name}>
            <input type="radio" name="preset" checked={preset === presetNow()} onChange={() => choosePreset(preset)} />
            <strong>{preset.title}</strong>
            <span class="small">{preset.summary}</span>
          </label>
        ))}
      </div>
    </fieldset>
  );
}

/** Images, and captions in text files beside them, by name: dog.txt belongs to dog.png. */
async function take(files: File[]) {
  const texts = new Map<string, string>();
  for (const file of files.filter((each) => /\.(txt|caption)$/i.test(each.name))) texts.set(file.name.replace(/\.[^.]+$/, ""), await file.text());
  const sent = await sendImages(files.filter((each) => !/\.(txt|caption)$/i.test(each.name)));
  const captions = { ...training.value.captions };
  for (const image of sent) {
    const text = texts.get(image.name.replace(/\.[^.]+$/, ""));
    if (text) captions[image.id] = text.trim();
  }
  change({ images: [...new Set([...training.value.images, ...sent.map((image) => image.id)])], captions });
}

function Prompt() {
  const id = useId();
  const flag = flagOf(verbs.value.train, "prompt");
  return (
    <div class="field">
      <label for={id}>Prompt</label>
      <input id={id} type="text" value={training.value.prompt} placeholder={presetNow().example} aria-describedby={`${id}-help`}
        onInput={(event) => change({ prompt: event.currentTarget.value })} />
      <span class="help" id={`${id}-help`}>
        {flag && helpText(flag)}. An image without a caption of its own gets it.
      </span>
    </div>
  );
}

function Name() {
  const id = useId();
  const prompt = training.value.prompt.trim();
  return (
    <div class="field">
      <label for={id}>Name</label>
      <input id={id} type="text" value={(training.value.values.output as string | undefined) ?? ""} placeholder={prompt || "as the prompt"} aria-describedby={`${id}-help`}
        onInput={(event) => setValue("output", event.currentTarget.value || undefined)} />
      <span class="help" id={`${id}-help`}>
        Call the LoRA this in the library
      </span>
    </div>
  );
}

function Images() {
  const chosen = training.value.images.length;
  return (
    <div class="stack">
      <DropZone accept="image/*,.txt,.caption" label="Choose images" onFiles={(files) => void take(files)}>
        <p>
          <strong>Drop images here</strong>
          <br />
          Captions in text files of the same name come along.
        </p>
      </DropZone>
      <Uploads />
      {chosen > 0 && (
        <div class="row apart">
          <span class="label">{count(chosen, "image")}</span>
          <button type="button" class="button small quiet" onClick={() => change({ images: [], captions: {} })}>
            Leave out all
          </button>
        </div>
      )}
      <Captions />
    </div>
  );
}

export function Train() {
  const [error, setError] = useState<ApiError | null>(null);
  const verb = verbs.value.train;
  const job = jobOrNewest(training.value.job, "train");
  const lacks = training.value.images.length === 0 ? "Drop images first." : training.value.prompt.trim() === "" ? "Say in the prompt what the images show." : "";
  const run = async () => {
    setError(null);
    try {
      change({ job: (await start(trainRequest(training.value))).id });
    } catch (thrown) {
      setError(asError(thrown));
    }
  };
  return (
    <>
      <div class="head">
        <h1>Train</h1>
        <p>Make a LoRA of your own: of a subject, or of a style.</p>
      </div>
      <div class={job ? "two" : "stack"}>
        <section class="card stack" aria-label="What to learn">
          <Presets />
          <Images />
          <Prompt />
          <Name />
          {verb && <FlagForm flags={formFlags(verb)} first={first.train!} values={training.value.values} change={setValue} />}
          <ErrorNote error={error} />
          <button type="button" class="button main big" disabled={lacks !== ""} onClick={() => void run()}>
            <Icon name="train" /> Train
          </button>
          {lacks && <p class="small muted">{lacks}</p>}
        </section>
        {job && <TrainResult job={job} />}
      </div>
    </>
  );
}
