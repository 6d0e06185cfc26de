# SPDX-License-Identifier: MIT
"""Tests of what is made of records, which are made up here."""

from __future__ import annotations

from typing import Callable, List, Optional, Tuple

import film
import film_records
import film_world
from film_model import Film
from film_records import Place, Record


def place_of(event: str, names: str = "") -> Place:
    split = [name.rpartition(":") for name in names.split()]
    return Place(event, tuple((name, kind) for kind, _, name in split),
                 "a.c", "f", 1)


def a_count_that_is_wrong_is_noticed() -> Optional[str]:
    made = Film()
    made.feed(Record(1, 0, place_of("space_created"), {"root": 0x80000},
                     {0x80000: 2}))
    return None if len(made.wrong) == 1 else f"{made.wrong}"


def each_process_is_called_by_its_own_name_on_several_harts() -> Optional[str]:
    """Between what one hart records of it, another one has a step."""
    made = Film()
    executes = place_of("process_executes")
    made.feed(Record(1, 0, executes, {"pid": 6, "root": 0}))
    made.feed(Record(2, 1, executes, {"pid": 7, "root": 0}))
    for pid, name in ((6, "cat"), (7, "cow")):
        made.feed(Record(3, pid - 6, place_of("process_named"), {"pid": pid},
                         text=name))
    texts = [step.text for step in made.steps]
    wanted = [f"Process {pid} becomes another program: {name}."
              for pid, name in ((6, "cat"), (7, "cow"))]
    return None if texts == wanted else f"{texts}"


def the_last_store_to_an_entry_counts() -> Optional[str]:
    """Also if the hart that made an earlier one ends its step later."""
    made = Film()
    slot = film_records.DIRECT_MAP + 0x80001000
    for hart, bits in ((0, 0x11), (1, 0x22)):
        made.feed(Record(1, hart, place_of("entry"),
                         {"slot": slot, "bits": bits}))
    for hart in (1, 0):
        made.feed(Record(2, hart, place_of("table_freed")))
    bits = made.world.entry(0x80001, 0)
    return None if bits == 0x22 else f"{bits:#x}"


def stores(made: Film, hart: int, *entries: Tuple[int, int, int]) -> None:
    """Feeds stores: table, index, and the frame that is named from then on."""
    for table, index, frame in entries:
        made.feed(Record(1, hart, place_of("entry"), {
            "slot": film_records.DIRECT_MAP + (table << 12) + index * 8,
            "bits": frame << 10 | film_world.FLAGS["V"] if frame else 0}))


def a_frame_is_let_go_before_another_hart_names_it() -> Optional[str]:
    """Also if what it was let go for is recorded later, and is told as it is."""
    made, again = Film(), 0x80007
    stores(made, 0, (0x80001, 0, again), (0x80001, 1, 0x80008))
    made.feed(Record(1, 0, place_of("table_copied")))
    stores(made, 0, (0x80001, 0, 0))
    stores(made, 1, (0x80002, 5, again))
    made.feed(Record(2, 1, place_of("page_zeroed"), {"page": again},
                     {again: 1}))
    stores(made, 0, (0x80001, 1, 0))
    made.feed(Record(3, 0, place_of("table_freed")))
    seen = [(step.event, step.hart, step.freed) for step in made.steps[1:]]
    wanted = [("let_go", 0, 1), ("page_zeroed", 1, 0), ("table_freed", 0, 1)]
    return made.wrong[0] if made.wrong else (
        None if seen == wanted else f"{seen}")


def a_frame_that_has_another_name_is_not_let_go() -> Optional[str]:
    """Then a hart that names it takes nothing that was free."""
    made, shared = Film(), 0x80007
    stores(made, 0, (0x80001, 0, shared), (0x80002, 0, shared))
    made.feed(Record(1, 0, place_of("table_copied")))
    stores(made, 0, (0x80001, 0, 0))
    stores(made, 1, (0x80003, 0, shared))
    made.feed(Record(2, 1, place_of("table_copied")))
    made.feed(Record(3, 0, place_of("table_freed")))
    seen = [step.event for step in made.steps]
    return (None if seen == ["table_copied", "table_copied", "table_freed"]
            else f"{seen}")


def what_a_difference_means_is_said() -> Optional[str]:
    made = Film()
    if film.differences(made, 4):
        return "where there is none"
    made.wrong = [f"step {n}" for n in range(13)]
    alone, several = (film.differences(made, smp) for smp in (1, 4))
    if len(alone) != 11 or alone[-1].strip() != "and 3 more":
        return f"{alone}"
    return (None if several[:-1] == alone and "several harts" in several[-1]
            else f"{several}")


def a_fork_counts_only_what_it_shares() -> Optional[str]:
    """Memory that is only reserved is named by nobody."""
    made = Film()
    table, flags = 0x80001 << 10, film_world.FLAGS
    made.feed(Record(1, 0, place_of("space_created"), {"root": 0x80000}))
    for index, bits in ((0, table | flags["LAZY"]), (1, flags["RESERVED"])):
        made.world.put((0x80000, index, 1, 0, bits))
    made.feed(Record(2, 0, place_of("space_forked"),
                     {"from": 0x80000, "to": 0x80002}))
    text = made.steps[-1].text
    return None if " 1 entry of its root" in text else text


TESTS: List[Callable[[], Optional[str]]] = [
    a_count_that_is_wrong_is_noticed,
    each_process_is_called_by_its_own_name_on_several_harts,
    the_last_store_to_an_entry_counts,
    a_frame_is_let_go_before_another_hart_names_it,
    a_frame_that_has_another_name_is_not_let_go,
    what_a_difference_means_is_said,
    a_fork_counts_only_what_it_shares,
]
