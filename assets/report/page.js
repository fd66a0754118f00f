const data = JSON.parse(document.getElementById("data").textContent);
const byId = (id) => document.getElementById(id);
const METRICS = [["likeness", "likeness to the true image"], ["harmonic_mean", "harmonic mean of subject and style"],
  ["subject_told", "subject told"], ["style_told", "style told"], ["reciprocal_rank", "1 / rank of the true image"],
  ["leak", "leak: a style's image nearer than the true one"],
  ["subject_similarity", "similarity to the subject's images"], ["style_similarity", "similarity to the style's images"],
  ["text_similarity", "similarity to the prompt's words"],
  ["subject_kept", "subject kept under its own prompt"], ["style_kept", "style kept under its own prompt"]];
const SHARES = ["subject_told", "style_told", "leak"];
const LESS_IS_BETTER = ["leak"];

const contender = new Map(data.contenders.map((row) => [row.name, row]));
// Rows that differ in the style strength alone are one method's course.
const family = (name) => {
  const row = contender.get(name);
  return JSON.stringify([row.method, row.strategy, row.options, row.strengths]);
};
const isBound = (name) => !["method", "strategy", "file"].some((way) => contender.get(name)[way]);
const groupName = (group) => group || "all pairs";
const formatted = (value, metric) => SHARES.includes(metric) ? `${Math.round(100 * value)} %` : value.toFixed(3);

function options(select, entries) {
  select.replaceChildren(...entries.map(([value, text]) => new Option(text, value)));
}

function currentTable() {
  return data.tables.find((table) => table.group === byId("group").value && table.judge === byId("judge").value);
}

function shownRows(table) {
  const words = byId("filter").value.toLowerCase();
  return table.rows.filter((row) => row.contender.toLowerCase().includes(words));
}

const counted = (count, word) => `${count} ${word}${count === 1 ? "" : "s"}`;
const style = { background: "transparent", color: "inherit", fontSize: "13px", overflow: "visible" };
const leftOf = (names) => 20 + 7 * Math.max(4, ...names.map((name) => name.length));

function drawMeans(table, metric) {
  const rows = shownRows(table).filter((row) => row[metric]);
  const names = rows.map((row) => row.contender);
  byId("means").replaceChildren(Plot.plot({
    style, width: 900, marginLeft: leftOf(names), height: 70 + 22 * rows.length, marginBottom: 40, ariaLabel: `${metric} of each row`,
    x: { label: METRICS.find(([name]) => name === metric)[1], grid: true }, y: { domain: names, label: null },
    marks: [
      Plot.ruleY(rows, { y: "contender", x1: (row) => row[metric].low, x2: (row) => row[metric].high, strokeWidth: 2,
        stroke: (row) => isBound(row.contender) ? "var(--faint)" : "var(--mark)" }),
      Plot.dot(rows, { y: "contender", x: (row) => row[metric].mean, r: 4, tip: true,
        fill: (row) => isBound(row.contender) ? "var(--faint)" : "var(--mark)",
        title: (row) => `${row.contender}\n${formatted(row[metric].mean, metric)} ` +
          `[${formatted(row[metric].low, metric)}, ${formatted(row[metric].high, metric)}]` })] }));
}

function axes(table) {
  const told = table.rows.some((row) => row.subject_told && row.style_told);
  return told ? ["subject_told", "style_told"] : ["subject_similarity", "style_similarity"];
}

function isoHarmonic() {
  const points = [];
  for (const level of [0.2, 0.4, 0.6, 0.8])
    for (let x = level / 2 + 0.005; x <= 1; x += 0.005) {
      const y = level * x / (2 * x - level);
      if (y <= 1) points.push({ x, y, level });
    }
  return points;
}

