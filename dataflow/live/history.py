"""History as an input of the flow: it wakes keys when the flow starts, and answers what they ask."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable, Hashable, Iterable
from datetime import UTC, datetime, timedelta
from itertools import product
from time import monotonic
from typing import NamedTuple

from bytewax.inputs import DynamicSource, StatelessSourcePartition

from dataflow.config.here import ConfigHere
from dataflow.live.status import Status
from dataflow.nats.publisher import wall_clock_ms
from dataflow.stopping import Stop
from operators.live import Selection
from operators.requests import HistoryAnswer, HistoryRequest, Leave, Wake
from state.bar import Bar
from state.errors import RetryLater, StopProgram
from state.key import split_key
from state.klines import KlineStore
from state.klines.times import END_MS, START_MS

log = logging.getLogger(__name__)

HistoryItem = Wake | Leave | HistoryAnswer

# Answers that were read and not yet taken: some 100 KB each.
ANSWERS = 64

# Seeding a key takes some 10 ms, during which no bar is analyzed.
BATCH = 4

IDLE = timedelta(milliseconds=5)

# How often is looked whether history is there, and tried again what failed.
CHECK_SECS = 2.0

_LOOK_SECS = 0.1


class Listing(NamedTuple):
    """Asks for those keys that history knows to be woken, if they are selected and mine."""

    selection: Selection
    is_mine: Callable[[str], bool]


class Owed(NamedTuple):
    """What could not be done: when it is tried again, and why it failed where history is there."""

    due_secs: float
    work: HistoryRequest | Listing
    reason: str | None


class HistoryDesk:
    """Answers requests on a thread of its own, one after the other.

    What cannot be answered, or fails for whatever reason, is answered with None at once, and once more when it can be.
    While history is away that is everything, and nothing is read; where history is there and one request fails, as on
    a broken table, the others go on. A key's newer request takes the place of its older one.
    """

    def __init__(
        self,
        store: KlineStore,
        status: Status,
        clock_ms: Callable[[], int] = wall_clock_ms,
        check_secs: float = CHECK_SECS,
    ) -> None:
        self.store = store
        self.status = status
        self.clock_ms = clock_ms
        self.check_secs = check_secs
        # Without a bound, so that whoever takes answers can always ask.
        self._inbox: queue.SimpleQueue[HistoryRequest | Listing | tuple[str, Wake | Leave]] = queue.SimpleQueue()
        self._answers: queue.Queue[tuple[str, HistoryItem]] = queue.Queue(ANSWERS)
        self._owed: dict[Hashable, Owed] = {}
        self._away: str | None = None
        self._next_check_secs = 0.0
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._run, name="history", daemon=True)

    def start(self) -> None:
        """Begin to answer; again is once."""
        if not self._thread.is_alive() and not self._closed.is_set():
            self._thread.start()

    def close(self) -> None:
        """Stop answering; what was not answered is asked again after a restart."""
        self._closed.set()
        if self._thread.is_alive():
            self._thread.join(2.0)
        self.store.close()

    def ask(self, request: HistoryRequest) -> None:
        """Have a request answered."""
        self._inbox.put(request)

    def send(self, key: str, item: Wake | Leave) -> None:
        """Have a key told something."""
        if isinstance(item, Wake):
            self.status.expect(key)
        self._inbox.put((key, item))

    def wake(self, selection: Selection, is_mine: Callable[[str], bool]) -> None:
        """Wake those keys of `selection` that are mine; where it takes all, those that history knows."""
        if selection.symbols is None or selection.timeframes is None:
            self._inbox.put(Listing(selection, is_mine))
            return
        for symbol, name in product(sorted(selection.symbols), sorted(selection.timeframes)):
            key = f"{symbol}|{name}"
            if is_mine(key):
                self.send(key, Wake())
        self.status.know_all()

    def take(self, most: int) -> list[tuple[str, HistoryItem]]:
        """What there is for keys."""
        items: list[tuple[str, HistoryItem]] = []
        while len(items) < most and not self._answers.empty():
            items.append(self._answers.get_nowait())
        return items

    def _run(self) -> None:
        while not self._closed.is_set():
            try:
                if monotonic() >= self._next_check_secs:
                    self._check()
                self._do_next()
            except Exception:
                log.exception("history: something failed that was not to")

    def _do_next(self) -> None:
        """Do what was asked for or, when there is nothing new, what is owed and due."""
        try:
            item = self._inbox.get(timeout=0.0 if self._due() else _LOOK_SECS)
        except queue.Empty:
            due = self._due()
            if due is not None:
                self._do(due.work)
            return
        if isinstance(item, HistoryRequest | Listing):
            self._do(item)
        else:
            self._put(*item)

    def _due(self) -> Owed | None:
        """What is owed for longest, when it is to be tried again."""
        if self._away is not None:
            return None
        first = next(iter(self._owed.values()), None)
        return first if first is not None and first.due_secs <= monotonic() else None

    def _do(self, work: HistoryRequest | Listing) -> None:
        place = work.key if isinstance(work, HistoryRequest) else work
        reason = self._failure_of(work) if self._away is None else self._away
        before = self._owed.pop(place, None)
        if reason is not None:
            self._owed[place] = Owed(monotonic() + self.check_secs, work, None if self._away else reason)
            if isinstance(work, HistoryRequest):
                self._put(work.key, HistoryAnswer(work, None))
            if not self._away and (before is None or before.reason != reason):
                log.warning("history: cannot be read, will be tried again: %s", reason)
        if isinstance(work, Listing):
            self.status.know_all()
        self._tell()

    def _failure_of(self, work: HistoryRequest | Listing) -> str | None:
        """Why it cannot be done; None when it is done."""
        try:
            if isinstance(work, HistoryRequest):
                self._put(work.key, HistoryAnswer(work, self._read(work)))
            else:
                self._wake_known(work)
        except Exception as error:  # noqa: BLE001  # without an answer the key would wait for ever
            reason = _reason(error)
            self._check()
            return reason
        return None

    def _wake_known(self, listing: Listing) -> None:
        known = self.store.keys()
        for key in known:
            if listing.selection.takes(key) and listing.is_mine(key):
                self.send(key, Wake())

    def _read(self, request: HistoryRequest) -> list[Bar]:
        """The bars that are closed: some writers also write the one that is still open."""
        key, after_ms, before_ms, limit, _ = request
        bars = self.store.latest(
            key, limit + 1, END_MS if before_ms is None else before_ms, START_MS - 1 if after_ms is None else after_ms
        )
        _, timeframe = split_key(key)
        now_ms = self.clock_ms()
        while bars and timeframe.close_ms(bars[-1].open_time_ms) > now_ms:
            bars.pop()
        return bars[max(0, len(bars) - limit) :]

    def _put(self, key: str, item: HistoryItem) -> None:
        while not self._closed.is_set():
            try:
                self._answers.put((key, item), timeout=_LOOK_SECS)
            except queue.Full:
                continue
            return

    def _check(self) -> None:
        was_away = self._away is not None
        try:
            self.store.check()
        except Exception as error:  # noqa: BLE001  # whatever it is, history cannot be read
            self._away = _reason(error)
            if not was_away:
                log.warning("history is away, keys go on without it until it is back: %s", self._away)
        else:
            self._away = None
            if was_away:
                log.info("history is back: %s", self.store.name)
                self._owed = {place: owed._replace(due_secs=0.0) for place, owed in self._owed.items()}
        self._next_check_secs = monotonic() + self.check_secs
        self._tell()

    def _tell(self) -> None:
        reasons = (owed.reason for owed in self._owed.values() if owed.reason is not None)
        self.status.history_trouble = self._away or next(reasons, None)


def _reason(error: Exception) -> str:
    """What to say of an error; of one that nobody has foreseen only its kind, for it may quote anything."""
    if isinstance(error, RetryLater | StopProgram):
        return str(error)
    log.error("history: failed unexpectedly", exc_info=error)
    return f"failed unexpectedly: {type(error).__name__}"


class HistorySource(DynamicSource[tuple[str, HistoryItem]]):
    """What history has for keys, one partition per worker.

    When the configuration is known every configured key is woken in the worker that analyzes it, and so is every key
    that comes with a snapshot. Nothing is kept: after a restart keys ask again for what they wait for.
    """

    def __init__(
        self, desk: HistoryDesk, here: ConfigHere, stop: Stop, on_round: Callable[[], None] = lambda: None
    ) -> None:
        self.desk = desk
        self.here = here
        self.stop = stop
        self.on_round = on_round
        """Told whenever a worker asks for what there is, which it does all the time."""

    def build(self, step_id: str, worker_index: int, worker_count: int) -> HistoryPartition:
        """The source of one worker; they share the desk."""
        self.here.workers.tell(worker_index, worker_count)
        if self.here.is_known:
            self.here.on_selection(self.here.selection)
        self.desk.start()
        return HistoryPartition(self)


class HistoryPartition(StatelessSourcePartition[tuple[str, HistoryItem]]):
    """What one worker takes from the desk."""

    def __init__(self, source: HistorySource) -> None:
        self.source = source
        self._idle = False

    def next_batch(self) -> Iterable[tuple[str, HistoryItem]]:
        """Few at a time, so that bars never wait for long."""
        self.source.on_round()
        if self.source.stop.requested:
            raise StopIteration
        items = self.source.desk.take(BATCH) if self.source.here.is_known else []
        self._idle = not items
        return items

    def next_awake(self) -> datetime | None:
        """Soon when there was nothing."""
        return datetime.now(UTC) + IDLE if self._idle else None
