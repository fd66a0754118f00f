/** All that `inspect` says of a file, in a window. */
import { useEffect, useState } from "preact/hooks";

import { type ApiError, get, remove } from "../api/client";
import type { Adapter, Inspection } from "../api/types";
import { Dialog } from "../parts/Dialog";
import { DownloadFile } from "../parts/DownloadFile";
import { asError, ErrorNote } from "../parts/Notice";
import { UseAs } from "../parts/UseAs";
import { bytes, count } from "../parts/words";
import { drawWith } from "../state/drawing";
import { loadAdapters } from "../state/server";
import { Recipe } from "./Recipe";

const verdictTags: Record<string, string> = { fully: "good", partly: "warn", not: "bad" };

function Programs({ said }: { said: Inspection }) {
  return (
    <section class="stack tight">
      <h3>Who loads it</h3>
      <div class="scroll">
        <table>
          <tbody>
            {said.programs.map((each) => (
              <tr key={each.program}>
                <th scope="row">{each.program}</th>
                <td>
                  <span class={`tag ${verdictTags[each.verdict] ?? ""}`}>{each.verdict}</span>
                </td>
                <td class="muted small">{each.reasons.join("; ")}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

function Blocks({ said }: { said: Inspection }) {
  const most = Math.max(...said.blocks.map((block) => block.norm), 1e-9);
  return (
    <section class="stack tight">
      <h3>Where it acts</h3>
      <dl class="bars">
        {said.blocks.map((block) => (
          <div key={block.block}>
            <dt class="mono small">{block.block}</dt>
            <dd>
              <span class="amount" style={{ width: `${(100 * block.norm) / most}%` }} />
              <span class="small muted">
                {block.norm.toPrecision(3)}, {block.layers} of {block.of} layers
              </span>
            </dd>
          </div>
        ))}
      </dl>
    </section>
  );
}

function Facts({ adapter, said }: { adapter: Adapter; said: Inspection }) {
  const keys = (table: Record<string, number>) => Object.keys(table).join(", ");
  return (
    <dl class="facts">
      <dt>Kind</dt>
      <dd>
        {keys(said.kinds)}, {said.dialect} names
      </dd>
      <dt>Base</dt>
      <dd>{said.architecture}</dd>
      <dt>Size</dt>
      <dd>
        {bytes(adapter.bytes)}, {count(said.layers, "layer")}, rank {keys(said.ranks)}, {keys(said.dtypes)}
      </dd>
      <dt>Words</dt>
      <dd>{said.trigger_words.join(" · ") || "none named in the file"}</dd>
      <dt>Strength</dt>
      <dd>
        ‖ΔW‖ {said.norm.toPrecision(4)}, stable rank {said.stable_rank.toPrecision(2)}
      </dd>
      <dt>AutoV2</dt>
      <dd class="mono">{said.hashes.autov2}</dd>
      <dt>SHA-256</dt>
      <dd class="mono">{said.hashes.sha256}</dd>
      <dt>Place</dt>
      <dd class="mono">{adapter.path}</dd>
    </dl>
  );
}

function Findings({ said }: { said: Inspection }) {
  return (
    <>
      {said.defects.length > 0 && (
        <div class="note bad">
          <strong>{count(said.defects.length, "defect")}</strong>
          <ul>
            {said.defects.map((text) => (
              <li key={text}>{text}</li>
            ))}
          </ul>
        </div>
      )}
      {said.warnings.length > 0 && (
        <div class="note warn">
          {said.warnings.map((text) => (
            <p key={text}>{text}</p>
          ))}
        </div>
      )}
    </>
  );
}

function Actions({ adapter, close }: { adapter: Adapter; close: () => void }) {
  const [error, setError] = useState<ApiError | null>(null);
  const drop = async () => {
    if (!confirm(`Delete ${adapter.name} from the studio's folder?`)) return;
    try {
      await remove(`/adapters/${adapter.id}`);
      await loadAdapters();
      close();
    } catch (thrown) {
      setError(asError(thrown));
    }
  };
  return (
    <>
      <div class="row">
        <UseAs adapter={adapter.id} word="Use" />
        <button type="button" class="button" onClick={() => drawWith(adapter.id, adapter.summary?.trigger_words[0])}>
          Draw with it
        </button>
        <DownloadFile adapter={adapter} />
        {adapter.origin !== "folder" && (
          <button type="button" class="button bad" onClick={() => void drop()}>
            Delete
          </button>
        )}
      </div>
      <ErrorNote error={error} />
    </>
  );
}

export function AdapterDetails({ adapter, close }: { adapter: Adapter; close: () => void }) {
  const [said, setSaid] = useState<Inspection | null>(null);
  const [error, setError] = useState<ApiError | null>(null);
  useEffect(() => {
    get<Inspection>(`/adapters/${adapter.id}/inspect`).then(setSaid, (thrown) => setError(asError(thrown)));
  }, [adapter.id]);
  return (
    <Dialog title={adapter.name} close={close}>
      <div class="stack">
        <Actions adapter={adapter} close={close} />
        <ErrorNote error={error} />
        {!said && !error && <p class="muted">Looking into the file …</p>}
        {said && (
          <>
            <Findings said={said} />
            <Facts adapter={adapter} said={said} />
            {said.recipe && <Recipe recipe={said.recipe} />}
            <Blocks said={said} />
            <Programs said={said} />
          </>
        )}
      </div>
    </Dialog>
  );
}
