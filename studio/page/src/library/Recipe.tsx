/** How a merged file was made, as the file itself tells. */
import type { Recipe as Told } from "../api/types";
import { label } from "../forms/flag";

function Fidelity({ result }: { result: NonNullable<Told["result"]> }) {
  if (!result.fidelity) return null;
  return (
    <div class="scroll">
      <table>
        <thead>
          <tr>
            <th scope="col">Fidelity: error beside each LoRA alone</th>
            <th scope="col" class="number">direct merge</th>
            <th scope="col" class="number">this merge</th>
          </tr>
        </thead>
        <tbody>
          {Object.entries(result.fidelity).map(([role, { before, after }]) => (
            <tr key={role}>
              <th scope="row">{role}</th>
              <td class="number">{before.toPrecision(3)}</td>
              <td class="number">{after.toPrecision(3)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

export function Recipe({ recipe }: { recipe: Told }) {
  const overlap = recipe.result?.overlap;
  return (
    <section class="stack tight">
      <h3>
        Merged by {recipe.method}, seed {recipe.seed ?? 0}
      </h3>
      <ul class="stack tight">
        {(recipe.inputs ?? []).map((input) => (
          <li key={input.role + input.sha256} class="wrap">
            <span class="tag accent">{input.role}</span> {input.file} × {input.weight}
            {(input.prompts ?? []).length > 0 && <span class="muted"> · “{input.prompts!.join("”, “")}”</span>}
          </li>
        ))}
      </ul>
      {recipe.result && <Fidelity result={recipe.result} />}
      {overlap && (
        <p class="small muted">
          Overlap {overlap.before.toPrecision(3)} → {overlap.after.toPrecision(3)}
        </p>
      )}
      <details class="more">
        <summary>Every option</summary>
        <dl class="facts">
          {Object.entries(recipe.options ?? {}).map(([name, value]) => (
            <>
              <dt key={name}>{label(name.replace(/-/g, "_"))}</dt>
              <dd>{String(value)}</dd>
            </>
          ))}
        </dl>
      </details>
    </section>
  );
}
