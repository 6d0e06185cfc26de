# SPDX-License-Identifier: MIT
"""calf-who: every entry that names a frame."""

import gdb  # pylint: disable=import-error

from calf_kernel import (C, INDEX_BITS, PAGE_SHIFT, WORD, Command, container,
                         entry_kind, entry_paddr, entry_text, frame_at,
                         kernel_view, place, processes, symbol, title)

ENTRIES = 1 << INDEX_BITS
USER_ENTRIES = C["SV39_USER_ROOT_ENTRIES"]
MOST_SPACES = 4  # how many owners are named in one line


def spaces():
    """The roots of all known address spaces, each once, and whose it is."""
    titles = {}
    for proc in processes():
        if int(proc["as"]) != 0:
            titles.setdefault(root_of(proc["as"]), []).append(title(proc))
    for root, runners in titles.items():
        # After a vfork they are two, until the child has a space of its own.
        shared = ", in one space" if len(runners) > 1 else ""
        yield root, " and ".join(runners) + shared
    images = symbol("images")
    link = images["next"]
    while int(link) not in (0, int(images.address)):
        image = container(link, "struct image", "link")
        if int(image["as"]) != 0:
            yield root_of(image["as"]), "a frozen image"
        link = link["next"]


def root_of(aspace):
    return int(aspace["top"]) - C["DIRECT_MAP"] & WORD


class Search:
    """A search for the entries that name a frame; each table is read once."""

    def __init__(self, pa):
        self.pa = pa
        self.found = {}  # by table: (slot, level, bits, offset in it)

    def below(self, table, level, count=ENTRIES):
        """The entries in a table, or under it."""
        if table in self.found:
            return self.found[table]
        self.found[table] = []
        start = table + C["DIRECT_MAP"] & WORD
        data = bytes(gdb.selected_inferior().read_memory(start, 8 * count))
        hits = []
        for index in range(count):
            bits = int.from_bytes(data[8 * index:8 * index + 8], "little")
            kind = entry_kind(bits)
            if kind in ("EMPTY", "RESERVED"):
                continue
            at = index << PAGE_SHIFT + INDEX_BITS * level
            if entry_paddr(bits) == self.pa:
                hits.append((start + 8 * index, level, bits, at))
            if kind in ("TABLE", "LAZY") and level > 0:
                hits += [(slot, lower, word, at + offset)
                         for slot, lower, word, offset in
                         self.below(entry_paddr(bits), level - 1)]
        self.found[table] = hits
        return hits


class Who(Command):
    """calf-who FRAME: every entry of every process that names a frame.

    FRAME is a physical address; one in the kernel's half means the memory
    behind it."""

    def run(self, pa):
        pa &= WORD
        if pa >= C["DIRECT_MAP"]:
            pa -= C["DIRECT_MAP"]
        pa = pa >> PAGE_SHIFT << PAGE_SHIFT
        with kernel_view():
            frame = frame_at(pa)
            if frame is None:
                raise gdb.GdbError(f"{pa:#x} is {place(pa)}")
            count = int(frame["refs"])
            self.show(pa, count)

    @staticmethod
    def show(pa, count):
        search = Search(pa)
        lines = {}  # by slot: what the entry is, and whose
        roots = []
        for root, owner in spaces():
            if root == pa:
                roots.append(owner)
            for slot, level, bits, va in search.below(
                    root, C["SV39_ROOT_LEVEL"], USER_ENTRIES):
                entry, owners = lines.setdefault(slot, (
                    f"  {slot:#x} level {level} {entry_text(bits)}", []))
                owners.append(f"{va:#x} of {owner}")
        print(f"{pa:#x} has a count of {count}")
        for entry, owners in lines.values():
            print(entry)
            for owner in owners[:MOST_SPACES]:
                print(f"    {owner}")
            if len(owners) > MOST_SPACES:
                print(f"    and {len(owners) - MOST_SPACES} more")
        for owner in roots:
            print(f"  it is the root of {owner}")
        rest = count - len(lines) - len(roots)
        if rest > 0:
            print(f"  {rest} of the count: the kernel itself, or what it is "
                  "about to map or to free")
