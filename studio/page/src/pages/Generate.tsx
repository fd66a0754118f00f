/** Drawing, in three views: draw and look, compare two, try many at once. */
import { Compare } from "../generate/Compare";
import { Draw } from "../generate/Draw";
import { Grids } from "../generate/Grids";
import { link, path } from "../state/route";

const views = { draw: "Draw", compare: "Compare", grid: "Grid" };

export function Generate() {
  const view = path.value[1] && path.value[1] in views ? path.value[1] : "draw";
  return (
    <>
      <div class="head">
        <h1>Generate</h1>
      </div>
      <nav class="tabs" aria-label="Views">
        {Object.entries(views).map(([name, title]) => (
          <a key={name} href={link(`/generate/${name}`)} aria-current={name === view ? "page" : undefined}>
            {title}
          </a>
        ))}
      </nav>
      {view === "draw" && <Draw />}
      {view === "compare" && <Compare />}
      {view === "grid" && <Grids />}
    </>
  );
}
