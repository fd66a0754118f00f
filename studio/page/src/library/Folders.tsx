/** Folders that the user named: their files are read where they lie, never moved and never changed. */
import { useState } from "preact/hooks";

import { type ApiError, post, remove } from "../api/client";
import type { Folder } from "../api/types";
import { FolderForm } from "../parts/FolderForm";
import { asError, ErrorNote } from "../parts/Notice";
import { count } from "../parts/words";
import { folders, loadAdapters } from "../state/server";

async function add(path: string) {
  await post<Folder>("/folders", { path });
  await loadAdapters();
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
        <p class="muted small">Its .safetensors files appear here and stay where they are; nothing in it is moved or changed. A file manager shows a folder's path in its address bar, or in the folder's properties.</p>
        {folders.value.map((folder) => (
          <FolderRow key={folder.id} folder={folder} />
        ))}
        <FolderForm label="Folder on this machine" placeholder="/home/you/loras" button="Add folder" take={add} />
      </div>
    </details>
  );
}
