"""A flow in several processes: a Bytewax cluster on loopback."""

from __future__ import annotations

import errno
import fcntl
import os
import signal
import socket
import sys
import threading
import time
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from multiprocessing import connection, get_context
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from pathlib import Path
from random import SystemRandom
from typing import Protocol

from dataflow.logs import log_to_stderr
from dataflow.stopping import Stop
from state.errors import StopProgram

# Threads share one interpreter lock, so more cores need more processes; forking one with threads is not safe.
CONTEXT = get_context("spawn")

LISTENERS_SECS = 10.0

# Below those that systems give to outgoing connections.
PORTS = range(10_000, 32_000)
TCP_LISTEN = "0A"  # the state's code in /proc/net/tcp

# Others may take a port between finding it free and listening on it; nothing has been read by then.
ATTEMPTS = 5
PORT_TAKEN = errno.EADDRINUSE
"""The exit code of a process that could not listen on its address."""

CAUSE_SECS = 5.0
"""How long the others of a member that ended without a word may take to end, and to say why, by themselves."""


class Job(Protocol):
    """What each process runs; it is pickled to get there."""

    def __call__(self, stop: Stop, addresses: list[str], index: int) -> None:
        """Run the flow as process `index` of those at `addresses`, until it ends or `stop` asks for it."""
        ...


def run_cluster(job: Job, processes: int, folder: Path | None, stop: Stop) -> None:
    """Run `job` in `processes` processes; a failure of one stops all and is told to `stop`.

    In `folder` are locks, by which the processes of a cluster wait for those of one that was killed before.
    """
    for _ in range(ATTEMPTS):
        if not _is_port_taken(_run_once(job, _free_addresses(processes), folder, stop)) or stop.requested:
            return
    stop.fail(f"the cluster found no port on loopback in {ATTEMPTS} attempts that others did not take meanwhile")


def _is_port_taken(members: list[SpawnProcess]) -> bool:
    return any(member.exitcode == PORT_TAKEN for member in members)


def _run_once(job: Job, addresses: list[str], folder: Path | None, stop: Stop) -> list[SpawnProcess]:
    """Run `job` in a process for each of `addresses`; the processes, which have ended."""
    members: list[SpawnProcess] = []
    failures: list[Connection] = []
    with ExitStack() as ties:
        for index in range(len(addresses)):
            watched, tie = CONTEXT.Pipe(duplex=False)
            ties.callback(tie.close)
            failure, report = CONTEXT.Pipe(duplex=False)
            member = Member(index, addresses, folder, watched, report)
            process = CONTEXT.Process(target=run_member, args=(job, member), daemon=True)
            _start(process)
            watched.close()
            report.close()
            members.append(process)
            failures.append(failure)
        _watch(members, failures, stop)
    return members


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
            if not (stop.requested or _is_port_taken(members)):
                _await_cause(members)
            if not (stop.requested or _is_port_taken(members)):  # else it was stopped before it listened to signals
                first = min(broken, key=lambda index: members[index].exitcode or 0)  # killed, rather than by panic
                stop.fail(f"process {first} ended with exit code {members[first].exitcode}")
            _end(members)
        elif stop.requested and not stopping:
            stopping = True
            for member in members:
                _send(member, signal.SIGTERM)


def _await_cause(members: list[SpawnProcess]) -> None:
    """Give others a moment to end by themselves: who ended first may have lost the one that has the reason."""
    deadline = time.monotonic() + CAUSE_SECS
    while time.monotonic() < deadline and any(member.is_alive() for member in members):
        connection.wait([member.sentinel for member in members if member.is_alive()], deadline - time.monotonic())
        if _is_port_taken(members):
            return


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
    """So many addresses that nobody listens on, and that the system gives nobody by itself meanwhile."""
    addresses: list[str] = []
    with ExitStack() as sockets:
        for port in SystemRandom().sample(PORTS, len(PORTS)):
            if len(addresses) == count:
                break
            with suppress(OSError):
                sockets.enter_context(socket.socket()).bind(("127.0.0.1", port))
                addresses.append(f"127.0.0.1:{port}")
    return addresses


@dataclass(frozen=True)
class Member:
    """What one process of a cluster is given: its place, and its ties to the process that started it."""

    index: int
    addresses: list[str]
    folder: Path | None
    parent: Connection
    """Closed when the parent is gone."""
    failures: Connection
    """Takes the reason when this process cannot go on."""


def run_member(job: Job, member: Member) -> None:
    """Run one process of a cluster: the target of a spawned process."""
    _die_with(member.parent)
    if member.folder is not None:
        lock = (member.folder / f"process-{member.index}.lock").open("w")
        fcntl.flock(lock, fcntl.LOCK_EX)  # held by a predecessor until it is really gone
    stop = Stop(on_failure=member.failures.send)
    try:
        log_to_stderr()
        with stop.on_signals():
            _await_listeners(member.addresses[: member.index])
            job(stop, member.addresses, member.index)
    except Exception as error:  # noqa: BLE001  # the parent tells the user
        if stop.failure is None and _says_port_is_taken(error):
            sys.exit(PORT_TAKEN)
        if stop.failure is None:
            reason = str(error) if isinstance(error, StopProgram) else innermost(error)
            member.failures.send(f"process {member.index} failed: {reason}")
        sys.exit(1)
    except BaseException:  # noqa: BLE001  # Bytewax panics when another process is gone, which the parent sees too
        sys.exit(1)


def _await_listeners(addresses: list[str]) -> None:
    """Wait until those whom this process will connect to listen: Bytewax writes a line for every refused attempt."""
    table = Path("/proc/net/tcp")
    ports = {int(address.rpartition(":")[2]) for address in addresses}
    deadline = time.monotonic() + LISTENERS_SECS
    while table.exists() and time.monotonic() < deadline:
        sockets = [line.split() for line in table.read_text().splitlines()[1:]]
        if ports <= {int(columns[1].rpartition(":")[2], 16) for columns in sockets if columns[3] == TCP_LISTEN}:
            return
        time.sleep(0.02)


def _says_port_is_taken(error: BaseException) -> bool:
    """Whether Bytewax could not begin to listen: it says so in words only."""
    reason = innermost(error)
    return "failed to initialize networking" in reason and os.strerror(errno.EADDRINUSE) in reason


def innermost(error: BaseException) -> str:
    """What went wrong at the bottom of a chain of errors, in one line."""
    while error.__cause__ is not None:
        error = error.__cause__
    return " ".join(f"{type(error).__name__}: {error}".split())


def _die_with(parent: Connection) -> None:
    """End this process at once when its parent is gone: nobody would collect its results."""

    def watch() -> None:
        try:
            parent.recv_bytes()
        except (EOFError, OSError):
            os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
