# SPDX-License-Identifier: MIT
"""Calf as gdb sees it: what its commands know of the kernel, and read of it.

The table below has what the commands themselves know of the kernel. They read
the bits of an entry and the layout from the kernel's headers, and its
structures from the debugging information.
"""

import contextlib
import re
from pathlib import Path

import gdb  # pylint: disable=import-error

ROOT = Path(__file__).resolve().parent.parent.parent

HEADERS = ("include/lib/types.h", "include/arch/page.h",
           "include/arch/layout.h", "include/arch/sv39.h")
# Members of struct machine: the addresses of registers that the kernel uses.
DEVICES = {"uart": "the serial port", "test_device": "the test device",
           "rtc": "the clock"}

S_MODE = 1


def constants(headers):
    """The `#define NAME NUMBER` and `NAME (NUMBER << SHIFT)` of headers."""
    number = r"(0[xX][0-9a-fA-F]+|\d+)[uUlL]*"
    define = re.compile(
        rf"^#define[ \t]+(\w+)[ \t]+(?:{number}|\({number} << (\d+)\))"
        r"[ \t]*(?:/\*.*)?$", re.MULTILINE)
    found = {}
    for header in headers:
        path = ROOT / header
        if path.is_file():
            for name, plain, base, shift in define.findall(path.read_text()):
                found[name] = (int(plain, 0) if plain else
                               int(base, 0) << int(shift))
    return found


C = constants(HEADERS)
PAGE_SHIFT = C.get("PAGE_SHIFT", 12)
INDEX_BITS = C["SV39_INDEX_BITS"]
PPN_BITS = 44
SV39_BITS = 39
WORD = (1 << 64) - 1


# --- Reading the kernel -----------------------------------------------------


@contextlib.contextmanager
def kernel_view():
    """See memory as the kernel does, whatever mode the hart is in."""
    mode = int(gdb.parse_and_eval("$priv"))
    if mode != S_MODE:
        gdb.execute(f"set $priv = {S_MODE}", to_string=True)
    try:
        yield
    finally:
        if mode != S_MODE:
            gdb.execute(f"set $priv = {mode}", to_string=True)


def symbol(name):
    found = gdb.lookup_global_symbol(name) or gdb.lookup_static_symbol(name)
    if found is None:
        raise gdb.GdbError(f"this kernel has no {name}")
    return found.value()


def read_word(address, size=8):
    data = gdb.selected_inferior().read_memory(address & WORD, size)
    return int.from_bytes(bytes(data), "little")


def container(link, kind, member):
    """The structure that a list's link is part of."""
    outer = gdb.lookup_type(kind)
    offset = next(field.bitpos // 8 for field in outer.fields()
                  if field.name == member)
    address = (int(link) & WORD) - offset
    return gdb.Value(address).cast(outer.pointer()).dereference()


def processes():
    """Every process, in the order of creation."""
    head = symbol("proc_all")
    link = head["next"]
    if int(link) == 0:
        raise gdb.GdbError("there are no processes yet")
    while link != head.address:
        yield container(link, "struct proc", "all")
        link = link["next"]


def process_of(pid):
    for proc in processes():
        if int(proc["pid"]) == pid:
            return proc
    raise gdb.GdbError(f"no process {pid}")


def is_process(pid):
    """Is there a process of that number now?"""
    try:
        with kernel_view():
            process_of(pid)
    except (gdb.GdbError, gdb.MemoryError):  # also before the kernel is up
        return False
    return True


def this_hart():
    """The structure of the hart that is the selected thread."""
    thread = gdb.selected_thread()
    if thread is None:
        raise gdb.GdbError("nothing is running")
    harts = symbol("harts")
    for index in range(int(symbol("hart_count"))):
        if int(harts[index]["hartid"]) == thread.num - 1:
            return harts[index]
    raise gdb.GdbError("this hart does not run the kernel yet")


def kernel_is_up():
    """Is the kernel's memory mapped? At the beginning of the run it is not."""
    try:
        with kernel_view():
            this_hart()
    except gdb.MemoryError:
        return False
    except gdb.GdbError:
        pass
    return True


def this_process():
    proc = this_hart()["proc"]
    if int(proc) == 0:
        raise gdb.GdbError("this hart runs no process")
    return proc.dereference()


def title(proc):
    return f"pid {int(proc['pid'])} {proc['name'].string()}"


def enum_name(value, prefix):
    return str(value).replace(prefix, "", 1)


# --- Entries and frames -----------------------------------------------------


def entry_paddr(bits):
    ppn = bits >> C["PTE_PPN_SHIFT"] & ((1 << PPN_BITS) - 1)
    return ppn << PAGE_SHIFT


def entry_perms(bits):
    return "".join(letter if bits & C["PTE_" + letter.upper()] else "-"
                   for letter in "rwx")


def entry_kind(bits):
    """The kind of an entry; include/arch/sv39.h says what each means."""
    perms = C["PTE_R"] | C["PTE_W"] | C["PTE_X"]
    if bits & C["PTE_V"]:
        return "PAGE" if bits & perms else "TABLE"
    for kind in ("RESERVED", "LAZY", "HIDDEN"):
        if bits & C[f"PTE_{kind}"]:
            return kind
    return "EMPTY"


def frame_at(pa):
    """The struct frame of a physical address, or None."""
    index = (pa - int(symbol("frame_base"))) >> PAGE_SHIFT
    if 0 <= index < int(symbol("frame_count")):
        return symbol("frames")[index]
    return None


