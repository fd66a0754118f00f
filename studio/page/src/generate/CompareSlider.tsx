/** Two images one over the other; a slider moves the border between them. It is a range input, so arrows move it too. */
import { useState } from "preact/hooks";

interface Side {
  url: string;
  name: string;
  small: boolean; // so that its pixels are shown as they are
}

export function CompareSlider({ left, right }: { left: Side; right: Side }) {
  const [share, setShare] = useState(50);
  return (
    <figure class="compare" style={{ "--share": `${share}%` }}>
      <div class="images">
        <img class={right.small ? "sharp" : ""} src={right.url} alt={`Right: ${right.name}`} draggable={false} />
        <img class={left.small ? "over sharp" : "over"} src={left.url} alt={`Left: ${left.name}`} draggable={false} />
        <span class="border" aria-hidden="true" />
        <input type="range" min="0" max="100" step="1" value={share} aria-label="How much of the left image to show"
          onInput={(event) => setShare(Number(event.currentTarget.value))} />
      </div>
      <figcaption class="row apart small">
        <span>← {left.name}</span>
        <span>{right.name} →</span>
      </figcaption>
    </figure>
  );
}
