/** The images to learn from, each with its caption. */
import { address } from "../api/client";
import { change, training } from "../state/training";
import { imageOf } from "../state/server";
import { Icon } from "../parts/icons";

function Row({ id, name }: { id: number; name: string }) {
  const caption = training.value.captions[id] ?? "";
  return (
    <li>
      <img src={address(`/images/${id}/file`)} alt={caption || name} loading="lazy" />
      <div class="stack tight">
        <textarea rows={2} aria-label={`Caption of ${name}`} value={caption} placeholder={training.value.prompt || "the prompt above"}
          onInput={(event) => change({ captions: { ...training.value.captions, [id]: event.currentTarget.value } })} />
        <div class="row apart">
          <span class="small muted wrap grow">{name}</span>
          <button type="button" class="button small quiet" aria-label={`Leave out ${name}`}
            onClick={() => change({ images: training.value.images.filter((each) => each !== id) })}>
            <Icon name="close" />
          </button>
        </div>
      </div>
    </li>
  );
}

export function Captions() {
  if (training.value.images.length === 0) return null;
  return (
    <ul class="captions">
      {training.value.images.map((id) => (
        <Row key={id} id={id} name={imageOf(id)?.name ?? `image ${id}`} />
      ))}
    </ul>
  );
}
