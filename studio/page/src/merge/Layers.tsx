/** What a merge would do to each layer, and what its files bring. */
import type { MergePlan } from "../api/types";
import { count } from "../parts/words";

function Counts({ plan }: { plan: MergePlan }) {
  const hows = [...new Set(plan.layers.each.map((each) => each.how))];
  return (
    <p class="row">
      {hows.map((how) => (
        <span key={how} class={how === "refused" ? "tag bad" : "tag"}>
          {count(plan.layers.each.filter((each) => each.how === how).length, "layer")} {how}
        </span>
      ))}
    </p>
  );
}

function Inputs({ plan }: { plan: MergePlan }) {
  return (
    <ul class="small">
      {plan.inputs.map((input, at) => (
        <li key={at}>
          <span class="muted">
            {input.role}: rank {input.rank}, {count(input.layers, "layer")}
            {input.alone > 0 && `, ${input.alone} of them in this file alone`}
          </span>
          {input.prompts.length > 0 && ` “${input.prompts.join("”, “")}”`}
        </li>
      ))}
    </ul>
  );
}

function Each({ plan }: { plan: MergePlan }) {
  const role = (at: number) => plan.inputs[at]?.role ?? "";
  return (
    <details class="more small">
      <summary>Layer by layer</summary>
      <div class="scroll layers" tabIndex={0} role="group" aria-label="Layers">
        <table>
          <tbody>
            {plan.layers.each.map((each) => (
              <tr key={each.layer}>
                <td class="mono wrap">{each.layer}</td>
                <td>{each.how}</td>
                <td class="muted">{each.inputs.length < plan.inputs.length && each.inputs.map(role).join(", ")}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </details>
  );
}

export function Layers({ plan }: { plan: MergePlan }) {
  return (
    <>
      <Counts plan={plan} />
      <Inputs plan={plan} />
      {plan.joint_prompts.length > 0 && (
        <p class="small">
          <span class="muted">both together: </span>“{plan.joint_prompts.join("”, “")}”
        </p>
      )}
      <Each plan={plan} />
    </>
  );
}
