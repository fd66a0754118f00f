/** Whose images are judged: those that jobs made, or an evaluation's folder. */
import { useId } from "preact/hooks";

import { post, remove } from "../api/client";
import type { Evaluation } from "../api/types";
import { FolderForm } from "../parts/FolderForm";
import { count } from "../parts/words";
import { evaluations, loadEvaluations, source } from "../state/evaluations";

async function read(path: string) {
  const added = await post<Evaluation>("/evaluations", { path });
  await loadEvaluations();
  source.value = added.id;
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
        <FolderForm label="Folder that “ziplora evaluate” wrote" placeholder="/home/you/out/pairs" button="Read it" take={read} />
      </details>
    </div>
  );
}
