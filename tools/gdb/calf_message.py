# SPDX-License-Identifier: MIT
"""calf-message: the requests that are under way."""

import gdb  # pylint: disable=import-error

from calf_kernel import Command, constants, kernel_view, processes, title

CALLS = {number: name[len("SYS_"):] for name, number in
         constants(["include/abi/syscall.h"]).items()
         if name.startswith("SYS_")}
NOTES = {number: name[len("REQUEST_"):].lower() for name, number in
         constants(["include/abi/port.h"]).items()
         if name in ("REQUEST_CLOSED", "REQUEST_INTERRUPT")}


def remote_of(file):
    """The struct remote of a file of a port."""
    kind = gdb.lookup_type("struct remote").pointer()
    return file["object"].cast(kind).dereference()


def call_of(proc):
    """The request that a process makes, or None."""
    call = proc["t"]["call"]
    kept = int(gdb.parse_and_eval("(int)KEPT_REMOTE"))
    return call["remote"] if int(call["kept"]) == kept else None


def call_text(call):
    number = int(call["number"])
    return CALLS.get(number, f"call {number}")


def lease_text(lease):
    """What the call lends: bytes that the server may read, or write."""
    if int(lease["len"]) == 0:
        return "lends nothing"
    may = {1: "to be read", 2: "to be written"}.get(int(lease["may"]),
                                                   "to be read and written")
    return f"lends {int(lease['len'])} bytes at {int(lease['at']):#x} {may}"


def state_text(proc, call):
    """The server that has the request in hand, or what the request waits for."""
    if int(call["server"]) != 0:
        return f"in the hand of {title(call['server'].dereference())}"
    state = str(proc["t"]["state"])
    if state != "PROC_BLOCKED":
        return "about to be asked again"
    if int(call["events"]) != 0:
        return f"waits for one of the events {int(call['events']):#x}"
    if bool(remote_of(call["file"])["is_in_hand"]):
        return "waits behind another call on its file"
    return "waits for a server"


def request_line(proc, call):
    remote = remote_of(call["file"])
    port = remote["port"].dereference()
    return (f"request {int(call['id'])}: {call_text(call)} of {title(proc)}, "
            f"at port {int(port['serial'])}, file {int(remote['token']):#x}, "
            f"{lease_text(call['lease'])}: {state_text(proc, call)}")


def hand_text(proc):
    """The request or note that a server has in hand."""
    thread = proc["t"]
    if int(thread["client"]) != 0:
        client = thread["client"].dereference()
        call = call_of(client)
        what = "a call" if call is None else \
            f"request {int(call['id'])}"
        return f"{what} of {title(client)}"
    if int(thread["note"]) != 0:
        note = thread["note"].dereference()
        number = int(note["number"])
        return (f"a note ({NOTES.get(number, number)}) of file "
                f"{int(note['token']):#x}")
    return "nothing"


class Message(Command):
    """calf-message: the requests: who waits for whom, and in whose hand."""

    def run(self):
        with kernel_view():
            procs = list(processes())
            asked = [request_line(proc, call_of(proc)) for proc in procs
                     if call_of(proc) is not None]
            serving = [f"{title(proc)} serves level "
                       f"{int(proc['t']['serves']) - 1}, in its hand: "
                       f"{hand_text(proc)}"
                       for proc in procs if int(proc["t"]["serves"]) > 0]
        for line in asked or ["no request is under way"]:
            print(line)
        for line in serving:
            print(line)
