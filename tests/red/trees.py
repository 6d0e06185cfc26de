#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Device trees that are wrong, or unusual, made from QEMU's own.

    tests/red/trees.py FOLDER [QEMU]

writes FOLDER/NAME.dtb for each function of RIGHT and WRONG, which changes the
tree of a virt machine with two harts and 128 MiB, and FOLDER/list with a line
for each: its name, and what the panic says.  tests/host/tree.c reads them all,
and tests/boots.txt boots some.
"""

from __future__ import annotations

import struct
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Dict, List, Tuple

BEGIN, END, PROP, NOP, LAST = 1, 2, 3, 4, 9
HEADER = struct.Struct(">10I")
MIB = 1 << 20
RAM = 0x80000000


@dataclass
class Node:
    name: str = ""
    props: Dict[str, bytes] = field(default_factory=dict)
    children: List["Node"] = field(default_factory=list)

    def child(self, prefix: str) -> "Node":
        return next(c for c in self.children if c.name.startswith(prefix))


def text_at(blob: bytes, at: int) -> str:
    return blob[at:blob.index(b"\0", at)].decode()


def unflatten(blob: bytes) -> Node:
    """The root of a tree that is known to be right."""
    words = HEADER.unpack_from(blob)
    at, strings = words[2], words[3]
    above = [Node()]
    while True:
        token, = struct.unpack_from(">I", blob, at)
        at += 4
        if token == BEGIN:
            node = Node(text_at(blob, at))
            at += (len(node.name) + 4) & ~3
            above[-1].children.append(node)
            above.append(node)
        elif token == PROP:
            size, name = struct.unpack_from(">2I", blob, at)
            at += 8
            above[-1].props[text_at(blob, strings + name)] = \
                blob[at:at + size]
            at += (size + 3) & ~3
        elif token == END:
            above.pop()
        elif token == LAST:
            return above[0].children[0]


def padded(data: bytes) -> bytes:
    return data + b"\0" * (-len(data) % 4)


def flatten(root: Node) -> bytes:
    """Names come first, so that reading on behind the last node is seen."""
    strings = bytearray()
    offsets: Dict[str, int] = {}

    def words(node: Node) -> bytes:
        out = struct.pack(">I", BEGIN) + padded(node.name.encode() + b"\0")
        for name, value in node.props.items():
            if name not in offsets:
                offsets[name] = len(strings)
                strings.extend(name.encode() + b"\0")
            out += struct.pack(">3I", PROP, len(value), offsets[name])
            out += padded(value)
        out += b"".join(map(words, node.children))
        return out + struct.pack(">I", END)

    structure = words(root) + struct.pack(">I", LAST)
    reserved = HEADER.size
    start = reserved + 16
    names = padded(bytes(strings))
    end = start + len(names) + len(structure)
    return HEADER.pack(0xd00dfeed, end, start + len(names), start, reserved,
                       17, 16, 0, len(strings), len(structure)) + \
        b"\0" * 16 + names + structure


def cells(*values: int) -> bytes:
    """Numbers of two cells each."""
    return b"".join(struct.pack(">Q", value) for value in values)


def memory(root: Node, *regions: Tuple[int, int]) -> None:
    """Memory in one node for each start and size."""
    root.children.remove(root.child("memory@"))
    for start, size in regions:
        root.children.append(Node(f"memory@{start:x}", {
            "device_type": b"memory\0", "reg": cells(start, size)}))


def reserve(root: Node, start: int, size: int) -> None:
    node = Node("reserved-memory", {
        "#address-cells": number(2), "#size-cells": number(2), "ranges": b""})
    node.children.append(Node(f"some@{start:x}", {"reg": cells(start, size)}))
    root.children.append(node)


def number(value: int) -> bytes:
    return struct.pack(">I", value)


def archive_at(root: Node, start: int, end: int) -> None:
    root.child("chosen").props.update({
        "linux,initrd-start": cells(start), "linux,initrd-end": cells(end)})


def harts(root: Node, count: int) -> None:
    """More harts than the two that there are."""
    cpus = root.child("cpus")
    like = {**cpus.child("cpu@0").props}
    del like["phandle"]
    for i in range(2, count):
        cpus.children.append(Node(f"cpu@{i:x}", {**like, "reg": number(i)}))


# --- What is right, if unusual ------------------------------------------------


def plain(root: Node) -> None:
    """QEMU's own tree: if it fails, no change of a tree is the reason."""


