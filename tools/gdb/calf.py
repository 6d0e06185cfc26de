# SPDX-License-Identifier: MIT
"""gdb commands for Calf: processes, translations, frames, faults.

    calf-ps             the processes
    calf-walk VA [PID]  a translation, level by level
    calf-frame PA       what is known of a frame of memory
    calf-fault [PID]    run to the next page fault, and show it
    calf-back           run to the user's instruction

They read what the kernel knows and change nothing.  calf-fault leaves the
address in $fault_va, calf-walk what it is translated to in $walk_pa.

What these commands know of the kernel themselves is in the table below; the
bits of an entry and the layout are read from its headers, its structures from
the debugging information.
"""

import contextlib
import re
from pathlib import Path

import gdb  # pylint: disable=import-error

ROOT = Path(__file__).resolve().parent.parent.parent

HEADERS = ("include/lib/types.h", "include/arch/page.h",
           "include/arch/layout.h", "include/arch/sv39.h")
# Called as f(as, va, access) for every page fault, and for nothing else.
FAULT = "aspace_fault"
# Where the ways back to user mode begin; each ends with the next sret.
RETURNS = ("trap_return", "trapframe_enter")
SRET = 0x10200073

# Members of struct machine: where the registers are of what the kernel uses.
DEVICES = {"uart": "the serial port", "test_device": "the test device",
           "rtc": "the clock"}

S_MODE = 1


def constants():
    """The `#define NAME NUMBER` and `NAME (NUMBER << SHIFT)` of HEADERS."""
    number = r"(0[xX][0-9a-fA-F]+|\d+)[uUlL]*"
    define = re.compile(
        rf"^#define[ \t]+(\w+)[ \t]+(?:{number}|\({number} << (\d+)\))"
        r"[ \t]*(?:/\*.*)?$", re.MULTILINE)
    found = {}
    for header in HEADERS:
        path = ROOT / header
        if path.is_file():
            for name, plain, base, shift in define.findall(path.read_text()):
                found[name] = (int(plain, 0) if plain else
                               int(base, 0) << int(shift))
    return found


C = constants()
PAGE_SHIFT = C.get("PAGE_SHIFT", 12)
INDEX_BITS = C["SV39_INDEX_BITS"]
PPN_BITS = 44
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
    """What a physical address is that has no frame, in a sentence's end."""
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
        bits = read_word(table + C["DIRECT_MAP"] + 8 * index)
        print(f"  level {level} [{index:3}] {bits:016x} {entry_text(bits)}")
        kind = entry_kind(bits)
        if kind in ("PAGE", "HIDDEN"):
            pa = entry_paddr(bits) + (va & ((1 << shift) - 1))
            gdb.set_convenience_variable("walk_pa", pa)
            print(f"  {va:#x} is physical {pa:#x}")
        if kind not in ("TABLE", "LAZY"):
            return
        table = entry_paddr(bits)


def show_walk(proc, va):
    if int(proc["as"]) == 0:
        raise gdb.GdbError(f"{title(proc)} has no memory any more")
    root = int(proc["as"]["top"]) - C["DIRECT_MAP"] & WORD
    print(f"{title(proc)}: {va:#x} from the root at {root:#x}")
    walk(root, va)


# --- Commands ---------------------------------------------------------------


class Command(gdb.Command):
    """A command whose documentation is its usage."""

    def __init__(self, name):
        super().__init__(name, gdb.COMMAND_DATA)

    def invoke(self, argument, from_tty):
        self.dont_repeat()
        words = gdb.string_to_argv(argument)
        try:
            self.run(*[int(gdb.parse_and_eval(word)) for word in words])
        except TypeError as error:
            if "positional argument" not in str(error):
                raise
            raise gdb.GdbError("usage: " + self.__doc__.split(":")[0]) \
                from None
        except gdb.MemoryError as error:
            raise gdb.GdbError(f"{error} (is the kernel up?)") from None
        except gdb.error as error:
            raise gdb.GdbError(str(error)) from None

    def run(self):
        raise NotImplementedError


