/** The LoRA files that the studio knows: a card for each, with what the program sees in it. */
import { useState } from "preact/hooks";

import { AdapterCard } from "../library/AdapterCard";
import { AdapterDetails } from "../library/AdapterDetails";
import { Beginning } from "../library/Beginning";
import { Folders } from "../library/Folders";
import type { Adapter } from "../api/types";
import { DropZone } from "../parts/DropZone";
import { Icon } from "../parts/icons";
import { Uploads } from "../parts/Uploads";
import { takeTwo } from "../state/merge";
import { adapterOf, adapters, readyAdapters } from "../state/server";
import { sendAdapters } from "../state/uploads";

type Sort = "newest" | "name" | "size";

const kindsOf = (adapter: Adapter) => Object.keys(adapter.summary?.kinds ?? {});

const texts = (adapter: Adapter) =>
  [adapter.name, adapter.path, ...(adapter.summary?.trigger_words ?? []), ...kindsOf(adapter), adapter.summary?.base ?? ""]
    .join(" ").toLowerCase();

function chosen(all: Adapter[], search: string, kind: string, sort: Sort): Adapter[] {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  const found = all.filter((adapter) => {
    const text = texts(adapter);
    return words.every((word) => text.includes(word)) && (kind === "" || kindsOf(adapter).includes(kind));
  });
  if (sort === "newest") found.sort((a, b) => b.id - a.id);
  if (sort === "name") found.sort((a, b) => a.name.localeCompare(b.name));
  if (sort === "size") found.sort((a, b) => b.bytes - a.bytes);
  return found;
}

function Filters({ all, search, setSearch, kind, setKind, sort, setSort }: {
  all: Adapter[];
  search: string;
  setSearch: (text: string) => void;
  kind: string;
  setKind: (text: string) => void;
  sort: Sort;
  setSort: (sort: Sort) => void;
}) {
  const kinds = [...new Set(all.flatMap(kindsOf))].sort();
  return (
    <div class="row filters">
      <input type="search" aria-label="Search the library" placeholder="Search names, words, kinds" value={search}
        onInput={(event) => setSearch(event.currentTarget.value)} />
      {kinds.length > 1 && (
        <select aria-label="Kind" value={kind} onChange={(event) => setKind(event.currentTarget.value)}>
          <option value="">All kinds</option>
          {kinds.map((each) => (
            <option key={each}>{each}</option>
          ))}
        </select>
      )}
      <select aria-label="Order" value={sort} onChange={(event) => setSort(event.currentTarget.value as Sort)}>
        <option value="newest">Newest first</option>
        <option value="name">By name</option>
        <option value="size">Largest first</option>
      </select>
    </div>
  );
}

export function Library() {
  const [search, setSearch] = useState("");
  const [kind, setKind] = useState("");
  const [sort, setSort] = useState<Sort>("newest");
  const [open, setOpen] = useState<number | null>(null);
  const all = adapters.value;
  const opened = adapterOf(open);
  const found = chosen([...(all ?? [])], search, kind, sort);
  return (
    <>
      <div class="head">
        <h1>Library</h1>
        {readyAdapters().length > 1 && (
          <button type="button" class="button main end" onClick={() => takeTwo(readyAdapters())}>
            <Icon name="merge" /> Merge two
          </button>
        )}
        <p>Your LoRA files, and what ziplora sees in each. They stay on this machine.</p>
      </div>
      <div class="stack">
        <DropZone accept=".safetensors" label="Choose files" onFiles={(files) => void sendAdapters(files)}>
          <p>
            <strong>Drop LoRA files here</strong>
            <br />
            Their names end in .safetensors.
          </p>
        </DropZone>
        <Uploads />
        <Folders />
        {all?.length === 0 && <Beginning />}
        {all && all.length > 0 && <Filters {...{ all, search, setSearch, kind, setKind, sort, setSort }} />}
        {all && all.length > 0 && found.length === 0 && <p class="muted">No file matches. Clear the search to see all {all.length}.</p>}
        <ul class="cards">
          {found.map((adapter) => (
            <AdapterCard key={adapter.id} adapter={adapter} open={() => setOpen(adapter.id)} />
          ))}
        </ul>
      </div>
      {opened && <AdapterDetails adapter={opened} close={() => setOpen(null)} />}
    </>
  );
}
