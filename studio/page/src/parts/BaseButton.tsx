/** Which base draws, and a window to choose another. */
import { useId, useState } from "preact/hooks";

import { base, baseInWords } from "../state/base";
import { about } from "../state/server";
import { Dialog } from "./Dialog";
import { Icon } from "./icons";

function BaseDialog({ close }: { close: () => void }) {
  const id = useId();
  const [path, setPath] = useState(base.value);
  const own = about.value?.base.path ?? "the miniature";
  const use = (text: string) => {
    base.value = text.trim();
    close();
  };
  return (
    <Dialog title="Base" close={close}>
      <form class="stack" onSubmit={(event) => (event.preventDefault(), use(path))}>
        <p>
          The base is the model that draws, and that LoRA files are made for. Files from the web want an SDXL checkpoint. The miniature draws 64 pixels; it is there to try
          things out, with files that it trained itself.
        </p>
        <div class="field">
          <label for={id}>Checkpoint or diffusers folder on this machine</label>
          <input id={id} type="text" value={path} spellcheck={false} placeholder="/home/you/models/sdxl_base.safetensors" onInput={(event) => setPath(event.currentTarget.value)} />
          <span class="help">Its whole path, beginning with /.</span>
        </div>
        <div class="row">
          <button type="submit" class="button main" disabled={!path.trim().startsWith("/")}>
            Use this base
          </button>
          <button type="button" class="button" onClick={() => use("")}>
            Use the studio's own: {own}
          </button>
        </div>
      </form>
    </Dialog>
  );
}

export function ChooseBase() {
  const [open, setOpen] = useState(false);
  return (
    <>
      <button type="button" class="button small left" onClick={() => setOpen(true)}>
        Choose an SDXL checkpoint
      </button>
      {open && <BaseDialog close={() => setOpen(false)} />}
    </>
  );
}

export function BaseButton() {
  const [open, setOpen] = useState(false);
  return (
    <>
      <button type="button" class="button quiet small base" title="The base: the model that draws" onClick={() => setOpen(true)}>
        <Icon name="folder" />
        <span class="clip">
          <span class="sr">Base: </span>
          {baseInWords()}
        </span>
      </button>
      {open && <BaseDialog close={() => setOpen(false)} />}
    </>
  );
}
