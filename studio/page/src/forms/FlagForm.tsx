/** The options of a verb as fields: the few that matter first, the others under "More options". */
import { Field } from "./Field";
import type { Flag, Values } from "./flag";

interface Props {
  flags: Flag[];
  first: string[]; // names, in the order to show them; names that the program does not have are passed over
  values: Values;
  change: (name: string, value: unknown) => void;
}

/** Groups in their order, each with its flags. */
function groups(flags: Flag[]): [string, Flag[]][] {
  const found = new Map<string, Flag[]>();
  for (const flag of flags) found.set(flag.group, [...(found.get(flag.group) ?? []), flag]);
  return [...found];
}

export function FlagForm({ flags, first, values, change }: Props) {
  const shown = first.flatMap((name) => flags.find((flag) => flag.name === name) ?? []);
  const others = flags.filter((flag) => !first.includes(flag.name));
  const changed = others.filter((flag) => values[flag.name] !== undefined).length;
  return (
    <div class="stack">
      {shown.length > 0 && (
        <div class="fields">
          {shown.map((flag) => (
            <Field key={flag.name} flag={flag} values={values} change={change} />
          ))}
        </div>
      )}
      {others.length > 0 && (
        <details class="more">
          <summary>More options{changed > 0 && ` (${changed} changed)`}</summary>
          <div class="stack">
            {groups(others).map(([group, members]) => (
              <section key={group}>
                {group !== "Options" && <h3>{group}</h3>}
                <div class="fields">
                  {members.map((flag) => (
                    <Field key={flag.name} flag={flag} values={values} change={change} />
                  ))}
                </div>
              </section>
            ))}
          </div>
        </details>
      )}
    </div>
  );
}
