"""Small charts of lines on logarithmic axes, side by side in one SVG.

    chart = Chart("seconds", "rank", {"direct": [(4, 0.1), (16, 0.2)], "ssr": [(4, 0.9), (16, 1.1)]})
    Path("growth.svg").write_text(svg([[chart, …], …]))
"""

import math
from dataclasses import dataclass

WIDTH, HEIGHT, LEFT, TOP, BOTTOM = 250, 190, 52, 26, 36
COLOURS = ("#1b6ca8", "#d1495b", "#3a7d44", "#8d6a9f")


@dataclass(frozen=True)
class Chart:
    title: str
    axis: str
    lines: dict[str, list[tuple[float, float]]]  # name → (x, y), both positive


def label(value: float) -> str:
    return f"{value:.3g}"


def range_of(values: list[float]) -> tuple[float, float]:
    """Logarithms of the ends; never empty."""
    low, high = math.log(min(values)), math.log(max(values))
    return (low, high) if high - low > 0.5 else (low - 0.25, high + 0.25)


def panel(chart: Chart, left: float, top: float) -> list[str]:
    points = [point for line in chart.lines.values() for point in line]
    (x_low, x_high), (y_low, y_high) = range_of([x for x, _ in points]), range_of([y for _, y in points])
    right, floor = left + WIDTH - 14, top + HEIGHT - BOTTOM

    def place(x: float, y: float) -> tuple[float, float]:
        return (left + LEFT + (math.log(x) - x_low) / (x_high - x_low) * (right - left - LEFT),
                floor - (math.log(y) - y_low) / (y_high - y_low) * (floor - top - TOP))

    parts = [f'<text x="{left + LEFT}" y="{top + 14}" font-weight="bold">{chart.title}</text>',
             f'<path d="M{left + LEFT} {top + TOP}V{floor}H{right}" fill="none" stroke="#888"/>',
             f'<text x="{(left + LEFT + right) / 2}" y="{floor + 30}" text-anchor="middle">{chart.axis}</text>']
    for x in sorted({x for x, _ in points}):
        parts.append(f'<text x="{place(x, math.exp(y_low))[0]:.1f}" y="{floor + 14}" '
                     f'text-anchor="middle">{label(x)}</text>')
    for share in (0, 0.5, 1):
        y = math.exp(y_low + share * (y_high - y_low))
        parts.append(f'<text x="{left + LEFT - 5}" y="{place(math.exp(x_low), y)[1] + 4:.1f}" '
                     f'text-anchor="end">{label(y)}</text>')
    for (name, line), colour in zip(chart.lines.items(), COLOURS):
        places = [place(*point) for point in line]
        parts.append(f'<polyline points="{" ".join(f"{x:.1f},{y:.1f}" for x, y in places)}" fill="none" '
                     f'stroke="{colour}" stroke-width="1.8"><title>{name}</title></polyline>')
        parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.6" fill="{colour}"/>' for x, y in places]
    return parts


def legend(rows: list[list[Chart]], top: float) -> list[str]:
    """Every chart gives a name the same place in its lines, and so the same colour."""
    names = max((list(chart.lines) for row in rows for chart in row), key=len)
    return [f'<text x="{LEFT + 170 * i}" y="{top}" fill="{colour}" font-weight="bold">{name}</text>'
            for i, (name, colour) in enumerate(zip(names, COLOURS))]


def svg(rows: list[list[Chart]]) -> str:
    width, height = WIDTH * max(map(len, rows)), HEIGHT * len(rows) + 26
    parts = [part for i, row in enumerate(rows) for j, chart in enumerate(row)
             for part in panel(chart, WIDTH * j, HEIGHT * i)]
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" '
            f'font-size="11"><rect width="{width}" height="{height}" fill="white"/>\n'
            + "\n".join(parts + legend(rows, height - 10)) + "\n</svg>\n")
