/** Curves over iterations, drawn by uPlot in the theme's colours. */
import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";

import { isDark } from "../state/theme";

export interface Curve {
  name: string;
  values: (number | null)[];
}

interface Props {
  title: string;
  x: number[];
  curves: Curve[];
  log?: boolean; // losses span decades
}

const colour = (name: string) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

const whole = [1, 2, 5].flatMap((digit) => [0, 1, 2, 3, 4, 5].map((power) => digit * 10 ** power)).sort((a, b) => a - b);

function tickText(tick: number | null): string {
  if (tick === null) return "";
  return tick !== 0 && Math.abs(tick) < 1e-3 ? tick.toExponential(0) : String(Number(tick.toPrecision(3)));
}

/** Where no pointer says which, the legend tells the last values. */
function showLast(plot: uPlot) {
  const last = plot.data[0].length - 1;
  if (plot.cursor.idx == null && plot.legend.idx !== last) plot.setLegend({ idx: last });
}

function shape(title: string, curves: Curve[], width: number, log: boolean): uPlot.Options {
  const axis = { stroke: colour("--muted"), grid: { stroke: colour("--line"), width: 1 }, ticks: { stroke: colour("--line"), width: 1 }, font: "12px system-ui" };
  return {
    title,
    width,
    height: 210,
    cursor: { drag: { x: false, y: false } },
    hooks: { setLegend: [showLast] },
    scales: { x: { time: false }, y: log ? { distr: 3 } : {} },
    axes: [{ ...axis, size: 34, incrs: whole }, { ...axis, size: 56, values: (_, ticks) => ticks.map(tickText) }],
    series: [
      { label: "iteration" },
      ...curves.map((curve, at) => ({
        label: curve.name,
        stroke: colour(`--curve-${(at % 4) + 1}`),
        width: 2,
        spanGaps: true,
        points: { show: (plot: uPlot, series: number) => plot.data[series]!.length < 4 },
        value: (_: uPlot, value: number | null) => (value === null ? "–" : value.toPrecision(3)),
      })),
    ],
  };
}

export function Chart({ title, x, curves, log = false }: Props) {
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot>();
  const names = curves.map((curve) => curve.name).join();
  const dark = isDark();
  const data = [x, ...curves.map((curve) => curve.values)] as uPlot.AlignedData;

  useEffect(() => {
    const element = place.current!;
    plot.current = new uPlot(shape(title, curves, Math.max(element.clientWidth, 200), log), data, element);
    const watcher = new ResizeObserver(() => plot.current?.setSize({ width: Math.max(element.clientWidth, 200), height: 210 }));
    watcher.observe(element);
    return () => {
      watcher.disconnect();
      plot.current?.destroy();
    };
  }, [title, names, dark, log]);

  useEffect(() => plot.current?.setData(data), [x, curves]);

  const last = curves.map((curve) => `${curve.name} ${curve.values[curve.values.length - 1]?.toPrecision(3) ?? "unknown"}`).join(", ");
  return <div ref={place} class="chart" role="img" aria-label={`${title}: ${last}`} />;
}
