# SPDX-License-Identifier: MIT
"""A sentence for each step of a film, for somebody who sees it for the first
time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Dict, List, Tuple

from film_world import frame_of, marks_of

if TYPE_CHECKING:
    from film_model import Film, Step

SPANS = ("4 KiB", "2 MiB", "1 GiB")
MAPS = ("2 MiB", "1 GiB", "512 GiB")  # what a table of this level maps

# What a step is called, and which group of the page's switches it is in.
TITLES: Dict[str, Tuple[str, str]] = {
    "space_created": ("address space made", "fork"),
    "space_forked": ("fork", "fork"),
    "space_freed": ("address space gone", "free"),
    "table_copied": ("table copied", "table"),
    "table_taken_over": ("table taken over", "table"),
    "table_split": ("reservation split", "table"),
    "table_created": ("table made", "table"),
    "table_freed": ("table freed", "free"),
    "page_copied": ("page copied", "page"),
    "page_taken_over": ("page taken over", "page"),
    "page_zeroed": ("page zeroed", "page"),
    "kernel_page_mapped": ("kernel's page mapped", "range"),
    "reserved": ("memory reserved", "range"),
    "protected": ("permissions changed", "range"),
    "discarded": ("pages discarded", "range"),
    "unmapped": ("memory unmapped", "range"),
    "shared_pages_made": ("shared pages made", "range"),
    "shared_pages_mapped": ("shared pages mapped", "range"),
    "process_born": ("process born", "process"),
    "process_executes": ("new program", "process"),
    "process_exits": ("process exits", "process"),
    "memory_left": ("memory left", "process"),
    "process_ended": ("process has ended", "process"),
    "process_gone": ("process gone", "process"),
    "switched": ("switch", "switch"),
    "request_made": ("request made", "message"),
    "request_taken": ("request taken", "message"),
    "request_answered": ("reply", "message"),
    "lease_copied": ("lease copied", "message"),
    "server_died": ("server died", "message"),
    "server_adopted": ("server restarted", "message"),
    "returned": ("entries changed", "range"),
    "let_go": ("begun", "free"),
}


def plural(count: int, word: str) -> str:
    if count == 1:
        return f"1 {word}"
    ends = "ies" if word.endswith("y") else "s"
    return f"{count} {word[:-1] if ends == 'ies' else word}{ends}"


def who(step: "Step") -> str:
    """The words for the process that does the step."""
    if step.server:
        return f"Server {step.pid} ({step.server})"
    return f"Process {step.pid}" if step.pid else "The kernel"


def server(step: "Step") -> str:
    """The words for a server: one of the system has a name."""
    return f"{step.pid} ({step.server})" if step.server else f"{step.pid}"


def listed(words: List[str]) -> str:
    if len(words) < 2:
        return "".join(words)
    return ", ".join(words[:-1]) + " and " + words[-1]


def others(film: "Film", frame: int, pid: int) -> str:
    """The other processes and images that reach a frame."""
    world = film.world
    own = world.get("process", pid, "root")
    roots = world.roots_of(frame) - {own}
    names = [f"process {other}" for other in world.processes_in(roots)
             if other != pid]
    for root in sorted(roots):
        label = str(world.get("root", root, "label") or "")
        if not world.processes_in([root]) and label.startswith("image"):
            names.append(f"the frozen {label}")
    return listed(names)


def before_step(film: "Film", step: "Step") -> None:
    """Finds what can be known only before the step has changed anything."""
    shared = step.values.get("from", 0)
    if step.event in ("page_copied", "table_copied"):
        step.text = others(film, shared, step.pid)


def touch(step: "Step", what: str) -> str:
    """What led to the step: an access, or a call."""
    trap = step.trap
    if trap is None:
        return (f"The kernel goes on with a call of process {step.pid}: "
                f"{what}." if step.pid else
                f"The kernel prepares the first process: {what}.")
    verbs = {12: "executes an instruction in", 13: "reads from",
             15: "writes to"}
    verb = verbs.get(trap.cause)
    if verb is not None:
        return f"{who(step)} {verb} {what}."
    if trap.name() == "clone":
        return ("The parent goes on at once after a fork, and would fault in "
                f"{what}.")
    return f"In its call {trap.name()}, {who(step).lower()} needs {what}."


def page(step: "Step") -> str:
    return f"page {step.address:#x}" if step.address is not None else "a page"


def table(step: "Step") -> str:
    if step.address is None or step.level is None:
        return "a table"
    start = step.address & ~((1 << (12 + 9 * step.level)) - 1)
    return f"the {SPANS[step.level]} from {start:#x} on"


def page_of_access(step: "Step") -> str:
    """The page that is accessed: that of the fault's address, if it is in reach."""
    trap = step.trap
    if trap is not None and trap.cause in (12, 13, 15):
        return f"page {trap.address & ~0xfff:#x}"
    return table(step)


