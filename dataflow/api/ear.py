"""Hears what happens in the running market, and passes it on to whoever watches."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable

import orjson
from pydantic import TypeAdapter, ValidationError

from config_api.live.feed import Feed
from config_api.live.heard import Heard
from config_api.live.views import Hearing, kline_of
from dataflow.api.tail import KlinesTail, OutputTail
from dataflow.nats.buffer import Arrived
from dataflow.nats.connection import Connection
from dataflow.nats.reading import Reading
from dataflow.nats.streams import ALERTS, CONFIG, SIGNALS
from operators.announcements import CONFIG_SUBJECTS, announced
from operators.live import BadMessage, LiveParser, RawMessage, Selection
from operators.messages import Notice
from operators.times import format_time, parse_time_ms
from state.bar import Bar
from state.errors import RetryLater, SkipInput, StopProgram
from state.key import check_symbol, split_key
from state.klines import KlineStore
from state.timeframe import timeframe_named
from strategies.signal import Signal

log = logging.getLogger(__name__)

# How long what has arrived may lie before it is passed on.
_LOOK_SECS = 0.05
_BATCH = 500

# What is read of the streams at the start.
_MOST_SIGNALS = 5_000
_MOST_KLINES = 20_000
_MOST_CHANGES = 20

# A message that is longer is no signal of ours.
_LONGEST_SIGNAL = 16 * 1024

# Notices say that bars were written, and not how many.
_BARS_OF_NOTICE = 10

# How long notices are passed over after the history could not be read.
_REST_SECS = 10.0

_SIGNAL: TypeAdapter[Signal] = TypeAdapter(Signal)


class NatsEar:
    """Reads signals, klines and announced changes from NATS, on a thread of its own while entered.

    Whatever somebody else publishes on these subjects is held to what it has to be, and else left out.
    """

    def __init__(
        self, connection: Connection, klines_subjects: tuple[str, ...], klines: KlineStore, heard: Heard, feed: Feed
    ) -> None:
        self.connection = connection
        self.klines_subjects = klines_subjects
        self.klines = klines
        self.heard = heard
        self.feed = feed
        self._parse = LiveParser(Selection())
        self._readings: dict[str, Reading] = {}
        self._rests_until_secs = 0.0
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._pass_on, name="ear", daemon=True)

    def hearing(self) -> Hearing:
        """What is heard at the moment."""
        reads = {name: reading.reads for name, reading in self._readings.items()}
        return Hearing(**{name: reads.get(name, False) for name in ("signals", "klines", "changes")})

    def __enter__(self) -> NatsEar:
        signals = {SIGNALS: ("ta.signals.*.*",), ALERTS: ("ta.alerts.*.*",)}  # fences lie between them
        changes = {CONFIG: (CONFIG_SUBJECTS,)}
        self._readings = {
            "signals": OutputTail(self.connection, "signals", _MOST_SIGNALS, signals),
            "klines": KlinesTail(self.connection, _MOST_KLINES, self.klines_subjects),
            "changes": OutputTail(self.connection, "changes of the configuration", _MOST_CHANGES, changes),
        }
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        self._thread.join()
        for reading in self._readings.values():
            reading.close()

    def _pass_on(self) -> None:
        takers: dict[str, Callable[[RawMessage], None]] = {
            "klines": self._take_klines,
            "signals": self._take_signal,
            "changes": self._take_change,
        }
        is_behind = False
        while not self._closing.wait(0.0 if is_behind else _LOOK_SECS):
            is_behind = False
            for name, take in takers.items():
                arrived = self._readings[name].take(_BATCH)
                self._take_all(arrived, take)
                is_behind |= len(arrived) == _BATCH

    def _take_all(self, arrived: Iterable[Arrived], take: Callable[[RawMessage], None]) -> None:
        for _, message in arrived:
            try:
                take(message)
            except (SkipInput, RetryLater, StopProgram, ValidationError) as error:
                log.debug("%s:%d is not shown: %s", message.stream, message.seq, type(error).__name__)
            except Exception:  # one odd message must not end it all
                log.exception("%s:%d cannot be shown", message.stream, message.seq)

    def _take_klines(self, message: RawMessage) -> None:
        for item in self._parse(message):
            if isinstance(item, BadMessage):
                continue
            key, found = item
            bars = self._noticed(key) if isinstance(found, Notice) else [found]
            for bar in bars:
                if self.heard.take_bar(key, bar):
                    self._tell_bar(key, bar)

    def _noticed(self, key: str) -> list[Bar]:
        """The bars that a notice is about, unless the history was away a moment ago: signals do not wait for it."""
        if time.monotonic() < self._rests_until_secs:
            return []
        try:
            return self.klines.latest(key, _BARS_OF_NOTICE)
        except (RetryLater, StopProgram):
            self._rests_until_secs = time.monotonic() + _REST_SECS
            raise

    def _tell_bar(self, key: str, bar: Bar) -> None:
        symbol, timeframe = split_key(key)
        content = {"symbol": symbol, "timeframe": timeframe.name, **kline_of(bar).model_dump()}
        self.feed.tell("bar", orjson.dumps(content))

    def _take_signal(self, message: RawMessage) -> None:
        if len(message.payload) > _LONGEST_SIGNAL:
            raise SkipInput(f"longer than {_LONGEST_SIGNAL} bytes")
        signal = _SIGNAL.validate_json(message.payload)
        check_symbol(signal.symbol)
        timeframe_named(signal.timeframe)
        parse_time_ms(signal.timestamp)
        if self.heard.take_signal(signal):
            self.feed.tell("signal", signal.to_json())

    def _take_change(self, message: RawMessage) -> None:
        record = announced(message.payload)
        content = {
            "strategy_id": record.scope.strategy_id,
            "symbol": record.scope.symbol,
            "version": record.version,
            "changed_at": format_time(record.updated_ms),
        }
        self.feed.tell("config", orjson.dumps(content))
