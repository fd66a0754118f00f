/** Folders that the user named: their files are read where they lie, never moved and never changed. */
import { useId, useState } from "preact/hooks";

import { type ApiError, post, remove } from "../api/client";
import type { Folder } from "../api/types";
import { asError, ErrorNote } from "../parts/Notice";
import { count } from "../parts/words";
import { folders, loadAdapters } from "../state/server";

function AddFolder() {
  const id = useId();
  const [path, setPath] = useState("");
  const [error, setError] = useState<ApiError | null>(null);
  const add = async (event: Event) => {
    event.preventDefault();
    try {
      await post<Folder>("/folders", { path });
      setPath("");
      setError(null);
      await loadAdapters();
    } catch (thrown) {
      setError(asError(thrown));
    }
  };
  return (
    <form class="stack tight" onSubmit={(event) => void add(event)}>
      <label class="label" for={id}>
        Folder on this machine
      </label>
      <div class="row">
        <input id={id} class="grow" type="text" value={path} placeholder="/home/you/loras" spellcheck={false}
          onInput={(event) => setPath(event.currentTarget.value)} />
        <button type="submit" class="button" disabled={path.trim() === ""}>
          Add folder
        </button>
      </div>
      <ErrorNote error={error} />
    </form>
  );
}

function FolderRow({ folder }: { folder: Folder }) {
  const [error, setError] = useState<ApiError | null>(null);
  const attempt = async (action: Promise<unknown>) => {
    try {
      await action;
      await loadAdapters();
      setError(null);
    } catch (thrown) {
      setError(asError(thrown));
    }
  };
  return (
    <div class="stack tight">
      <div class="row apart">
        <span class="mono wrap">{folder.path}</span>
        <span class="row">
          <span class="muted small">{count(folder.files, "file")}</span>
          <button type="button" class="button small" onClick={() => void attempt(post(`/folders/${folder.id}/scan`))} aria-label={`Look again in ${folder.path}`}>
            Look again
          </button>
          <button type="button" class="button small" onClick={() => void attempt(remove(`/folders/${folder.id}`))} aria-label={`Leave out ${folder.path}`}>
            Leave out
          </button>
        </span>
      </div>
      <ErrorNote error={error ?? folder.error} />
    </div>
  );
}

export function Folders() {
  return (
    <details class="more">
      <summary>Read a folder{folders.value.length > 0 && ` (${folders.value.length})`}</summary>
      <div class="stack">
        <p class="muted small">Its .safetensors files appear here and stay where they are; nothing in it is moved or changed.</p>
        {folders.value.map((folder) => (
          <FolderRow key={folder.id} folder={folder} />
        ))}
        <AddFolder />
      </div>
    </details>
  );
}
