"""The parts of a live process, and how each of them is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from dataflow.config.health import configuration_part, store_parts
from dataflow.config.source import ConfigSource
from dataflow.finding import Finding, Part
from dataflow.lease.instance import Instance
from dataflow.live import counts
from dataflow.live.history import HistoryDesk
from dataflow.live.progress import Progress
from dataflow.live.recovery_age import keeps_snapshots, recovery_part
from dataflow.live.settings import Settings
from dataflow.live.status import Status
from dataflow.nats.connection import Connection
from dataflow.nats.health import nats_part
from dataflow.nats.klines import NatsKlines
from dataflow.nats.publisher import Publisher
from dataflow.rest.forwarder import RestForwarder
from dataflow.rest.health import rest_part
from dataflow.watching import watch_store


@dataclass(frozen=True)
class Rooms:
    """What a live process is made of, as far as it can be asked how it is."""

    status: Status
    progress: Progress
    connection: Connection
    klines: NatsKlines
    publisher: Publisher
    desk: HistoryDesk
    config: ConfigSource
    rest: RestForwarder | None
    instance: Instance | None

    def readiness(self) -> dict[str, Any]:
        """Whether this process does its work.

        Ready is who has NATS, which gives klines and takes signals, and has started every key, with history or, while
        it is away, cold; REST does not count.
        """
        trouble = self.status.history_trouble
        nats = {
            "connected": self.connection.connected,
            "gives_klines": self.klines.reads,
            "takes_messages": not self.publisher.holding,
        }
        found = {
            "ready": all(nats.values()) and not self.status.starting,
            "nats": {**nats, "trouble": self.connection.trouble},
            "history": {"reachable": trouble is None, "trouble": trouble},
            "configuration": {"known": self.config.here.is_known, "trouble": self.config.looks.trouble},
            "keys": self.status.keys(),
        }
        if self.instance is not None:
            found["lease"] = self.instance.health()
        if self.rest is not None:
            found["rest"] = {"takes_signals": not (self.rest.away or self.rest.refused)}
        return found


def parts_of(rooms: Rooms, settings: Settings) -> dict[str, Part]:
    """All that `/health` tells of, by name."""
    parts = {
        "flow": _flow_part(rooms.progress),
        "bars": _bars_part(rooms.status),
        "nats": nats_part(rooms.connection, rooms.klines, rooms.publisher, rooms.progress.look),
        "history": _history_part(rooms.desk),
        "configuration": configuration_part(rooms.config),
        **store_parts(rooms.config.looks.stores),
    }
    if rooms.instance is not None:
        parts["lease"] = _lease_part(rooms.instance)
    counts.READY.set_function(lambda: float(rooms.readiness()["ready"]))
    if rooms.rest is not None:
        parts["rest"] = rest_part(rooms.rest)
    if settings.recovery_dir is not None and keeps_snapshots(settings.recovery_dir):
        parts["recovery"] = recovery_part(settings.recovery_dir, settings.snapshot_seconds)
    return parts


def _flow_part(progress: Progress) -> Part:
    return Part(lambda: Finding(progress.trouble, vital=True))


def _bars_part(status: Status) -> Part:
    def probe() -> Finding:
        groups = status.groups()
        troubles = [group.trouble for group in groups.values() if group.trouble]
        details = {"groups": {name: group.as_dict() for name, group in groups.items()}}
        return Finding("; ".join(troubles) or None, details=details)

    return Part(probe)


def _lease_part(instance: Instance) -> Part:
    """Whether this instance is the active one: standing by is as well as being active, while somebody is."""

    def probe() -> Finding:
        details = instance.health()
        return Finding(None if details["holder"] else "nobody holds it", details=details)

    return Part(probe)


def _history_part(desk: HistoryDesk) -> Part:
    """History: without it keys go on, colder than they should be."""
    watch = watch_store("history", desk.store.check)
    return Part(lambda: Finding(watch.trouble or desk.status.history_trouble), watch)
