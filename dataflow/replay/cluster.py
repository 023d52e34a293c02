"""A replay in several processes: a Bytewax cluster on loopback."""

from __future__ import annotations

import signal
import socket
from collections.abc import MutableSequence
from contextlib import ExitStack
from multiprocessing import connection, get_context
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess

from dataflow.replay.plan import Plan
from dataflow.replay.process import Member, run_member
from dataflow.replay.progress import SLOTS_PER_PROCESS
from dataflow.stopping import Stop

# Threads share one interpreter lock, so more cores need more processes; forking one with threads is not safe.
CONTEXT = get_context("spawn")


def shared_slots(processes: int) -> MutableSequence[float]:
    """Memory for `Progress` that spawned processes share."""
    slots: MutableSequence[float] = CONTEXT.Array("d", processes * SLOTS_PER_PROCESS, lock=False)
    return slots


def run_cluster(plan: Plan, stop: Stop, slots: MutableSequence[float]) -> None:
    """Run the replay in `plan.processes` processes; a failure of one stops all and is told to `stop`."""
    addresses = _free_addresses(plan.processes)
    members: list[SpawnProcess] = []
    failures: list[Connection] = []
    with ExitStack() as ties:
        for index in range(plan.processes):
            watched, tie = CONTEXT.Pipe(duplex=False)
            ties.callback(tie.close)
            failure, report = CONTEXT.Pipe(duplex=False)
            member = Member(index, addresses, slots, watched, report)
            process = CONTEXT.Process(target=run_member, args=(plan, member), daemon=True)
            _start(process)
            watched.close()
            report.close()
            members.append(process)
            failures.append(failure)
        _watch(members, failures, stop)


def _watch(members: list[SpawnProcess], failures: list[Connection], stop: Stop) -> None:
    """Wait until all have ended; pass on requests to stop and the first failure."""
    open_failures = list(failures)
    stopping = False
    while any(member.is_alive() for member in members):
        ready = connection.wait([*open_failures, *(member.sentinel for member in members if member.is_alive())], 0.1)
        for failure in [end for end in open_failures if end in ready]:
            try:
                stop.fail(failure.recv())
            except EOFError:
                open_failures.remove(failure)
        broken = [index for index, member in enumerate(members) if member.exitcode]
        if broken:
            if not stop.requested:  # else it was stopped before it could listen to signals
                first = min(broken, key=lambda index: members[index].exitcode or 0)  # killed, rather than by panic
                stop.fail(f"process {first} ended with exit code {members[first].exitcode}")
            _end(members)
        elif stop.requested and not stopping:
            stopping = True
            for member in members:
                _send(member, signal.SIGTERM)


def _start(process: SpawnProcess) -> None:
    """Start a process that ignores SIGINT until it handles it: what a terminal sends goes to all processes."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        process.start()
    finally:
        signal.signal(signal.SIGINT, before)


def _end(members: list[SpawnProcess]) -> None:
    """A cluster that has lost a member cannot go on: the last snapshots are what counts."""
    for member in members:
        _send(member, signal.SIGKILL)
        member.join()


def _send(member: SpawnProcess, number: signal.Signals) -> None:
    if member.is_alive():
        member.terminate() if number == signal.SIGTERM else member.kill()


def _free_addresses(count: int) -> list[str]:
    with ExitStack() as sockets:
        bound = [sockets.enter_context(socket.socket()) for _ in range(count)]
        for one in bound:
            one.bind(("127.0.0.1", 0))
        return [f"127.0.0.1:{one.getsockname()[1]}" for one in bound]
