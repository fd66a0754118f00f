/** The studio's page. Each of its six pages is a file in pages/; what they share of the server is in state/. */
import "./style/tokens.css";
import "./style/layout.css";
import "./style/controls.css";
import "./style/pages.css";
import "uplot/dist/uPlot.min.css";

import { render } from "preact";

import { Shell } from "./Shell";
import { listen } from "./state/events";
import { go } from "./state/route";
import { load } from "./state/server";
import { sendAdapters } from "./state/uploads";

render(<Shell />, document.getElementById("page")!);
void load();
listen();

// A file that is dropped beside a place for it would replace the page; a LoRA goes into the library instead.
addEventListener("dragover", (event) => event.preventDefault());
addEventListener("drop", (event) => {
  event.preventDefault();
  const files = [...(event.dataTransfer?.files ?? [])].filter((file) => file.name.endsWith(".safetensors"));
  if (files.length === 0) return;
  go("/library");
  void sendAdapters(files);
});
