"""What a bot has published, held against what it must have."""

from __future__ import annotations

from collections.abc import Iterable

from dataflow.nats.streams import ALERTS, DEAD_LETTERS, FENCED, FENCES, LATE, SIGNALS
from tests.live.market import KeyedBar, id_of, is_alert, place_of
from tests.nats_server import PATIENCE_SECS, Peer, Stored, wait_until

ID = "Nats-Msg-Id"


class Outputs:
    """Listens to what a bot publishes from now on, as plain subscribers do, and reads what streams hold."""

    def __init__(self, peer: Peer) -> None:
        self.peer = peer
        self.trading = peer.listen("signals.trading")
        self.alerts = peer.listen("signals.alerts")
        self.late = peer.listen("signals.late")

    def count(self) -> int:
        """How many signals and alerts are stored, 0 before the streams are there."""
        streams = set(FENCED).intersection(self.peer.streams())
        return sum(self.peer.stream(name).state.messages - self.peer.count(name, f"{FENCES}>") for name in streams)

    def wait_for(self, count: int, patience_secs: float = PATIENCE_SECS) -> None:
        """Wait until so many are stored."""
        wait_until(lambda: self.count() >= count, f"{count} signals", patience_secs)

    def check(self, expected: dict[str, bytes], *, of: Iterable[KeyedBar] | None = None, heard: bool = True) -> None:
        """Each of `expected` must have been published, once, and nothing else; and `heard` by plain subscribers.

        With `of`, only signals of these bars are looked at.
        """
        places = None if of is None else {one.place for one in of}
        signals = {name: line for name, line in expected.items() if not is_alert(line)}
        alerts = {name: expected[name] for name in expected.keys() - signals}
        for stream, listened, wanted in ((SIGNALS, self.trading, signals), (ALERTS, self.alerts, alerts)):
            self._check(self._stored(stream, places), wanted)
            self._check_heard(listened, wanted, places, heard_all=heard)

    def check_late(self, expected: dict[str, bytes]) -> None:
        """As `check`, for what came out late."""
        self._check(self._stored(LATE, None), expected)
        self._check_heard(self.late, expected, None, heard_all=True)

    def dead_letters(self) -> list[Stored]:
        return self.peer.stored(DEAD_LETTERS)

    def _stored(self, stream: str, places: set[str] | None) -> list[Stored]:
        stored = [one for one in self.peer.stored(stream) if not one.subject.startswith(FENCES)]
        return [one for one in stored if places is None or place_of(one.headers[ID]) in places]

    def _check(self, stored: list[Stored], expected: dict[str, bytes]) -> None:
        found = {one.headers[ID]: one.data for one in stored}
        lacking, surplus = sorted(expected.keys() - found), sorted(found.keys() - expected)
        assert not lacking, f"{len(lacking)} of {len(expected)} are missing: {lacking[:3]}"
        assert not surplus, f"{len(surplus)} are too many: {surplus[:3]}"
        different = [name for name, line in expected.items() if found[name] != line]
        assert not different, (found[different[0]], expected[different[0]])
        assert len(stored) == len(found), "some are stored more than once"

    def _check_heard(
        self, listened: list[bytes], expected: dict[str, bytes], places: set[str] | None, *, heard_all: bool
    ) -> None:
        def heard() -> list[bytes]:
            return [line for line in listened if places is None or place_of(id_of(line)) in places]

        if heard_all:
            wait_until(lambda: len(heard()) >= len(expected), "the last one to be heard")
            assert sorted(heard()) == sorted(expected.values())
        else:  # plain NATS: at most once
            assert len(heard()) == len(set(heard()))
            assert set(heard()) <= set(expected.values())