function drawPlane(table) {
  const [x, y] = axes(table);
  const rows = shownRows(table).filter((row) => row[x] && row[y]);
  const points = rows.map((row) => ({ name: row.contender, family: family(row.contender), bound: isBound(row.contender),
    strength: contender.get(row.contender).style_strength ?? 1, behind: row.behind_frontier, x: row[x].mean,
    y: row[y].mean }));
  const courses = points.filter((point) => points.filter((other) => other.family === point.family).length > 1 && !point.bound)
    .sort((a, b) => a.strength - b.strength);
  const told = x === "subject_told", scale = told ? { domain: [0, 1], tickFormat: "%" } : {};
  byId("plane").replaceChildren(Plot.plot({
    style, width: 760, height: 560, grid: true, ariaLabel: "subject against style", marginRight: 120, marginBottom: 40,
    x: { label: METRICS.find(([name]) => name === x)[1], ...scale },
    y: { label: METRICS.find(([name]) => name === y)[1], ...scale },
    marks: [
      ...(told ? [Plot.line(isoHarmonic(), { x: "x", y: "y", z: "level", stroke: "var(--line)" })] : []),
      Plot.line(points.filter((p) => p.behind === 0).sort((a, b) => a.x - b.x || b.y - a.y),
        { x: "x", y: "y", curve: "step-before", stroke: "var(--ink)", strokeDasharray: "2 4" }),
      Plot.line(courses, { x: "x", y: "y", z: "family", stroke: "var(--mark)", strokeOpacity: 0.5 }),
      Plot.dot(points, { x: "x", y: "y", r: 4, tip: true, title: "name", fill: (p) => p.bound ? "var(--faint)" : "var(--mark)" }),
      Plot.text(points, { x: "x", y: "y", text: "name", dx: 7, textAnchor: "start", fontSize: 11 })] }));
}

function drawDifferences(table) {
  const names = new Set(shownRows(table).map((row) => row.contender));
  const rows = table.comparisons.filter((row) => names.has(row.first));
  const parts = [];
  for (const [second, of] of d3.cross([...new Set(rows.map((row) => row.second))], [...new Set(rows.map((row) => row.of))])) {
    const chosen = rows.filter((row) => row.second === second && row.of === of);
    if (!chosen.length) continue;
    const title = document.createElement("h3");
    title.textContent = `${of}, minus ${second}`;
    parts.push(title, Plot.plot({
      style, width: 900, marginLeft: leftOf(chosen.map((row) => row.first)), height: 70 + 22 * chosen.length, marginBottom: 40,
      ariaLabel: title.textContent, x: { grid: true, label: `difference in ${of}` },
      y: { domain: chosen.map((row) => row.first), label: null },
      marks: [Plot.ruleX([0], { stroke: "var(--faint)" }),
        Plot.ruleY(chosen, { y: "first", x1: (row) => row.difference.low, x2: (row) => row.difference.high, stroke: "var(--mark)",
          strokeWidth: 2 }),
        Plot.dot(chosen, { y: "first", x: (row) => row.difference.mean, r: 4, stroke: "var(--mark)", tip: true,
          fill: (row) => row.adjusted_p < 0.05 ? "var(--mark)" : "var(--ground)",
          title: (row) => `${row.first} − ${row.second}\n${row.difference.mean.toFixed(3)} [${row.difference.low.toFixed(3)}, ` +
            `${row.difference.high.toFixed(3)}], p ${row.p.toPrecision(2)}, by Holm ${row.adjusted_p.toPrecision(2)}` })] }));
  }
  if (!parts.length) parts.push("No row of plain addition or of zip is there to compare with.");
  byId("differences").replaceChildren(...parts);
}

function cell(kind, text, properties = {}) {
  return Object.assign(document.createElement(kind), { textContent: text, ...properties });
}

function tableOf(headings, lines) {
  const head = document.createElement("tr"), made = document.createElement("table");
  head.append(...headings.map((text) => cell("th", text, { scope: "col" })));
  made.append(head, ...lines);
  return made;
}

function meanCell(row, metric, best) {
  const found = row[metric];
  const made = cell("td", found ? formatted(found.mean, metric) : "–");
  if (!found) return made;
  made.append(" ", cell("small", `[${formatted(found.low, metric)}, ${formatted(found.high, metric)}]`));
  if (found.mean === best) made.className = "best";
  return made;
}

