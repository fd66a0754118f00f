/** The frame around the six pages: the way to each, what runs, the theme. */
import type { ComponentType } from "preact";
import { useEffect, useRef } from "preact/hooks";

import { Generate } from "./pages/Generate";
import { Jobs } from "./pages/Jobs";
import { Judge } from "./pages/Judge";
import { Library } from "./pages/Library";
import { Merge } from "./pages/Merge";
import { Train } from "./pages/Train";
import { BaseButton } from "./parts/BaseButton";
import { Icon, type IconName } from "./parts/icons";
import { ErrorNote } from "./parts/Notice";
import { connected } from "./state/events";
import { activeJobs } from "./state/jobs";
import { link, path } from "./state/route";
import { about, loadError } from "./state/server";
import { isDark, switchTheme } from "./state/theme";
import { dismissRefused } from "./state/uploads";

const pages: Record<string, { icon: IconName; title: string; page: ComponentType }> = {
  library: { icon: "library", title: "Library", page: Library },
  merge: { icon: "merge", title: "Merge", page: Merge },
  generate: { icon: "generate", title: "Generate", page: Generate },
  train: { icon: "train", title: "Train", page: Train },
  judge: { icon: "judge", title: "Judge", page: Judge },
  jobs: { icon: "jobs", title: "Jobs", page: Jobs },
};

function Navigation({ current }: { current: string }) {
  const running = activeJobs.value.length;
  return (
    <nav class="nav" aria-label="Pages">
      {Object.entries(pages).map(([name, { icon, title }]) => (
        <a key={name} href={link(`/${name}`)} aria-current={name === current ? "page" : undefined}>
          <Icon name={icon} />
          {title}
          {name === "jobs" && running > 0 && (
            <span class="count">
              {running}
              <span class="sr"> queued or running</span>
            </span>
          )}
        </a>
      ))}
    </nav>
  );
}

function ThemeButton() {
  const dark = isDark();
  return (
    <button type="button" class="button quiet small theme" aria-label={`${dark ? "Light" : "Dark"} theme`} onClick={switchTheme}>
      <Icon name={dark ? "sun" : "moon"} />
      <span>{dark ? "Light" : "Dark"} theme</span>
    </button>
  );
}

function Foot() {
  const said = about.value;
  return (
    <div class="foot">
      {said && (
        <p>
          ziplora {said.version} on {said.device}
        </p>
      )}
    </div>
  );
}

export function Shell() {
  const name = path.value[0] && path.value[0] in pages ? path.value[0] : "library";
  const { page: Page, title } = pages[name]!;
  const main = useRef<HTMLElement>(null);
  const first = useRef(true);
  useEffect(() => {
    document.title = `${title} · ziplora studio`;
    if (!first.current) main.current?.focus({ preventScroll: true }); // who reads the screen by ear hears the new page
    first.current = false;
    dismissRefused();
    scrollTo(0, 0);
  }, [name]);
  return (
    <div class="shell">
      <a class="skip" href={link(path.value.join("/"))} onClick={(event) => (event.preventDefault(), main.current?.focus())}>
        Skip to the page
      </a>
      <aside class="side" aria-label="Studio">
        <div class="brand">
          <Icon name="merge" />
          ziplora studio
        </div>
        <Navigation current={name} />
        <Foot />
        <BaseButton />
        <ThemeButton />
      </aside>
      <main ref={main} tabIndex={-1}>
        <div aria-live="polite">
          {connected.value === false && (
            <p class="note warn lost">The studio does not answer. If its program was closed, start it again; this page then goes on by itself.</p>
          )}
        </div>
        <ErrorNote error={loadError.value} />
        <Page />
      </main>
    </div>
  );
}