def of_space_created(_film: "Film", _step: "Step") -> str:
    return ("A new address space is made: a root with nothing in it but the "
            "kernel's half.")


def of_space_forked(film: "Film", step: "Step") -> str:
    source = step.values["from"]
    entries = sum(frame_of(bits) > 0 for bits in
                  film.world.entries.get(source, {}).values())
    shared = (f"{plural(entries, 'entry')} of its root, now LAZY in both, "
              f"{'names' if entries == 1 else 'name'} the same "
              f"{'table' if entries == 1 else 'tables'}")
    if step.pid in film.world.processes_in([source]):
        return (f"Process {step.pid} forks. Its child gets a root of its own "
                f"and no page is copied: {shared}.")
    return ("A program starts as a fork of its frozen image. No page is "
            f"copied: {shared}.")


def of_table_copied(_film: "Film", step: "Step") -> str:
    text = touch(step, page_of_access(step))
    sharers = step.text or "others"
    text += (f" The table for {table(step)} is shared with {sharers}, so it "
             "gets a copy of this one table.")
    if step.closed:
        text += (f" {plural(step.closed, 'entry')} had to be closed: pages "
                 "become read-only and COW, tables LAZY.")
    return text


def of_table_taken_over(_film: "Film", step: "Step") -> str:
    return (touch(step, page_of_access(step)) +
            f" Nobody else names the table for {table(step)} any more, so it "
            "keeps that table as it is: only the entry changes.")


def of_table_split(_film: "Film", step: "Step") -> str:
    return (touch(step, page_of_access(step)) +
            f" The reservation of {table(step)} becomes a table of 512 "
            "smaller ones.")


def of_table_created(_film: "Film", step: "Step") -> str:
    return f"A table is made for {table(step)}, where there was nothing."


def of_table_freed(_film: "Film", step: "Step") -> str:
    return ("The last name of this table is gone, so it is freed" +
            (f", with {plural(step.freed - 1, 'page')}."
             if step.freed > 1 else "."))


def of_page_copied(_film: "Film", step: "Step") -> str:
    sharers = step.text or "others"
    return (touch(step, page(step)) +
            f" It shares this page with {sharers}, so it gets a copy.")


def of_page_taken_over(_film: "Film", step: "Step") -> str:
    return (touch(step, page(step)) +
            " Nobody else names this page any more, so it keeps it: the last "
            "owner never copies.")


def of_page_zeroed(_film: "Film", step: "Step") -> str:
    if step.address is None or step.trap is None:
        return f"The kernel makes {page(step)} of the program to be loaded."
    return (touch(step, page(step)) +
            " It was only reserved: now it becomes a page of zeros.")


def of_range(verb: str) -> object:
    def text(_film: "Film", step: "Step") -> str:
        count = step.values.get("count", 0)
        unit = SPANS[step.level or 0]
        freed = (f" {plural(step.freed, 'frame')} freed." if step.freed
                 else "")
        are = verb if count != 1 else verb.replace("are ", "is ", 1).replace(
            "become ", "becomes ", 1)
        return (f"{plural(count, 'entry')} of {unit} from "
                f"{step.address or 0:#x} on {are}.{freed}")
    return text


def of_protected(_film: "Film", step: "Step") -> str:
    bits = step.changes[0][4] if step.changes else 0
    count = step.values["count"]
    return (f"{plural(count, 'entry')} from {step.address or 0:#x} on "
            f"{'gets' if count == 1 else 'get'} new permissions: "
            f"{marks_of(bits) or 'none'}.")


def of_kernel_page_mapped(_film: "Film", step: "Step") -> str:
    return (f"A page of the kernel's own is mapped at {step.address or 0:#x}: "
            "where signal handlers return to.")


def of_process_born(_film: "Film", step: "Step") -> str:
    parent = step.values["parent"]
    if not parent:
        return f"Process {step.values['pid']} is the first one."
    return f"Process {step.values['pid']} is born, a child of {parent}."