class Ps(Command):
    """calf-ps: list the processes."""

    def run(self):
        with kernel_view():
            lines = [self.line(proc) for proc in processes()]
        print("    PID   PPID STATE    HART ROOT         NAME")
        for line in lines:
            print(line)

    @staticmethod
    def line(proc):
        parent = proc["parent"]
        ppid = 0 if int(parent) == 0 else int(parent["pid"])
        root = "-"
        if int(proc["as"]) != 0:
            root = f"{int(proc['as']['top']) - C['DIRECT_MAP'] & WORD:#x}"
        thread = proc["t"]
        state = enum_name(thread["state"], "PROC_").lower()
        hart = thread["tf"]["hart"]
        index = "-" if int(hart) == 0 else int(hart - symbol("harts")[0].address)
        return (f"{int(proc['pid']):7}{ppid:7} {state:8} "
                f"{index:>4} {root:12} {proc['name'].string()}")


class Walk(Command):
    """calf-walk VA [PID]: print a translation, level by level.

    Without PID, of the process that this hart runs."""

    def run(self, va, pid=None):
        with kernel_view():
            proc = this_process() if pid is None else process_of(pid)
            show_walk(proc, va & WORD)


class Frame(Command):
    """calf-frame PA: what is known of a frame of memory.

    An address in the kernel's half means the memory behind it."""

    def run(self, pa):
        pa &= WORD
        if pa >= C["DIRECT_MAP"]:
            pa -= C["DIRECT_MAP"]
        with kernel_view():
            frame = frame_at(pa)
            if frame is None:
                raise gdb.GdbError(f"{pa:#x} is {place(pa)}")
            states = gdb.lookup_type("enum frame_state")
            state = enum_name(frame["state"].cast(states), "FRAME_")
            text = f"{pa >> PAGE_SHIFT << PAGE_SHIFT:#x} {state} " \
                f"count {int(frame['refs'])}"
            if state == "TABLE":
                text += f" entries {int(frame['used'])}"
            print(text)


def run_to(addresses, thread=None):
    """Run until one of some addresses; False if something else happened."""
    stops = [gdb.Breakpoint(f"*{address:#x}", internal=True)
             for address in addresses]
    for stop in stops:
        stop.silent = True
        stop.thread = thread
    try:
        gdb.execute("continue", to_string=True)
    finally:
        for stop in stops:
            if stop.is_valid():
                stop.delete()
    return (int(gdb.parse_and_eval("$pc")) & WORD) in addresses


def address_of(name):
    return int(gdb.parse_and_eval(f"(unsigned long)&{name}")) & WORD


class Fault(Command):
    """calf-fault [PID]: run to the next page fault, and show it."""

    def run(self, pid=None):
        while True:
            if not run_to([address_of(FAULT)]):
                raise gdb.GdbError("stopped before a page fault")
            proc = this_process()
            if pid is None or int(proc["pid"]) == pid:
                break
        va = int(gdb.parse_and_eval("$a1")) & WORD
        kind = gdb.parse_and_eval("$a2").cast(gdb.lookup_type("enum access"))
        pc = int(proc["t"]["tf"]["pc"])
        gdb.set_convenience_variable("fault_va", va)
        print(f"{title(proc)}: {enum_name(kind, 'ACCESS_').lower()} at "
              f"{va:#x} by the instruction at {pc:#x}")
        show_walk(proc, va)


class Back(Command):
    """calf-back: run to the user's instruction."""

    def run(self):
        if int(gdb.parse_and_eval("$priv")) == 0:
            raise gdb.GdbError("this hart is in user mode")
        thread = gdb.selected_thread().global_num
        if not run_to([self.sret(name) for name in RETURNS], thread):
            raise gdb.GdbError("stopped before user mode")
        gdb.execute("stepi", to_string=True)
        pc = int(gdb.parse_and_eval("$pc")) & WORD
        with kernel_view():
            print(f"{title(this_process())}: user mode at {pc:#x}")
        try:
            gdb.execute("x/i $pc")
        except gdb.MemoryError:
            print("  not mapped: it will fault")

    @staticmethod
    def sret(name):
        """The address of the first sret after a symbol."""
        start = address_of(name)
        with kernel_view():
            for address in range(start, start + 512, 2):
                if read_word(address, 4) == SRET:
                    return address
        raise gdb.GdbError(f"no sret after {name}")


Ps("calf-ps")
Walk("calf-walk")
Frame("calf-frame")
Fault("calf-fault")
Back("calf-back")
