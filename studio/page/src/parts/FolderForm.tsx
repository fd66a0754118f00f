/** Names a folder on this machine by its path. */
import { useId, useState } from "preact/hooks";

import type { ApiError } from "../api/client";
import { asError, ErrorNote } from "./Notice";

export function FolderForm(form: { label: string; placeholder: string; button: string; take: (path: string) => Promise<void> }) {
  const id = useId();
  const [path, setPath] = useState("");
  const [error, setError] = useState<ApiError | null>(null);
  const submit = async (event: Event) => {
    event.preventDefault();
    try {
      await form.take(path);
      setPath("");
      setError(null);
    } catch (thrown) {
      setError(asError(thrown));
    }
  };
  return (
    <form class="stack tight" onSubmit={(event) => void submit(event)}>
      <label class="label" for={id}>
        {form.label}
      </label>
      <div class="row">
        <input id={id} class="grow" type="text" value={path} placeholder={form.placeholder} spellcheck={false}
          onInput={(event) => setPath(event.currentTarget.value)} />
        <button type="submit" class="button" disabled={path.trim() === ""}>
          {form.button}
        </button>
      </div>
      <ErrorNote error={error} />
    </form>
  );
}
