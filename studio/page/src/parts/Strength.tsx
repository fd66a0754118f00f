/** The strength of an adapter: a slider from 0 to 2, and a box for what lies beyond. */
import { useId } from "preact/hooks";

interface Props {
  label?: string;
  of: string; // what it is the strength of, for readers of the screen
  value: number;
  change: (value: number) => void;
}

export function Strength({ label = "Strength", of, value, change }: Props) {
  const id = useId();
  const read = (text: string) => {
    const number = Number(text);
    if (text.trim() !== "" && Number.isFinite(number)) change(number);
  };
  return (
    <div class="strength">
      <label for={id} class="small muted">
        {label}
      </label>
      <input id={id} type="range" min="0" max="2" step="0.05" value={value} aria-label={`${label} of ${of}`}
        onInput={(event) => read(event.currentTarget.value)} />
      <input type="number" step="0.05" value={value} aria-label={`${label} of ${of}, as a number`}
        onInput={(event) => read(event.currentTarget.value)} />
    </div>
  );
}
