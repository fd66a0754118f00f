/** A card: what a file is, at a glance, and what to do with it. */
import { address } from "../api/client";
import type { Adapter } from "../api/types";
import { SmallDownload } from "../parts/DownloadFile";
import { ErrorNote } from "../parts/Notice";
import { UseAs } from "../parts/UseAs";
import { bytes, count } from "../parts/words";

function Preview({ adapter }: { adapter: Adapter }) {
  if (adapter.preview) return <img class="preview" src={address(`/adapters/${adapter.id}/preview`)} alt="" loading="lazy" />;
  return (
    <span class="preview blank" aria-hidden="true">
      {adapter.name.replace(/[^a-z0-9]/gi, "").slice(0, 2) || "?"}
    </span>
  );
}

function ranks(all: Record<string, number>): string {
  const sizes = Object.keys(all).map(Number);
  const [least, most] = [Math.min(...sizes), Math.max(...sizes)];
  return least === most ? `rank ${most}` : `ranks ${least}–${most}`;
}

export function Tags({ adapter }: { adapter: Adapter }) {
  const said = adapter.summary;
  if (adapter.state === "inspecting") return <span class="tag">looking into it …</span>;
  if (adapter.state === "missing") return <span class="tag bad">the file is gone</span>;
  if (!said) return <span class="tag bad">cannot be read</span>;
  return (
    <p class="row tags">
      {Object.keys(said.kinds).map((kind) => (
        <span key={kind} class="tag accent">
          {kind}
        </span>
      ))}
      {said.recipe && <span class="tag accent">merged by {said.recipe.method}</span>}
      <span class="tag">{baseName(said.base)}</span>
      {Object.keys(said.ranks).length > 0 && <span class="tag">{ranks(said.ranks)}</span>}
      <span class="tag">{bytes(adapter.bytes)}</span>
      {said.defects.length > 0 && <span class="tag bad">{count(said.defects.length, "defect")}</span>}
    </p>
  );
}

/** "as /usr/share/ziplora/mini" names the base by its folder. */
function baseName(base: string): string {
  if (!base.startsWith("as /")) return base;
  const folder = base.split("/").pop();
  return folder === "mini" ? "for the miniature" : `for ${folder}`;
}

export function AdapterCard({ adapter, open }: { adapter: Adapter; open: () => void }) {
  const words = adapter.summary?.trigger_words ?? [];
  return (
    <li class="card adapter">
      <button type="button" class="face" onClick={open}>
        <Preview adapter={adapter} />
        <span class="name wrap">{adapter.name}</span>
        <span class="sr">: show details</span>
      </button>
      <Tags adapter={adapter} />
      {words.length > 0 && (
        <p class="small">
          <span class="muted">Words: </span>
          {words.slice(0, 3).join(" · ")}
          {words.length > 3 && <span class="muted"> and {words.length - 3} more</span>}
        </p>
      )}
      <ErrorNote error={adapter.error} />
      {adapter.state === "ready" && (
        <div class="row actions">
          <UseAs adapter={adapter.id} word="Use" small />
          <SmallDownload adapter={adapter} />
        </div>
      )}
    </li>
  );
}