def border(root: Node) -> None:
    """Two regions meet in the kernel's text."""
    memory(root, (RAM, 2 * MIB + 0x8000),
           (RAM + 2 * MIB + 0x8000, 126 * MIB - 0x8000))


def last_page(root: Node) -> None:
    reserve(root, 0xfffffffffffff000, 0xfff)


def archive(root: Node) -> None:
    """A place that an archive can have."""
    archive_at(root, RAM + 16 * MIB, RAM + 17 * MIB)


def three_harts(root: Node) -> None:
    harts(root, 3)


def six_harts(root: Node) -> None:
    harts(root, 6)


def uart(root: Node) -> Node:
    return root.child("soc").child("serial@")


def plic(root: Node) -> Node:
    return root.child("soc").child("plic@")


def parent_above(root: Node) -> None:
    """The UART's interrupt controller is named in the node above it."""
    soc = root.child("soc")
    soc.props["interrupt-parent"] = uart(root).props.pop("interrupt-parent")


def no_plic(root: Node) -> None:
    root.child("soc").children.remove(plic(root))


def no_context(root: Node) -> None:
    """The interrupt controller only interrupts M-mode."""
    pairs = plic(root).props["interrupts-extended"]
    plic(root).props["interrupts-extended"] = pairs[:8] + pairs[16:24]


def no_interrupt(root: Node) -> None:
    del uart(root).props["interrupts"]


def firmware_console(root: Node) -> None:
    """A UART that the firmware can drive and the kernel cannot."""
    uart(root).props["compatible"] = b"ns16550\0"


RIGHT = [plain, border, last_page, archive, three_harts, six_harts,
         parent_above, no_plic, no_context, no_interrupt, firmware_console]


# --- What is wrong: the message is the docstring -------------------------------


def hole(root: Node) -> None:
    """the kernel at 80200000-"""
    memory(root, (RAM, 2 * MIB + 0x8000),
           (RAM + 2 * MIB + 0x10000, 126 * MIB - 0x10000))


def overlapping(root: Node) -> None:
    """node /memory@80800000: 80800000-"""
    memory(root, (RAM, 128 * MIB), (RAM + 8 * MIB, 120 * MIB))


def repeated(root: Node) -> None:
    """node /memory@80000000: 80000000-"""
    memory(root, (RAM, 128 * MIB), (RAM, 128 * MIB))


def no_memory(root: Node) -> None:
    """expected memory in the device tree"""
    memory(root, (RAM, 0))


def tree_outside(root: Node) -> None:
    """device tree: the tree at 8"""
    memory(root, (RAM, 12 * MIB))


def many_regions(root: Node) -> None:
    """more than 16 regions of memory"""
    memory(root, *((RAM + 4 * i * MIB, 3 * MIB) for i in range(20)))


def odd_reg(root: Node) -> None:
    """node /memory@80000000: reg has 12 bytes, not a multiple of 16"""
    node = root.child("memory@")
    node.props["reg"] = node.props["reg"][:-4]


def wide_address(root: Node) -> None:
    """node /memory@80000000: its address has 3 cells"""
    root.props["#address-cells"] = number(3)


def odd_number(root: Node) -> None:
    """node /: #address-cells is no number"""
    root.props["#address-cells"] = b"\0\2"


def beyond_end(root: Node) -> None:
    """some@fffffffffffff000: 1001 bytes at fffffffffffff000 go beyond"""
    reserve(root, 0xfffffffffffff000, 0x1001)


def many_reserved(root: Node) -> None:
    """more than 16 regions are reserved"""
    for i in range(20):
        reserve(root, RAM + 8 * MIB + 0x2000 * i, 0x1000)


def archive_outside(root: Node) -> None:
    """node /chosen: the archive at 87f00000-88100000 is outside of memory"""
    archive_at(root, RAM + 127 * MIB, RAM + 129 * MIB)


def archive_on_kernel(root: Node) -> None:
    """node /chosen: the archive at 80201000-80202000 is on the kernel"""
    archive_at(root, RAM + 2 * MIB + 0x1000, RAM + 2 * MIB + 0x2000)


def archive_backwards(root: Node) -> None:
    """node /chosen: the archive ends before it begins"""
    archive_at(root, RAM + 17 * MIB, RAM + 16 * MIB)


