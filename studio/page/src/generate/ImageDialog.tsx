/** One image, large, with what it was made with. */
import { useEffect, useState } from "preact/hooks";

import { address, type ApiError, get, remove } from "../api/client";
import type { Settings } from "../api/types";
import { Dialog } from "../parts/Dialog";
import { Icon } from "../parts/icons";
import { asError, ErrorNote } from "../parts/Notice";
import { recall } from "../state/drawing";
import { go } from "../state/route";
import { imageOf, loadImages } from "../state/server";
import { isSmall } from "./ImageStrip";
import { SettingsList } from "./SettingsList";

export function ImageDialog({ id, close }: { id: number; close: () => void }) {
  const image = imageOf(id);
  const [settings, setSettings] = useState<Settings | null>(null);
  const [error, setError] = useState<ApiError | null>(null);
  useEffect(() => {
    get<Settings | undefined>(`/images/${id}/settings`).then((said) => setSettings(said ?? null), () => setSettings(null)); // an upload may carry none
  }, [id]);
  const attempt = (action: () => Promise<unknown>) => action().catch((thrown) => setError(asError(thrown)));
  const use = () => attempt(async () => (await recall(id), close(), go("/generate")));
  const drop = () => attempt(async () => (await remove(`/images/${id}`), await loadImages(), close()));
  if (!image) return null;
  return (
    <Dialog title={image.prompt ?? image.name} close={close}>
      <div class="stack">
        <img class={isSmall(image) ? "sharp large" : "large"} src={address(`/images/${id}/file`)} alt={image.prompt ?? image.name} />
        <div class="row">
          <a class="button" href={address(`/images/${id}/file`)} download={image.name}>
            <Icon name="download" /> Download
          </a>
          {settings && (
            <button type="button" class="button" onClick={() => void use()}>
              Use these settings
            </button>
          )}
          <button type="button" class="button" onClick={() => (close(), go(`/generate/compare?left=${id}`))}>
            Compare with another
          </button>
          <button type="button" class="button bad" onClick={() => void drop()}>
            Delete
          </button>
        </div>
        <ErrorNote error={error} />
        {settings ? <SettingsList settings={settings} /> : <p class="muted small">The file carries no settings.</p>}
        {settings?.text && <pre tabIndex={0}>{settings.text}</pre>}
      </div>
    </Dialog>
  );
}
