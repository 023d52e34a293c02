"""History as an input of the flow: it wakes keys when the flow starts, and answers what they ask."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from time import monotonic

from bytewax.inputs import DynamicSource, StatelessSourcePartition

from dataflow.live.status import Status
from dataflow.nats.publisher import wall_clock_ms
from dataflow.routing import process_of
from dataflow.stopping import Stop
from operators.backfill import HistoryAnswer, HistoryRequest, Leave, Wake
from operators.live import Selection
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

# How often is looked whether history is there, and tried again when it is not.
CHECK_SECS = 2.0

_LOOK_SECS = 0.1


class HistoryDesk:
    """Answers requests on a thread of its own, one after the other.

    While history is away every request is answered with None at once, and once more when history is back. A key's
    newer request takes the place of its older one.
    """

    def __init__(self, store: KlineStore, status: Status, clock_ms: Callable[[], int] = wall_clock_ms) -> None:
        self.store = store
        self.status = status
        self.clock_ms = clock_ms
        self._requests: queue.SimpleQueue[HistoryRequest] = queue.SimpleQueue()
        self._listings: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._answers: queue.Queue[tuple[str, HistoryItem]] = queue.Queue(ANSWERS)
        self._owed: dict[str, HistoryRequest] = {}
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
        self._requests.put(request)

    def send(self, key: str, item: Wake | Leave) -> None:
        """Have a key told something."""
        self._listings.put(lambda: self._put(key, item))

    def wake(self, selection: Selection, is_mine: Callable[[str], bool]) -> None:
        """Wake those keys of `selection` that are mine; where it takes all, those that history knows."""
        if selection.symbols is not None and selection.timeframes is not None:
            keys = (f"{symbol}|{name}" for symbol in sorted(selection.symbols) for name in sorted(selection.timeframes))
            self._wake(filter(is_mine, keys))
        else:
            self._listings.put(lambda: self._wake_known(selection, is_mine))

    def take(self, most: int) -> list[tuple[str, HistoryItem]]:
        """What there is for keys."""
        items: list[tuple[str, HistoryItem]] = []
        while len(items) < most and not self._answers.empty():
            items.append(self._answers.get_nowait())
        return items

    def _wake(self, keys: Iterable[str]) -> None:
        for key in keys:
            self.status.expect(key)
            self.send(key, Wake())

    def _wake_known(self, selection: Selection, is_mine: Callable[[str], bool]) -> None:
        try:
            known = self.store.keys()
        except (RetryLater, StopProgram) as error:
            self._go_away(str(error))
            self._listings.put(lambda: self._wake_known(selection, is_mine))
        else:
            self._come_back()
            self._wake(key for key in known if selection.takes(key) and is_mine(key))

    def _run(self) -> None:
        while not self._closed.is_set():
            self._list()
            try:
                self._answer(self._requests.get(timeout=_LOOK_SECS))
            except queue.Empty:
                pass
            except Exception:
                log.exception("history: a request failed")
            if monotonic() >= self._next_check_secs:
                self._check()

    def _list(self) -> None:
        """Do what was put off, once each: what fails puts itself there again."""
        for _ in range(self._listings.qsize()):
            self._listings.get_nowait()()

    def _check(self) -> None:
        self._next_check_secs = monotonic() + CHECK_SECS
        try:
            self.store.check()
        except (RetryLater, StopProgram) as error:
            self._go_away(str(error))
        else:
            self._come_back()

    def _answer(self, request: HistoryRequest) -> None:
        bars = None
        if self.status.history_trouble is None:
            try:
                bars = self._read(request)
            except (RetryLater, StopProgram) as error:
                self._go_away(str(error))
        if bars is None:
            self._owed[request.key] = request
        else:
            self._owed.pop(request.key, None)
        self._put(request.key, HistoryAnswer(request, bars))

    def _read(self, request: HistoryRequest) -> list[Bar]:
        """The bars that are closed: some writers also write the one that is still open."""
        key, after_ms, before_ms, limit = request
        bars = self.store.latest(
            key, limit, END_MS if before_ms is None else before_ms, START_MS - 1 if after_ms is None else after_ms
        )
        _, timeframe = split_key(key)
        now_ms = self.clock_ms()
        while bars and timeframe.close_ms(bars[-1].open_time_ms) > now_ms:
            bars.pop()
        return bars

    def _put(self, key: str, item: HistoryItem) -> None:
        while not self._closed.is_set():
            try:
                self._answers.put((key, item), timeout=_LOOK_SECS)
            except queue.Full:
                continue
            return

    def _go_away(self, reason: str) -> None:
        self._next_check_secs = monotonic() + CHECK_SECS
        if self.status.history_trouble is None:
            log.warning("history is away, keys go on without it until it is back: %s", reason)
        self.status.history_trouble = reason

    def _come_back(self) -> None:
        if self.status.history_trouble is not None:
            log.info("history is back: %s", self.store.name)
        self.status.history_trouble = None
        owed, self._owed = self._owed, {}
        for request in owed.values():
            self.ask(request)


class HistorySource(DynamicSource[tuple[str, HistoryItem]]):
    """What history has for keys, one partition per worker.

    When the flow starts every configured key is woken in the worker that analyzes it, and so is every key that comes
    with a snapshot. Nothing is kept: after a restart keys ask again for what they wait for.
    """

    def __init__(self, desk: HistoryDesk, selection: Selection, stop: Stop) -> None:
        self.desk = desk
        self.selection = selection
        self.stop = stop

    def build(self, step_id: str, worker_index: int, worker_count: int) -> HistoryPartition:
        """The source of one worker; they share the desk."""
        self.desk.wake(self.selection, lambda key: process_of(key, worker_count) == worker_index)
        self.desk.start()
        return HistoryPartition(self)


class HistoryPartition(StatelessSourcePartition[tuple[str, HistoryItem]]):
    """What one worker takes from the desk."""

    def __init__(self, source: HistorySource) -> None:
        self.source = source
        self._idle = False

    def next_batch(self) -> Iterable[tuple[str, HistoryItem]]:
        """Few at a time, so that bars never wait for long."""
        if self.source.stop.requested:
            raise StopIteration
        items = self.source.desk.take(BATCH)
        self._idle = not items
        return items

    def next_awake(self) -> datetime | None:
        """Soon when there was nothing."""
        return datetime.now(UTC) + IDLE if self._idle else None
