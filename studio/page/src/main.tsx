/** The studio's page. Each of its six pages is a file in pages/; what they share of the server is in state/. */
import "./style/tokens.css";
import "./style/layout.css";
import "./style/controls.css";
import "./style/pages.css";
import "uplot/dist/uPlot.min.css";

import { render } from "preact";

import { Shell } from "./Shell";
import { listen } from "./state/events";
import { load } from "./state/server";

render(<Shell />, document.getElementById("page")!);
void load();
listen();
