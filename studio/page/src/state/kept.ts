/** A signal whose value outlives a reload of the page, in this browser. */
import { effect, signal, type Signal } from "@preact/signals";

const resets: (() => void)[] = [];

/** Drafts name files by their numbers in one data folder: those of another one are forgotten. */
export function keepFor(folder: string) {
  const key = "ziplora-data";
  const before = localStorage.getItem(key);
  if (before !== null && before !== folder) resets.forEach((reset) => reset());
  localStorage.setItem(key, folder);
}

export function kept<T>(name: string, initial: T): Signal<T> {
  const key = `ziplora-${name}`;
  const read = (): T => {
    try {
      const text = localStorage.getItem(key);
      return text ? (JSON.parse(text) as T) : initial;
    } catch {
      return initial; // written by another version of the page
    }
  };
  const value = signal(read());
  effect(() => {
    try {
      localStorage.setItem(key, JSON.stringify(value.value));
    } catch {
      // no room, or forbidden: the value then lasts as long as the page
    }
  });
  resets.push(() => (value.value = initial));
  return value;
}
