/** A file of the library, to keep. */
import { address } from "../api/client";
import type { Adapter } from "../api/types";
import { Icon } from "./icons";

/** The library's names have no ending. */
const fileName = (adapter: Adapter) => `${adapter.name}.safetensors`;
const place = (adapter: Adapter) => address(`/adapters/${adapter.id}/file`);

export function DownloadFile({ adapter, main = false }: { adapter: Adapter; main?: boolean }) {
  return (
    <a class={main ? "button main" : "button"} href={place(adapter)} download={fileName(adapter)}>
      <Icon name="download" /> Download
    </a>
  );
}

/** The same where there is little room. */
export function SmallDownload({ adapter }: { adapter: Adapter }) {
  return (
    <a class="button small quiet" href={place(adapter)} download={fileName(adapter)} aria-label={`Download ${adapter.name}`}>
      <Icon name="download" />
    </a>
  );
}

/** The same within a text. */
export function FileLink({ adapter }: { adapter: Adapter }) {
  return (
    <a href={place(adapter)} download={fileName(adapter)}>
      {fileName(adapter)}
    </a>
  );
}
