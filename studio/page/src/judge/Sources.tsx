/** Whose images are judged: those that jobs made, or an evaluation's folder. */
import { useId, useState } from "preact/hooks";

import { type ApiError, post, remove } from "../api/client";
import type { Evaluation } from "../api/types";
import { asError, ErrorNote } from "../parts/Notice";
import { count } from "../parts/words";
import { evaluations, loadEvaluations, source } from "../state/evaluations";

function ReadFolder() {
  const id = useId();
  const [path, setPath] = useState("");
  const [error, setError] = useState<ApiError | null>(null);
  const read = async (event: Event) => {
    event.preventDefault();
    try {
      const added = await post<Evaluation>("/evaluations", { path });
      await loadEvaluations();
      source.value = added.id;
      setPath("");
      setError(null);
    } catch (thrown) {
      setError(asError(thrown));
    }
  };
  return (
    <form class="stack tight" onSubmit={(event) => void read(event)}>
      <label class="label" for={id}>
        Folder that “ziplora evaluate” wrote
      </label>
      <div class="row">
        <input id={id} class="grow" type="text" value={path} placeholder="/home/you/out/pairs" spellcheck={false}
          onInput={(event) => setPath(event.currentTarget.value)} />
        <button type="submit" class="button" disabled={path.trim() === ""}>
          Read it
        </button>
      </div>
      <ErrorNote error={error} />
    </form>
  );
}

export function Sources() {
  const id = useId();
  const chosen = evaluations.value.find((each) => each.id === source.value);
  const leaveOut = () =>
    remove(`/evaluations/${chosen!.id}`)
      .then(loadEvaluations)
      .catch(() => undefined);
  return (
    <div class="stack tight">
      <div class="row">
        <label class="label" for={id}>
          Images from
        </label>
        <select id={id} value={chosen ? String(chosen.id) : ""} onChange={(event) => (source.value = Number(event.currentTarget.value) || null)}>
          <option value="">this studio's jobs</option>
          {evaluations.value.map((each) => (
            <option key={each.id} value={each.id}>
              evaluation {each.name}, {count(each.images, "image")}
            </option>
          ))}
        </select>
        {chosen && (
          <button type="button" class="button small quiet" onClick={leaveOut} aria-label={`Leave out ${chosen.path}`}>
            Leave out
          </button>
        )}
      </div>
      <details class="more">
        <summary>Read an evaluation's folder</summary>
        <ReadFolder />
      </details>
    </div>
  );
}
