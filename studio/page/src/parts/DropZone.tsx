/** A place to drop files, which is a button too: the keyboard and a finger can use it. */
import type { ComponentChildren } from "preact";
import { useRef, useState } from "preact/hooks";

import { Icon } from "./icons";

interface Props {
  accept: string;
  several?: boolean;
  label: string; // of the button
  onFiles: (files: File[]) => void;
  children?: ComponentChildren;
}

export function DropZone({ accept, several = true, label, onFiles, children }: Props) {
  const [over, setOver] = useState(false);
  const input = useRef<HTMLInputElement>(null);
  const take = (list: FileList | null | undefined) => {
    const files = [...(list ?? [])];
    if (files.length) onFiles(several ? files : files.slice(0, 1));
  };
  return (
    <div
      class={over ? "drop over" : "drop"}
      onDragOver={(event) => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={(event) => {
        event.preventDefault();
        event.stopPropagation();
        setOver(false);
        take(event.dataTransfer?.files);
      }}
    >
      <Icon name="upload" />
      {children}
      <button type="button" class="button" onClick={() => input.current?.click()}>
        {label}
      </button>
      <input ref={input} type="file" accept={accept} multiple={several} hidden aria-label={label}
        onChange={(event) => {
          take(event.currentTarget.files);
          event.currentTarget.value = ""; // so that the same file can be chosen again
        }} />
    </div>
  );
}