def place(pa):
    """What is at a physical address without a frame, as it stands behind `is`."""
    machine = symbol("machine")
    for field, device in DEVICES.items():
        registers = int(machine[field])
        if registers != 0 and registers >> PAGE_SHIFT == pa >> PAGE_SHIFT:
            return f"in the page of {device}: a device, and so has no frame"
    return "not in memory, and so has no frame"


def entry_text(bits):
    """What an entry says, and the count of what it names."""
    kind = entry_kind(bits)
    if kind == "EMPTY":
        return kind
    words = [kind]
    if kind in ("PAGE", "RESERVED"):
        words.append(entry_perms(bits))
        words.append("user" if bits & C["PTE_U"] else "kernel")
    if kind in ("PAGE", "HIDDEN"):
        words += [flag for flag in ("COW", "SHARED")
                  if bits & C[f"PTE_{flag}"]]
    if kind != "RESERVED":
        pa = entry_paddr(bits)
        frame = frame_at(pa)
        count = "no frame" if frame is None else f"count {int(frame['refs'])}"
        words += [f"{pa:#x}", count]
    return " ".join(words)


def walk(root, va):
    """Print the translation of `va` from the table at `root` on."""
    table = root
    for level in range(C["SV39_ROOT_LEVEL"], -1, -1):
        shift = PAGE_SHIFT + INDEX_BITS * level
        index = va >> shift & ((1 << INDEX_BITS) - 1)
        slot = table + C["DIRECT_MAP"] + 8 * index
        bits = read_word(slot)
        for name in ("walk_entry", f"walk_entry{level}"):
            gdb.set_convenience_variable(name, slot)
        print(f"  level {level} [{index:3}] {bits:016x} {entry_text(bits)}")
        kind = entry_kind(bits)
        if kind in ("PAGE", "HIDDEN"):
            pa = entry_paddr(bits) + (va & ((1 << shift) - 1))
            gdb.set_convenience_variable("walk_pa", pa)
            print(f"  {va:#x} is physical {pa:#x}")
        if kind not in ("TABLE", "LAZY"):
            return
        table = entry_paddr(bits)


def check_address(va):
    """Sv39 has 39 bits; the others are as the highest of them."""
    top = va >> SV39_BITS - 1
    if top not in (0, WORD >> SV39_BITS - 1):
        raise gdb.GdbError(f"{va:#x} is no address of Sv39: it faults")


def show_walk(proc, va):
    check_address(va)
    if int(proc["as"]) == 0:
        raise gdb.GdbError(f"{title(proc)} has no memory any more")
    root = int(proc["as"]["top"]) - C["DIRECT_MAP"] & WORD
    print(f"{title(proc)}: {va:#x} from the root at {root:#x}")
    walk(root, va)


# --- Commands, and where they run to -----------------------------------------


class Command(gdb.Command):
    """A command whose documentation is its usage."""

    def __init__(self, name):
        super().__init__(name, gdb.COMMAND_DATA)

    def invoke(self, argument, from_tty):
        self.dont_repeat()
        words = gdb.string_to_argv(argument)
        how = {}
        if words[:1] == ["-r"] and "[-r]" in self.__doc__:
            how = {"back": True}
            words = words[1:]
        try:
            self.run(*[int(gdb.parse_and_eval(word)) for word in words], **how)
        except TypeError as error:
            if "positional argument" not in str(error):
                raise
            raise gdb.GdbError("usage: " + self.__doc__.split(":")[0]) \
                from None
        except gdb.MemoryError as error:
            if kernel_is_up():
                raise gdb.GdbError(str(error)) from None
            raise gdb.GdbError("the kernel's memory is not mapped yet: it is "
                               "early in the boot") from None
        except gdb.error as error:
            raise gdb.GdbError(str(error)) from None

    def run(self):
        raise NotImplementedError


def go(command):
    """Lets the machine run by a command of gdb, such as continue.  Returns the
    numbers of the breakpoints at which it stopped: none if it ended otherwise."""
    hits = []

    def note(stop):
        if isinstance(stop, gdb.BreakpointEvent):
            hits.extend(point.number for point in stop.breakpoints)

    gdb.events.stop.connect(note)
    try:
        gdb.execute(command, to_string=True)
    except gdb.error as error:
        if "does not support this command" not in str(error):
            raise
        raise gdb.GdbError("this machine does not go back in time; that of "
                           "make replay does") from None
    finally:
        gdb.events.stop.disconnect(note)
    return hits


def run_on(stops, back=False):
    """Continues, or goes back, to one of the breakpoints; False: none was reached."""
    numbers = [stop.number for stop in stops]
    hits = go("reverse-continue" if back else "continue")
    if hits and not set(hits) & set(numbers):
        raise gdb.GdbError(f"stopped at your breakpoint {hits[0]} on the way; "
                           "once more goes on from here")
    return bool(hits)


def run_to(addresses, thread=None, back=False):
    """Run until one of some addresses; False if something else happened."""
    stops = [gdb.Breakpoint(f"*{address:#x}", internal=True)
             for address in addresses]
    for stop in stops:
        stop.silent = True
        stop.thread = thread
    try:
        run_on(stops, back)
    finally:
        for stop in stops:
            if stop.is_valid():
                stop.delete()
    return (int(gdb.parse_and_eval("$pc")) & WORD) in addresses


def address_of(name):
    return int(gdb.parse_and_eval(f"(unsigned long)&{name}")) & WORD
