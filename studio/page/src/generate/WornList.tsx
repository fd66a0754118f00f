/** The LoRAs that images are drawn with, each with its strength and, for strategies that ask for it, its role. */
import { choices } from "../forms/flag";
import { flagOf } from "../forms/layout";
import { AdapterPicker } from "../parts/AdapterPicker";
import { Icon } from "../parts/icons";
import { Strength } from "../parts/Strength";
import { drawing, type DrawRole, setWorn, takeOff, wear, type Worn } from "../state/drawing";
import { link } from "../state/route";
import { adapterOf, adapters, verbs } from "../state/server";

const roles: DrawRole[] = ["adapter", "subject", "style"];

function Row({ worn, at, withRole }: { worn: Worn; at: number; withRole: boolean }) {
  const name = adapterOf(worn.adapter)?.name ?? `a file that is gone (${worn.adapter})`;
  return (
    <li class="stack tight">
      <div class="row">
        <span class="grow wrap">{name}</span>
        {withRole && (
          <select class="role" aria-label={`Role of ${name}`} value={worn.role} onChange={(event) => setWorn(at, { role: event.currentTarget.value as DrawRole })}>
            {roles.map((role) => (
              <option key={role}>{role}</option>
            ))}
          </select>
        )}
        <button type="button" class="button quiet small" aria-label={`Draw without ${name}`} onClick={() => takeOff(at)}>
          <Icon name="close" />
        </button>
      </div>
      <Strength of={name} value={worn.strength} change={(strength) => setWorn(at, { strength })} />
    </li>
  );
}

export function WornList() {
  const flag = flagOf(verbs.value.generate, "strategy");
  const standard = flag ? choices(flag)[0]?.name : undefined;
  const strategy = (drawing.value.values.strategy as string | undefined) ?? standard;
  return (
    <div class="stack tight">
      <span class="label">LoRA files</span>
      <ul class="stack">
        {drawing.value.worn.map((worn, at) => (
          <Row key={worn.adapter} worn={worn} at={at} withRole={strategy !== standard} />
        ))}
      </ul>
      <AdapterPicker label="Add a LoRA" choose={wear} />
      {adapters.value?.length === 0 && (
        <p class="small muted">
          The base alone draws. To draw with a LoRA, <a href={link("/library")}>put one into the library</a>.
        </p>
      )}
    </div>
  );
}
