# SPDX-License-Identifier: MIT
"""gdb commands for Calf: processes, translations, frames, faults, requests.

    calf-ps                 the processes
    calf-walk VA [PID]      a translation, level by level
    calf-frame PA           what is known of a frame of memory
    calf-who FRAME          every entry that names a frame
    calf-message            the requests: who waits for whom
    calf-fault [-r] [PID]   run to the next page fault, and show it
    calf-back [-r]          run to the user's instruction
    calf-last-write ADDRESS run back to the store that changed it

They read what the kernel knows and change nothing.  calf-fault leaves the
address in $fault_va, calf-walk what it is translated to in $walk_pa, and where
the entries are: in $walk_entry the last, in $walk_entry2, 1 and 0 that of each
level.  What goes back, and so -r, needs a machine that can: make replay.
"""

import sys
from pathlib import Path

import gdb  # pylint: disable=import-error

sys.path.insert(0, str(Path(__file__).resolve().parent))

# pylint: disable=wrong-import-position
from calf_kernel import (C, WORD, Command, address_of, enum_name,  # noqa: E402
                         frame_at, go, is_process, kernel_view, place,
                         process_of, processes, read_word, run_to, show_walk,
                         symbol, this_process, title, PAGE_SHIFT)
from calf_message import Message  # noqa: E402
from calf_who import Who  # noqa: E402
from calf_write import LastWrite  # noqa: E402

# Called as f(as, va, access) for every page fault, and for nothing else.
FAULT = "aspace_fault"
# Where a hart enters the kernel.
ENTRY = "trap_vector"
# Where the ways back to user mode begin; each ends with the next sret.
RETURNS = ("trap_return", "trapframe_enter")
SRET = 0x10200073


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
        ppid = int(proc["parent"]["pid"])
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


class Fault(Command):
    """calf-fault [-r] [PID]: run to the next page fault, and show it.

    With -r, back to the last one."""

    def run(self, pid=None, back=False):
        # One that has ended, or has not begun, may be found on the way.
        exists = pid is None or is_process(pid)
        if not exists:
            print(f"there is no process {pid} now; looking for one "
                  + ("before this" if back else "that begins later"))
            gdb.flush()
        while True:
            if not run_to([address_of(FAULT)], back=back):
                raise gdb.GdbError(self.nothing(pid, exists, back))
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

    @staticmethod
    def nothing(pid, exists, back):
        """What to say if no page fault was found."""
        if pid is None:
            whose = ""
        else:
            whose = f" of process {pid}" if exists else " of one"
        none = "there is " if exists else f"there is no process {pid}, and "
        if back:
            return f"{none}no page fault{whose} before this"
        first = "" if exists else f"there is no process {pid}: "
        return f"{first}stopped before a page fault{whose}"


class Back(Command):
    """calf-back [-r]: run to the user's instruction.

    With -r, back to the one with which this hart entered the kernel."""

    def run(self, back=False):
        thread = gdb.selected_thread().global_num
        if back:
            self.before(thread)
        else:
            self.after(thread)
        pc = int(gdb.parse_and_eval("$pc")) & WORD
        with kernel_view():
            print(f"{title(this_process())}: user mode at {pc:#x}")
        try:
            gdb.execute("x/i $pc")
        except gdb.MemoryError:
            print("  not mapped: it will fault")

    def after(self, thread):
        if int(gdb.parse_and_eval("$priv")) == 0:
            raise gdb.GdbError("this hart is in user mode")
        if not run_to([self.sret(name) for name in RETURNS], thread):
            raise gdb.GdbError("stopped before user mode")
        gdb.execute("stepi", to_string=True)

    @staticmethod
    def before(thread):
        while True:
            if not run_to([address_of(ENTRY)], thread, back=True):
                raise gdb.GdbError("this hart was not in user mode before")
            go("reverse-stepi")
            if int(gdb.parse_and_eval("$priv")) == 0:
                return

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
Who("calf-who")
Message("calf-message")
LastWrite("calf-last-write")