function behindCell(row, told) {
  const by = row.behind_frontier;
  if (by === undefined) return cell("td", "–");
  const title = row.led_by ? `${row.led_by} is ahead in both subject and style` : "none is ahead in both subject and style";
  return cell("td", told ? `${Math.round(100 * by)} %` : by.toFixed(3), { title, className: by === 0 ? "best" : "" });
}

function drawTable(table) {
  const told = axes(table)[0] === "subject_told";
  const rows = shownRows(table), shown = METRICS.filter(([metric]) => rows.some((row) => row[metric]));
  const best = new Map(shown.map(([metric]) => {
    const means = rows.filter((row) => !isBound(row.contender) && row[metric]).map((row) => row[metric].mean);
    return [metric, LESS_IS_BETTER.includes(metric) ? Math.min(...means) : Math.max(...means)];
  }));
  const lines = rows.map((row) => {
    const line = document.createElement("tr"), by = contender.get(row.contender);
    line.append(cell("th", row.contender, { scope: "row" }), ...shown.map(([metric]) => meanCell(row, metric, best.get(metric))),
      behindCell(row, told), cell("td", by.merge_seconds?.toFixed(1) ?? "–"), cell("td", by.seconds_per_image?.toFixed(2) ?? "–"));
    const command = document.createElement("td");
    command.append(cell("code", by.command ?? ""));
    line.append(command);
    return line;
  });
  const headings = ["", ...shown.map(([, text]) => text), "behind the frontier", "merge, s", "an image, s", "command"];
  byId("table").replaceChildren(tableOf(headings, lines));
}

function drawImages() {
  const group = byId("group").value, words = byId("filter").value.toLowerCase();
  const images = data.shown_images.filter((image) => !group || image.group === group);
  const pairs = [...new Map(images.map((image) => [`${image.subject} / ${image.style}`, image])).keys()];
  const names = [...new Set(images.map((image) => image.contender))].filter((name) => name.toLowerCase().includes(words));
  const lines = names.map((name) => {
    const line = document.createElement("tr");
    line.append(cell("th", name, { scope: "row" }));
    for (const pair of pairs) {
      const found = images.find((image) => image.contender === name && `${image.subject} / ${image.style}` === pair);
      const place = document.createElement("td");
      if (found) place.append(Object.assign(document.createElement("img"), { src: `data:image/png;base64,${found.png}`, loading: "lazy",
        alt: `${found.prompt}, by ${name}`, title: found.prompt }));
      line.append(place);
    }
    return line;
  });
  byId("images").replaceChildren(tableOf(["", ...pairs], lines));
}

function draw() {
  const table = currentTable();
  drawMeans(table, byId("metric").value);
  drawPlane(table);
  drawDifferences(table);
  drawTable(table);
  drawImages();
}

function chooseMetric() {
  const table = currentTable();
  options(byId("metric"), METRICS.filter(([metric]) => table.rows.some((row) => row[metric])));
}

options(byId("group"), [...new Set(data.tables.map((table) => table.group))].map((group) => [group, groupName(group)]));
options(byId("judge"), data.judges.map((judge) => [judge, judge]));
chooseMetric();
byId("summary").textContent = `${counted(data.tables[0].pairs, "pair")}, ${counted(data.images, "image")}, seeds ${data.seeds.join(", ")}; prompts: ` +
  `${data.prompts.join("; ")}. Judged by ${data.judges.join(" and ")}.`;
if (data.protocol)
  byId("protocol").textContent = `${data.protocol.differences.length ? "Not as" : "As"} in ${data.protocol.source}` +
    `${data.protocol.differences.map((difference, i) => `${i ? "; " : ": "}${difference}`).join("")}. The paper scores by ` +
    `${data.protocol.scores}.`;
byId("command").textContent = data.command_line;
for (const id of ["group", "judge"]) byId(id).addEventListener("change", () => { chooseMetric(); draw(); });
byId("metric").addEventListener("change", draw);
byId("filter").addEventListener("input", draw);
byId("choice").addEventListener("submit", (event) => event.preventDefault());
draw();
