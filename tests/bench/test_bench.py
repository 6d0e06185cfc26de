#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Tests of what tools/bench.py makes of its figures: is every loss noticed?

The rows are made up; no machine is booted.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Optional
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))

import bench  # noqa: E402
import bench_hidden  # noqa: E402
import bench_report  # noqa: E402
from bench_hidden import Hidden  # noqa: E402
from bench_report import Column, Row, Rows  # noqa: E402
from tap import run_tests  # noqa: E402


def rows(*found: Row) -> Rows:
    return {row.name: row for row in found}


def cost(value: float, right: bool = True) -> Row:
    return Row("fork", value, value, "instr", right)


def rate(value: float) -> Row:
    return Row("server", value, value, "forks/s")


def judged(row: Row, recorded: Row) -> str:
    """`ok` or `not ok`."""
    line = bench_report.gate(rows(row), rows(recorded))[1]
    return line.split(" 1 ")[0]


def expect(found: object, wanted: object) -> Optional[str]:
    return None if found == wanted else f"found {found!r}, not {wanted!r}"


def rows_are_told_from_other_output() -> Optional[str]:
    if bench_report.parse_row("Calf: 1 hart") is not None:
        return "took a line of the kernel for a row"
    return expect(bench_report.parse_row("a\t1.5\t2\tinstr\tok\r\n"),
                  Row("a", 1.5, 2.0, "instr"))


def wrong_contents_are_kept_with_the_row() -> Optional[str]:
    row = bench_report.parse_row("a\t1\t2\tinstr\tFAILED")
    return expect(row is not None and row.right, False)


def loss_within_two_per_cent_passes() -> Optional[str]:
    return expect(judged(cost(1019), cost(1000)), "ok")


def loss_above_two_per_cent_fails() -> Optional[str]:
    return expect(judged(cost(1021), cost(1000)), "not ok")


def another_compiler_may_lose_more() -> Optional[str]:
    lines = bench_report.gate(rows(cost(1200)), rows(cost(1000)), 0.25)
    if not lines[1].startswith("ok"):
        return lines[1]
    lines = bench_report.gate(rows(cost(1251)), rows(cost(1000)), 0.25)
    return expect(lines[1].split(" 1 ")[0], "not ok")


def each_compiler_has_a_record_of_its_own() -> Optional[str]:
    with tempfile.TemporaryDirectory() as folder:
        kept, bench.DOCS = bench.DOCS, Path(folder)
        bench_report.write_record(Path(folder) / "calf.tsv",
                                  ["Calf", "compiled by gcc 12.2.0"], {})
        names = [bench.compilers_record(compiler).name for compiler in
                 ("gcc 12.5.1", "gcc 1.2", "gcc 14.2.0", "clang 12.2.0")]
        bench.DOCS = kept
    return expect(names, ["calf.tsv", "calf-gcc-1.tsv", "calf-gcc-14.tsv",
                          "calf-clang-12.tsv"])


def gain_passes() -> Optional[str]:
    return expect(judged(cost(500), cost(1000)), "ok")


def fewer_operations_a_second_fail() -> Optional[str]:
    return expect(judged(rate(900), rate(1000)), "not ok")


def more_operations_a_second_pass() -> Optional[str]:
    return expect(judged(rate(1100), rate(1000)), "ok")


def wrong_contents_fail_however_fast() -> Optional[str]:
    return expect(judged(cost(1, right=False), cost(1000)), "not ok")


def row_that_was_not_measured_is_skipped() -> Optional[str]:
    line = bench_report.gate({}, rows(cost(1)))[1]
    return expect(line, "ok 1 - fork # skip not measured")


def plan_counts_recorded_rows() -> Optional[str]:
    lines = bench_report.gate(rows(cost(1)), rows(cost(1), rate(1)))
    return expect(lines[0], "1..2")


def record_is_read_as_it_was_written() -> Optional[str]:
    kept = rows(cost(123456789), rate(10.5))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "some.tsv"
        bench_report.write_record(path, ["Calf, today"], kept)
        return expect(bench_report.read_record(path),
                      (["Calf, today"], kept))


def missing_figures_are_dashes() -> Optional[str]:
    lines = bench_report.table(["fork"], Column("Calf", rows(cost(5))),
                               [Column("Linux", {})])
    return expect(lines[1], ["fork", "5", "-", "-", "instr"])


def ratio_says_how_many_times_better() -> Optional[str]:
    ratios = (bench_report.show_ratio(cost(10), cost(250)),
              bench_report.show_ratio(rate(250), rate(10)),
              bench_report.show_ratio(cost(20), cost(10)))
    return expect(ratios, ("25", "25", "0.5"))


def plot_is_well_formed_and_has_a_line_for_each_kernel() -> Optional[str]:
    columns = [Column(title, rows(Row("fork-1m", 1e3, 1e3 * n, "instr"),
                                  Row("fork-8g", 1e4, 1e6 * n, "instr")))
               for n, title in enumerate(("Calf", "Linux"), 1)]
    root = ElementTree.fromstring(bench_report.plot(columns))
    lines = [path for path in root.iter("{http://www.w3.org/2000/svg}path")
             if path.get("class", "").startswith("line")]
    return expect(len(lines), 2)


STRETCHES = ["30\t70\t9\t1\t2\t1\t9\t4", "31\t171\t50\t2\t3\t1\t8\t5",
             "row", "1\t1\t0\t0\t0\t0\t1\t1", "row", "row"]


def a_row_gets_the_figures_of_its_best_stretch() -> Optional[str]:
    found = bench_hidden.choose(rows(cost(201)),
                                bench_hidden.parse(STRETCHES[:3]))
    return expect(found, {"fork": Hidden(31, 171, 50, 2, 3, 1, 8, 5)})


def a_row_without_a_stretch_of_its_own_gets_none() -> Optional[str]:
    found = bench_hidden.choose(rows(cost(150)),
                                bench_hidden.parse(STRETCHES))
    return expect(found, {})


def rows_printed_together_share_stretches() -> Optional[str]:
    three = [Row(name, low, low, "instr") for name, low in
             (("a", 100), ("b", 2), ("c", 2))]
    found = bench_hidden.choose(rows(*three), bench_hidden.parse(STRETCHES))
    return expect(sorted(found), ["a", "b", "c"])


def hidden_figures_are_read_as_they_were_written() -> Optional[str]:
    kept = {"fork": Hidden(1, 2, 3, 4, 5, 6, 7, 8)}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "hidden.tsv"
        bench_hidden.write_record(path, "Calf, today", kept)
        return expect(bench_hidden.read_record(path), kept)


TESTS = [
    rows_are_told_from_other_output,
    wrong_contents_are_kept_with_the_row,
    loss_within_two_per_cent_passes,
    loss_above_two_per_cent_fails,
    another_compiler_may_lose_more,
    each_compiler_has_a_record_of_its_own,
    gain_passes,
    fewer_operations_a_second_fail,
    more_operations_a_second_pass,
    wrong_contents_fail_however_fast,
    row_that_was_not_measured_is_skipped,
    plan_counts_recorded_rows,
    record_is_read_as_it_was_written,
    missing_figures_are_dashes,
    ratio_says_how_many_times_better,
    plot_is_well_formed_and_has_a_line_for_each_kernel,
    a_row_gets_the_figures_of_its_best_stretch,
    a_row_without_a_stretch_of_its_own_gets_none,
    rows_printed_together_share_stretches,
    hidden_figures_are_read_as_they_were_written,
]

if __name__ == "__main__":
    sys.exit(run_tests(TESTS))
