# SPDX-License-Identifier: MIT
"""calf-last-write: back to the store that changed a word of memory."""

import gdb  # pylint: disable=import-error

from calf_kernel import (C, INDEX_BITS, PAGE_SHIFT, WORD, Command, entry_kind,
                         entry_paddr, entry_text, enum_name, frame_at,
                         kernel_is_up, kernel_view, place, read_word, run_on,
                         this_hart, this_process, title)


def physical(va):
    """The physical address for an address of a process; None if nothing is mapped."""
    table = int(this_process()["as"]["top"]) - C["DIRECT_MAP"] & WORD
    for level in range(C["SV39_ROOT_LEVEL"], -1, -1):
        shift = PAGE_SHIFT + INDEX_BITS * level
        index = va >> shift & ((1 << INDEX_BITS) - 1)
        bits = read_word(table + C["DIRECT_MAP"] + 8 * index)
        if entry_kind(bits) in ("PAGE", "HIDDEN"):
            return entry_paddr(bits) + (va & ((1 << shift) - 1))
        if entry_kind(bits) not in ("TABLE", "LAZY"):
            return None
        table = entry_paddr(bits)
    return None


def has_memory():
    """Does the hart run a process that has an address space?"""
    proc = this_hart()["proc"]
    return int(proc) != 0 and int(proc["as"]) != 0


def memory_at(address):
    """The kernel's address of the word that an address is in."""
    address &= WORD
    if address >= C["DIRECT_MAP"]:
        pa = address - C["DIRECT_MAP"]
    elif frame_at(address) is not None:
        pa = address
        other = physical(address) if has_memory() else None
        if other is not None:
            kernels = [f"{each + C['DIRECT_MAP']:#x}" for each in (pa, other)]
            raise gdb.GdbError(
                f"{address:#x} is both physical and of "
                f"{title(this_process())}: say {' or '.join(kernels)}")
    else:
        pa = physical(address)
        if pa is None:
            raise gdb.GdbError(f"{title(this_process())} has nothing at "
                               f"{address:#x}")
    if frame_at(pa) is None and address < C["DIRECT_MAP"]:
        raise gdb.GdbError(f"{pa:#x} is {place(pa)}")
    return (pa & ~7) + C["DIRECT_MAP"]


def is_entry(slot):
    """Is the word one of a page table?"""
    frame = frame_at(slot - C["DIRECT_MAP"])
    if frame is None:
        return False
    kind = gdb.lookup_type("enum frame_state")
    return enum_name(frame["state"].cast(kind), "FRAME_") == "TABLE"


def word_text(word, entry):
    text = f"{word:016x}"
    return f"{text} {entry_text(word)}" if entry else text


def functions():
    """The functions that the hart is in, the innermost first, with their places."""
    frame = gdb.newest_frame()
    while frame is not None and frame.is_valid():
        name = frame.name()
        if name is None:
            return
        where = frame.find_sal()
        line = f" ({where.symtab.filename}:{where.line})" \
            if where.symtab is not None else ""
        yield name + line
        frame = frame.older()


def runs():
    """The process that runs here; before there is any, the hart."""
    hart = this_hart()
    if int(hart["proc"]) == 0:
        return "the kernel"
    return title(hart["proc"].dereference())


class LastWrite(Command):
    """calf-last-write ADDRESS: run back to the store that changed a word.

    ADDRESS is the kernel's, a physical one of memory, or one of the process
    that this hart runs.  It ends before the store."""

    def run(self, address):
        with kernel_view():
            at = memory_at(address)
            after = read_word(at)
            entry = is_entry(at)
            watch = gdb.Breakpoint(f"*(unsigned long *){at:#x}",
                                   type=gdb.BP_WATCHPOINT,
                                   wp_class=gdb.WP_WRITE, internal=True)
        watch.silent = True
        try:
            found = run_on([watch], back=True)
        finally:
            if watch.is_valid():
                watch.delete()
        with kernel_view():
            if not found or not kernel_is_up():
                raise gdb.GdbError(f"nothing has changed {at:#x} since the "
                                   "kernel began")
            pc = int(gdb.parse_and_eval("$pc")) & WORD
            print(f"{runs()}: the instruction at {pc:#x} changes {at:#x}")
            print(f"  from {word_text(read_word(at), entry)}")
            print(f"  to   {word_text(after, entry)}")
            for line in functions():
                print(f"  in {line}")
