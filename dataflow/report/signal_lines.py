"""Signals as other programs may have written them: checked line by line, what is none is told and left out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from math import inf, isfinite
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import TypeAdapter, ValidationError

from operators.times import parse_time_ms
from state.errors import SkipInput, StopProgram
from state.key import check_symbol, key_of
from state.timeframe import timeframe_named
from strategies.setup import Setup
from strategies.signal import Signal

BAD_LINES_KEPT = 3
LONGEST_NAME = 200
LONGEST_LINE = 1 << 20


class GivenSignal(NamedTuple):
    """A signal, its key, and the open time of the bar that it comes from."""

    key: str
    open_ms: int
    signal: Signal


@dataclass
class Given:
    """The signals of a file, each id once; how many lines were none, and what is wrong with the first of those."""

    signals: list[GivenSignal] = field(default_factory=list)
    bad_count: int = 0
    bad_lines: list[str] = field(default_factory=list)
    repeated: int = 0


def read_signals(path: Path) -> Given:
    """The signals in a file of JSON lines.

    Raises:
        StopProgram: it cannot be read.
    """
    given, seen = Given(), set[str]()
    for number, line in enumerate(_lines(path), 1):
        try:
            found = _signal_in(line)
        except SkipInput as error:
            given.bad_count += 1
            if len(given.bad_lines) < BAD_LINES_KEPT:
                given.bad_lines.append(f"{path.name}:{number}: {error}")
            continue
        if found.signal.signal_id in seen:
            given.repeated += 1
        else:
            seen.add(found.signal.signal_id)
            given.signals.append(found)
    return given


def _lines(path: Path) -> Iterator[bytes]:
    try:
        with path.open("rb") as file:
            while line := file.readline(LONGEST_LINE):
                if line.strip():
                    yield line
    except OSError as error:
        raise StopProgram(f"{path}: cannot be read: {error.strerror or error}") from error


@cache
def _adapter() -> TypeAdapter[Signal]:
    return TypeAdapter(Signal)


def _signal_in(line: bytes) -> GivenSignal:
    try:
        signal = _adapter().validate_json(line, strict=True)
    except ValidationError as error:
        raise SkipInput(_first(error.errors(include_url=False))) from error
    timeframe = timeframe_named(signal.timeframe)
    if check_symbol(signal.symbol) != signal.symbol:
        raise SkipInput(f"symbol: expected upper case, got {signal.symbol!r:.60}")
    _check(signal)
    open_ms = parse_time_ms(signal.metadata.bar_open_time)
    if not timeframe.is_aligned(open_ms):
        raise SkipInput(
            f"metadata.bar_open_time: no bar of {timeframe.name} opens then: {signal.metadata.bar_open_time}"
        )
    return GivenSignal(key_of(signal.symbol, timeframe), open_ms, signal)


def _first(errors: Iterable[Any]) -> str:
    error = next(iter(errors))
    where = ".".join(str(part) for part in error["loc"])
    got = f", got {error['input']!r:.60}" if error["type"] != "missing" and where else ""
    return f"{where}: {error['msg']}{got}" if where else str(error["msg"])


def _check(signal: Signal) -> None:
    for name in ("signal_id", "strategy_id"):
        if not 0 < len(getattr(signal, name)) <= LONGEST_NAME:
            raise SkipInput(f"{name}: expected 1 to {LONGEST_NAME} characters, got {len(getattr(signal, name))}")
    if not 0.0 <= signal.confidence <= 1.0:
        raise SkipInput(f"confidence: expected 0 to 1, got {signal.confidence}")
    if not (0.0 < signal.current_price < inf and 0.0 < signal.price < inf):
        raise SkipInput(f"price: expected numbers above 0, got {signal.price} and {signal.current_price}")
    if not all(map(isfinite, signal.indicators.values())):
        raise SkipInput("indicators: expected finite numbers")
    action, stop, target = signal.action, signal.stop_loss, signal.take_profit
    if action == "hold" or action == "close":  # noqa: PLR1714  # so that types are told apart
        return
    if not Setup(action, signal.confidence, signal.price, stop, target).makes_sense():
        raise SkipInput(f"a {action} at {signal.price} cannot have the stop {stop} and the target {target}")
