/** What the merge would do, asked of the program before it runs. */
import { useEffect, useState } from "preact/hooks";

import { post } from "../api/client";
import type { Plan } from "../api/types";
import { asError, ErrorNote } from "../parts/Notice";
import { base, withBase } from "../state/base";
import type { Request } from "../state/jobs";
import { Layers } from "./Layers";

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

export function PlanNote({ plan }: { plan: Plan }) {
  return (
    <div class="stack tight" aria-live="polite">
      <ErrorNote error={plan.refusal} />
      {plan.plan && <Layers plan={plan.plan} />}
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
