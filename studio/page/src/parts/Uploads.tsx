/** How far each file is on its way, and why the server refused one. */
import { dismiss, uploads } from "../state/uploads";
import { Bar } from "./Bar";
import { ErrorNote } from "./Notice";

export function Uploads() {
  return (
    <div class="stack tight" aria-live="polite">
      {uploads.value.map((each) => (
        <div key={each.id} class="stack tight">
          {each.error ? (
            <div class="row">
              <div class="grow">
                <ErrorNote error={{ problem: each.error.problem, hint: each.error.hint, where: each.name }} />
              </div>
              <button type="button" class="button small" onClick={() => dismiss(each.id)}>
                Dismiss
              </button>
            </div>
          ) : (
            <>
              <span class="small">{each.share < 1 ? `Copying ${each.name}` : `Looking into ${each.name}`}</span>
              <Bar share={each.share} label={`Copying ${each.name}`} />
            </>
          )}
        </div>
      ))}
    </div>
  );
}
