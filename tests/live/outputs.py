"""What a bot has published, held against what it must have."""

from __future__ import annotations

from dataflow.nats.streams import ALERTS, DEAD_LETTERS, LATE, SIGNALS
from tests.live.market import is_alert
from tests.nats_server import PATIENCE_SECS, Peer, Stored, wait_until


class Outputs:
    """Listens to what a bot publishes from now on, as plain subscribers do, and reads what streams hold."""

    def __init__(self, peer: Peer) -> None:
        self.peer = peer
        self.trading = peer.listen("signals.trading")
        self.alerts = peer.listen("signals.alerts")
        self.late = peer.listen("signals.late")

    def count(self) -> int:
        """How many signals and alerts are stored, 0 before the streams are there."""
        streams = {SIGNALS, ALERTS, LATE}.intersection(self.peer.streams())
        return sum(self.peer.stream(name).state.messages for name in streams)

    def wait_for(self, count: int, patience_secs: float = PATIENCE_SECS) -> None:
        """Wait until so many are stored."""
        wait_until(lambda: self.count() >= count, f"{count} signals", patience_secs)

    def check(self, expected: dict[str, bytes], *, heard: bool = True) -> None:
        """Each of `expected` must have been published, once, and nothing else; and `heard` by plain subscribers."""
        signals = {name: line for name, line in expected.items() if not is_alert(line)}
        self._check(SIGNALS, self.trading, signals, heard=heard)
        self._check(ALERTS, self.alerts, {name: expected[name] for name in expected.keys() - signals}, heard=heard)

    def check_late(self, expected: dict[str, bytes]) -> None:
        """As `check`, for what came out late."""
        self._check(LATE, self.late, expected, heard=True)

    def dead_letters(self) -> list[Stored]:
        return self.peer.stored(DEAD_LETTERS)

    def _check(self, stream: str, listened: list[bytes], expected: dict[str, bytes], *, heard: bool) -> None:
        stored = self.peer.stored(stream)
        found = {one.headers["Nats-Msg-Id"]: one.data for one in stored}
        lacking, surplus = sorted(expected.keys() - found), sorted(found.keys() - expected)
        assert not lacking, f"{stream} lacks {len(lacking)} of {len(expected)}: {lacking[:3]}"
        assert not surplus, f"{stream} holds {len(surplus)} too many: {surplus[:3]}"
        different = [name for name, line in expected.items() if found[name] != line]
        assert not different, (found[different[0]], expected[different[0]])
        assert len(stored) == len(found), f"{stream} holds signals more than once"
        if heard:
            wait_until(lambda: len(listened) >= len(expected), f"the last one of {stream} to be heard")
            assert sorted(listened) == sorted(expected.values())
        else:  # plain NATS: at most once
            assert len(listened) == len(set(listened))
            assert set(listened) <= set(expected.values())
