/** A list of the library's files, to choose one from. */
import { readyAdapters } from "../state/server";

export function AdapterPicker({ label, choose }: { label: string; choose: (id: number) => void }) {
  const all = readyAdapters();
  if (all.length === 0) return null;
  return (
    <select aria-label={label} value="" onChange={(event) => (choose(Number(event.currentTarget.value)), (event.currentTarget.value = ""))}>
      <option value="" disabled>
        {label} …
      </option>
      {all.map((adapter) => (
        <option key={adapter.id} value={adapter.id}>
          {adapter.name}
          {adapter.summary?.recipe && ` · ${adapter.summary.recipe.method}`}
        </option>
      ))}
    </select>
  );
}
