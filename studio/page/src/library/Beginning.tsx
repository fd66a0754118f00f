/** For who opens the studio for the first time: what it is for, in three steps. */
import { ChooseBase } from "../parts/BaseButton";
import { isMiniature } from "../state/base";
import { link } from "../state/route";

export function Beginning() {
  return (
    <section class="card stack" aria-label="How it goes">
      <h2>How it goes</h2>
      <ol class="steps">
        <li>
          <strong>Drop two LoRA files</strong>
          <span class="muted">One of a subject, such as your dog, and one of a style, such as ink.</span>
        </li>
        <li>
          <strong>Merge them</strong>
          <span class="muted">The result is one ordinary LoRA file, which other programs load too.</span>
        </li>
        <li>
          <strong>Look, and keep the best</strong>
          <span class="muted">Images are drawn at once, beside those of a plain sum. Compare, draw more, download.</span>
        </li>
      </ol>
      {isMiniature() && (
        <div class="row muted">
          <span>Files from the web are for SDXL: to look at what they draw, ziplora needs a checkpoint of it.</span>
          <ChooseBase />
        </div>
      )}
      <p class="muted">
        No files? <a href={link("/train")}>Make one from your own images</a>, or <a href={link("/generate")}>draw with the base alone</a>.
      </p>
    </section>
  );
}