def endless_arguments(root: Node) -> None:
    """node /chosen: bootargs is no string"""
    root.child("chosen").props["bootargs"] = b"ktest"


def timebase_zero(root: Node) -> None:
    """node /cpus: timebase-frequency cannot be 0"""
    root.child("cpus").props["timebase-frequency"] = number(0)


def timebase_fast(root: Node) -> None:
    """node /cpus: timebase-frequency cannot be 100000000000"""
    root.child("cpus").props["timebase-frequency"] = cells(10 ** 11)


def no_timebase(root: Node) -> None:
    """expected timebase-frequency"""
    del root.child("cpus").props["timebase-frequency"]


def same_hart(root: Node) -> None:
    """node /cpus/cpu@1: another hart has the number 0"""
    root.child("cpus").child("cpu@1").props["reg"] = number(0)


def small_hart(root: Node) -> None:
    """node /cpus/cpu@1: expected rv64imafdc, found rv64imac_zicsr"""
    root.child("cpus").child("cpu@1").props["riscv,isa"] = b"rv64imac_zicsr\0"


def clock_in_memory(root: Node) -> None:
    """its registers at 81000000 are in memory"""
    root.child("soc").child("rtc@").props["reg"] = \
        cells(RAM + 16 * MIB, 0x1000)


def clock_across_pages(root: Node) -> None:
    """there can be no registers at 101ffc"""
    root.child("soc").child("rtc@").props["reg"] = cells(0x101ffc, 0x1000)


def wide_registers(root: Node) -> None:
    """reg-shift cannot be 5"""
    for node in root.child("soc").children:
        if b"ns16550a" in node.props.get("compatible", b""):
            node.props["reg-shift"] = number(5)


def odd_interrupts(root: Node) -> None:
    """interrupts has 3 bytes, not a multiple of 4"""
    uart(root).props["interrupts"] = b"\0\0\n"


def interrupt_zero(root: Node) -> None:
    """it has no interrupt 0"""
    uart(root).props["interrupts"] = number(0)


def interrupt_beyond(root: Node) -> None:
    """it has no interrupt 97"""
    uart(root).props["interrupts"] = number(97)


def interrupt_huge(root: Node) -> None:
    """it has no interrupt 4294967295"""
    uart(root).props["interrupts"] = number(0xffffffff)
    del plic(root).props["riscv,ndev"]


def small_plic(root: Node) -> None:
    """/plic@c000000: its registers do not reach to 201008"""
    plic(root).props["reg"] = cells(0xc000000, 0x201000)


def plic_in_memory(root: Node) -> None:
    """its registers at 81002080 are in memory"""
    plic(root).props["reg"] = cells(RAM + 16 * MIB, 0x600000)


def plic_far(root: Node) -> None:
    """there can be no registers at 4000002080"""
    plic(root).props["reg"] = cells(256 << 30, 0x600000)


def odd_contexts(root: Node) -> None:
    """interrupts-extended has 33 bytes"""
    plic(root).props["interrupts-extended"] += b"\0"


WRONG = [hole, overlapping, repeated, no_memory, tree_outside, many_regions,
         odd_reg, wide_address, odd_number, beyond_end, many_reserved,
         archive_outside, archive_on_kernel, archive_backwards,
         endless_arguments, timebase_zero, timebase_fast, no_timebase,
         same_hart, small_hart, clock_in_memory, clock_across_pages,
         wide_registers, odd_interrupts, interrupt_zero, interrupt_beyond,
         interrupt_huge, small_plic, plic_in_memory, plic_far, odd_contexts]


def main() -> None:
    folder = Path(sys.argv[1])
    qemu = sys.argv[2] if len(sys.argv) > 2 else "qemu-system-riscv64"
    folder.mkdir(parents=True, exist_ok=True)
    given = folder / "given.dtb"
    subprocess.run([qemu, "-machine", f"virt,dumpdtb={given}", "-smp", "2",
                    "-m", "128M", "-display", "none"], check=True,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    lines = []
    for change in RIGHT + WRONG:
        root = unflatten(given.read_bytes())
        change(root)
        name = change.__name__.replace("_", "-")
        (folder / f"{name}.dtb").write_bytes(flatten(root))
        wrong = change.__doc__ if change in WRONG else ""
        lines.append(f"{name}\t{wrong}\n")
    (folder / "list").write_text("".join(lines))


if __name__ == "__main__":
    main()
