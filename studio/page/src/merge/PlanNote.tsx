/** What the merge would do, asked of the program before it runs. */
import { useEffect, useState } from "preact/hooks";

import { post } from "../api/client";
import type { Plan } from "../api/types";
import { asError, ErrorNote } from "../parts/Notice";
import { base, withBase } from "../state/base";
import type { Request } from "../state/jobs";

/** Asks half a second after the last change. Null while nothing is known. */
export function usePlan(request: Request | null): Plan | null {
  const [plan, setPlan] = useState<Plan | null>(null);
  const key = JSON.stringify([request, base.value]);
  useEffect(() => {
    setPlan(null);
    if (!request) return;
    let current = true;
    const later = setTimeout(() => {
      post<Plan>("/jobs/plan", { ...request, options: withBase(request.options) }).then(
        (told) => current && setPlan(told),
        (thrown) => current && setPlan({ command: "", plan: null, notes: [], warnings: [], refusal: asError(thrown) }),
      );
    }, 500);
    return () => {
      current = false;
      clearTimeout(later);
    };
  }, [key]);
  return plan;
}

const amount = (value: unknown) => (Array.isArray(value) ? value.length : typeof value === "number" ? value : 0);

function Layers({ layers }: { layers: Record<string, unknown> }) {
  const said = Object.entries(layers).filter(([, value]) => amount(value) > 0);
  if (said.length === 0) return null;
  return (
    <p class="row">
      {said.map(([what, value]) => (
        <span key={what} class={what === "refused" ? "tag bad" : "tag"}>
          {amount(value)} layers {what}
        </span>
      ))}
    </p>
  );
}

export function PlanNote({ plan }: { plan: Plan }) {
  const joint = plan.plan?.joint_prompt;
  const said = (Array.isArray(joint) ? joint : [joint]).filter(Boolean) as string[];
  return (
    <div class="stack tight" aria-live="polite">
      <ErrorNote error={plan.refusal} />
      {plan.plan?.layers && <Layers layers={plan.plan.layers} />}
      {said.length > 0 && (
        <p class="small">
          <span class="muted">Prompt for both together: </span>“{said.join("”, “")}”
        </p>
      )}
      {plan.warnings.map((text) => (
        <p key={text} class="note warn small">
          {text}
        </p>
      ))}
      {plan.command && (
        <details class="more small">
          <summary>The same in a terminal</summary>
          <pre tabIndex={0}>{plan.command}</pre>
        </details>
      )}
    </div>
  );
}