def of_process_executes(film: "Film", step: "Step") -> str:
    pid = step.values["pid"]
    name = film.names.get(pid, [(0, "")])[-1][1]
    return (f"{f'Process {pid}' if pid else 'The first process'} becomes another "
            f"program{': ' + name if name else ''}.")


def of_process_exits(_film: "Film", step: "Step") -> str:
    status = step.values["status"]
    how = (f"is killed by signal {status & 0x7f}" if status & 0x7f else
           f"exits with {status >> 8 & 0xff}")
    return f"Process {step.values['pid']} {how}."


def of_memory_left(_film: "Film", step: "Step") -> str:
    return (f"Process {step.values['pid']} leaves its address space, which "
            "is taken apart if nobody else uses it.")


def of_process_ended(_film: "Film", step: "Step") -> str:
    return (f"Nothing is left of process {step.values['pid']} but its exit "
            "status, for its parent.")


def of_process_gone(_film: "Film", step: "Step") -> str:
    return f"Process {step.values['pid']} has been waited for, and is gone."


def of_space_freed(_film: "Film", _step: "Step") -> str:
    return "The address space is gone, and its root is free."


def of_switched(film: "Film", step: "Step") -> str:
    pid = step.values["pid"]
    name = film.names.get(pid, [(0, "")])[-1][1]
    server_name = f" ({name})" if film.is_system(pid) else ""
    return (f"Hart {step.hart} runs process {pid}{server_name}." if pid else
            f"Hart {step.hart} has nothing to run.")


def of_message(words: str) -> object:
    def text(_film: "Film", step: "Step") -> str:
        return words.format(by=server(step), **step.values)
    return text


def of_lease_copied(_film: "Film", step: "Step") -> str:
    way = "to" if step.values["written"] else "from"
    return (f"Server {server(step)} copies "
            f"{plural(step.values['bytes'], 'byte')} {way} the memory that "
            f"its caller has lent, at {step.values['lent']:#x}.")


def of_returned(_film: "Film", step: "Step") -> str:
    return f"{plural(len(step.changes), 'entry')} changed."


def of_let_go(_film: "Film", step: "Step") -> str:
    entries = plural(sum(count for _, _, count, _, _ in step.changes), "entry")
    are = "is" if entries == "1 entry" else "are"
    return (f"{entries} {are} changed, and another hart goes on from there, "
            f"before hart {step.hart} comes to the end of what it does.")


SENTENCES = {
    "space_created": of_space_created,
    "space_forked": of_space_forked,
    "space_freed": of_space_freed,
    "table_copied": of_table_copied,
    "table_taken_over": of_table_taken_over,
    "table_split": of_table_split,
    "table_created": of_table_created,
    "table_freed": of_table_freed,
    "page_copied": of_page_copied,
    "page_taken_over": of_page_taken_over,
    "page_zeroed": of_page_zeroed,
    "kernel_page_mapped": of_kernel_page_mapped,
    "reserved": of_range("are reserved: promised, and not there yet"),
    "protected": of_protected,
    "discarded": of_range("become reservations again"),
    "unmapped": of_range("are emptied"),
    "shared_pages_made": of_range("become shared memory, built aside"),
    "shared_pages_mapped": of_range("are moved to where they belong"),
    "process_born": of_process_born,
    "process_executes": of_process_executes,
    "process_exits": of_process_exits,
    "memory_left": of_memory_left,
    "process_ended": of_process_ended,
    "process_gone": of_process_gone,
    "switched": of_switched,
    "request_made": of_message("Process {pid} asks a server: its call "
                               "becomes request {request}."),
    "request_taken": of_message("Server {by} takes request {request} of "
                                "process {client}."),
    "request_answered": of_message("Server {by} answers request {request} of "
                                   "process {client}."),
    "server_died": of_message("Server {by} ends with a request of process "
                              "{client} in its hand. Another server will "
                              "find it first in the queue."),
    "server_adopted": of_message("Server {by} serves on in the place of "
                                 "{before}: the request that {before} had in "
                                 "its hand is in its own now."),
    "lease_copied": of_lease_copied,
    "returned": of_returned,
    "let_go": of_let_go,
}


def of_step(film: "Film", step: "Step") -> str:
    return SENTENCES[step.event](film, step)  # type: ignore[operator]
