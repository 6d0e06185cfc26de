# SPDX-License-Identifier: MIT
"""What tools/bench.py makes of rows: files, tables, a plot, a verdict."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Dict, Iterable, List, Optional, Tuple

# Units of which a higher figure is better.
RATES = ("forks/s", "children", "per-s")

# A loss of more than this, and of more than this many units, is a failure:
# the counter itself is exact to within three instructions.
LOSS = 0.02
SLACK = 3
# The loss that is allowed for a compiler without a record of its own.
LOSS_OF_ANOTHER = 0.25


@dataclass(frozen=True)
class Row:
    """A line of user/bench.c; values in `unit`."""

    name: str
    low: float
    median: float
    unit: str
    right: bool = True


Rows = Dict[str, Row]


def parse_row(line: str) -> Optional[Row]:
    fields = line.rstrip("\r\n").split("\t")
    if len(fields) != 5 or fields[4] not in ("ok", "FAILED"):
        return None
    try:
        low, median = float(fields[1]), float(fields[2])
    except ValueError:
        return None
    return Row(fields[0], low, median, fields[3], fields[4] == "ok")


# --- Recorded results -------------------------------------------------------


def write_record(path: Path, heading: Iterable[str], rows: Rows) -> None:
    lines = [f"# {line}" for line in heading]
    lines.append("# row\tmin\tmedian\tunit")
    lines += [f"{row.name}\t{row.low:g}\t{row.median:g}\t{row.unit}"
              if max(row.low, row.median) < 1e5 else
              f"{row.name}\t{row.low:.0f}\t{row.median:.0f}\t{row.unit}"
              for row in rows.values()]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n")


def read_record(path: Path) -> Tuple[List[str], Rows]:
    """The heading and the rows of a file; empty ones if there is no file."""
    heading: List[str] = []
    rows: Rows = {}
    if not path.exists():
        return heading, rows
    for line in path.read_text().splitlines():
        fields = line.split("\t")
        if line.startswith("#"):
            heading.append(line[1:].strip())
        elif len(fields) == 4:
            rows[fields[0]] = Row(fields[0], float(fields[1]),
                                  float(fields[2]), fields[3])
    return heading[:-1], rows


# --- The gate ---------------------------------------------------------------


def loss(row: Row, recorded: Row) -> float:
    """By what part of itself a figure became worse; negative if better."""
    change = row.low - recorded.low
    if row.unit in RATES:
        change = -change
    if abs(change) <= SLACK or recorded.low == 0:
        return 0.0
    return change / recorded.low


def gate(rows: Rows, recorded: Rows, margin: float = LOSS) -> List[str]:
    """A TAP report: a result for each recorded row."""
    lines = [f"1..{len(recorded)}"]
    for number, (name, old) in enumerate(recorded.items(), 1):
        row = rows.get(name)
        if row is None:
            lines.append(f"ok {number} - {name} # skip not measured")
            continue
        change = loss(row, old)
        good = row.right and change <= margin
        why = "" if row.right else " # wrong contents"
        if row.right and abs(change) > margin:
            word = "worse" if change > 0 else "better"
            why = f" # {old.low:g} became {row.low:g} {row.unit}, {word}"
        lines.append(f"{'ok' if good else 'not ok'} {number} - {name}{why}")
    return lines


# --- Tables -----------------------------------------------------------------


@dataclass(frozen=True)
class Column:
    title: str
    rows: Rows


def show_value(row: Optional[Row]) -> str:
    if row is None:
        return "-"
    if not row.right:
        return "FAILED"
    if row.median < 1000 and row.median != int(row.median):
        return f"{row.median:.1f}"
    return f"{row.median:,.0f}"


def show_ratio(ours: Optional[Row], theirs: Optional[Row]) -> str:
    """How many times better Calf is."""
    if ours is None or theirs is None or not (ours.right and theirs.right):
        return "-"
    low, high = ours.median, theirs.median
    if ours.unit in RATES:
        low, high = high, low
    if low < 1 or high < 1:
        return "-"
    ratio = high / low
    if ratio < 0.01:
        return "< 0.01"
    return f"{ratio:.2g}" if ratio < 10 else f"{ratio:,.0f}"


def table(names: Iterable[str], ours: Column,
          others: List[Column]) -> List[List[str]]:
    head = ["row", ours.title]
    for column in others:
        head += [column.title, "ratio"]
    lines = [head + ["unit"]]
    for name in names:
        row = ours.rows.get(name)
        found = [row] + [c.rows.get(name) for c in others]
        units = [r.unit for r in found if r is not None]
        if not units:
            continue
        line = [name, show_value(row)]
        for column in others:
            theirs = column.rows.get(name)
            line += [show_value(theirs), show_ratio(row, theirs)]
        lines.append(line + [units[0]])
    return lines


def plain(lines: List[List[str]]) -> List[str]:
    """For a terminal: names and units to the left, figures to the right."""
    widths = [max(map(len, column)) for column in zip(*lines)]
    last = len(widths) - 1
    return ["  ".join(cell.ljust(width) if i in (0, last)
                      else cell.rjust(width)
                      for i, (cell, width) in enumerate(zip(line, widths))
                      ).rstrip() for line in lines]


def markdown(lines: List[List[str]]) -> List[str]:
    count = len(lines[0])
    rule = ["---"] + ["---:"] * (count - 2) + ["---"]
    return ["| " + " | ".join(line) + " |"
            for line in [lines[0], rule] + lines[1:]]


ROW = re.compile(r"^\| (\*{0,2})[^|]*, `([\w-]+)`\1 \|")


def refresh(text: str, columns: List[Column]) -> str:
    """The text, with the figures of rows that it names as they are recorded.

    Such a line is `| words, `name` | figure | ...`, or all of it in bold.
    """
    lines = text.split("\n")
    for i, line in enumerate(lines):
        found = ROW.match(line)
        if not found or found.group(2) not in columns[0].rows:
            continue
        bold, name = found.groups()
        figures = [show_value(column.rows.get(name)) for column in columns]
        lines[i] = found.group() + "".join(
            f" {bold}{figure}{bold} |" for figure in figures)
    return "\n".join(lines)


# --- The plot ---------------------------------------------------------------

WIDTH, HEIGHT = 720, 440
LEFT, RIGHT, TOP, BOTTOM = 64, 136, 72, 54
MIB = 1 << 20
SIZES = {"fork-1m": MIB, "fork-16m": 16 * MIB, "fork-256m": 256 * MIB,
         "fork-1g": 1024 * MIB, "fork-4g": 4096 * MIB, "fork-8g": 8192 * MIB}

STYLE = """
text { font: 13px system-ui, sans-serif; fill: #24292f }
.title { font-size: 16px; font-weight: 600 }
.quiet { fill: #57606a }
.grid { stroke: #d0d7de; stroke-width: 1 }
.line { fill: none; stroke-width: 2.5; stroke-linejoin: round }
.a { stroke: #0a7d5c; fill: #0a7d5c }
.b { stroke: #c2410c; fill: #c2410c }
.c { stroke: #8250df; fill: #8250df }
.label { stroke: none; font-weight: 600 }
.line { fill: none }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 } .quiet { fill: #9198a1 } .grid { stroke: #3d444d }
  .a { stroke: #3fb68b; fill: #3fb68b } .b { stroke: #f0883e; fill: #f0883e }
  .c { stroke: #b392f0; fill: #b392f0 }
  .line { fill: none } .label { stroke: none }
}
"""


class Axes:
    """Logarithmic in both directions, whole decades upwards."""

    def __init__(self, values: List[float]):
        self.low = min(3, math.floor(math.log10(min(values))))
        self.high = math.ceil(math.log10(max(values)))
        self.sizes = [math.log2(min(SIZES.values())),
                      math.log2(max(SIZES.values()))]

    def x(self, size: float) -> float:
        first, last = self.sizes
        share = (math.log2(size) - first) / (last - first)
        return LEFT + share * (WIDTH - LEFT - RIGHT)

    def y(self, value: float) -> float:
        share = (math.log10(value) - self.low) / (self.high - self.low)
        return HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM)


def text(x: float, y: float, words: str, kind: str = "",
         anchor: str = "start") -> str:
    return (f'<text x="{x:.1f}" y="{y:.1f}" class="{kind}" '
            f'text-anchor="{anchor}">{words}</text>')


def draw_axes(axes: Axes) -> List[str]:
    parts = []
    for power in range(axes.low, axes.high + 1):
        y = axes.y(10 ** power)
        parts.append(f'<path class="grid" d="M{LEFT} {y:.1f}'
                     f'H{WIDTH - RIGHT}"/>')
        name = f"{10 ** (power % 3)}{' kMG'[power // 3]}"
        parts.append(text(LEFT - 8, y + 4, name, "quiet", "end"))
    for size in SIZES.values():
        if size == SIZES["fork-4g"]:
            continue  # too close to the next
        name = f"{size // MIB} MiB" if size < 1024 * MIB \
            else f"{size // 1024 // MIB} GiB"
        parts.append(text(axes.x(size), HEIGHT - BOTTOM + 20, name, "quiet",
                          "middle"))
    parts.append(text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 10,
                      "resident memory of the process", "quiet", "middle"))
    return parts


def draw_line(axes: Axes, kind: str, points: List[Tuple[float, float]]
              ) -> List[str]:
    places = [(axes.x(size), axes.y(value)) for size, value in points]
    path = "L".join(f"{x:.1f} {y:.1f}" for x, y in places)
    dots = [f'<circle class="{kind}" cx="{x:.1f}" cy="{y:.1f}" r="4"/>'
            for x, y in places]
    return [f'<path class="line {kind}" d="M{path}"/>'] + dots


def spread(places: List[float], distance: float) -> List[float]:
    """The same places in the same order, none closer than `distance`."""
    order = sorted(range(len(places)), key=lambda i: places[i])
    result = list(places)
    for before, i in zip(order, order[1:]):
        result[i] = max(result[i], result[before] + distance)
    return result


def plot(columns: List[Column]) -> str:
    """Fork latency over resident size, as an SVG document."""
    lines = [(column.title, [(size, column.rows[name].median)
                             for name, size in SIZES.items()
                             if name in column.rows])
             for column in columns]
    lines = [(title, points) for title, points in lines if points]
    axes = Axes([value for _, points in lines for _, value in points])
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" '
             f'viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" '
             f'height="{HEIGHT}" role="img">',
             "<title>Instructions that a fork takes, by the size of the "
             "process</title>", f"<style>{STYLE}</style>",
             text(16, 26, "What fork costs its caller", "title"),
             text(16, 45, "instructions, both scales logarithmic", "quiet")]
    parts += draw_axes(axes)
    ends = spread([axes.y(points[-1][1]) for _, points in lines], 18)
    for (title, points), kind, y in zip(lines, "abc", ends):
        parts += draw_line(axes, kind, points)
        parts.append(text(axes.x(points[-1][0]) + 12, y + 4, title,
                          f"{kind} label"))
    return "\n".join(parts + ["</svg>"]) + "\n"
