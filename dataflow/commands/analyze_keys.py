"""What `ta-bot analyze` does: the signals of the latest closed bars, shown."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.progress import track

from dataflow.commands.history_store import BadRows, open_history
from dataflow.live.latest import Latest, latest_signals, selected_keys
from dataflow.live.line_file import STDOUT, LineFile
from dataflow.live.settings import Settings
from dataflow.replay.sinks import sort_key
from dataflow.signal_text import TABLE_WIDTH, signals_shown, time_text
from operators.config_book import ConfigBook, Known
from operators.times import format_time
from state.errors import RetryLater, StopProgram
from state.key import split_key
from strategies.resolution import Pinned

log = logging.getLogger(__name__)

# Wide enough for every row, where nobody looks at a terminal.
PIPED_WIDTH = 160

# More keys than this are only counted.
KEYS_NAMED = 5


def analyze_keys(named: str | None, settings: Settings, pinned: Pinned, *, as_json: bool) -> None:
    """Show the signals of the latest closed bar of the key that is `named`, or of all that are selected.

    Raises:
        StopProgram: the history cannot be read, or has no closed bars of them.
    """
    book = _stored_configuration(settings, pinned)
    with open_history(settings, BadRows()) as store:
        keys = [named] if named else selected_keys(book.selection(settings.selection()), store)
        now_ms = time.time_ns() // 1_000_000
        latest_of = latest_signals(
            store, keys, lambda symbol: book.for_symbol(symbol).configuration, now_ms, settings.warm_up_bars
        )
        found = list(_shown(latest_of, len(keys)))
        if not any(latest.bar for latest in found):
            what = named or (f"any of {len(keys):,} keys" if keys else "any key that is selected")
            raise StopProgram(f"{store.name}: no closed bars of {what} in it")
    signals = sorted((signal for latest in found for signal in latest.signals), key=sort_key)
    if as_json:
        with LineFile(STDOUT) as out:
            out.write(b"".join(signal.to_json() + b"\n" for signal in signals))
    console = _console(stderr=as_json)
    if signals and not as_json:
        console.print(signals_shown(signals, console.width), soft_wrap=console.width < TABLE_WIDTH)
    for line in _summary(found):
        console.print(line, highlight=False, soft_wrap=True)


def _stored_configuration(settings: Settings, pinned: Pinned) -> ConfigBook:
    """What the stores have, under what is pinned; where they cannot be read, that is said and left out."""
    book, stores = ConfigBook(pinned), settings.open_configs()
    try:
        for record in stores.read().by_scope.values():
            book.put(Known(record))
    except RetryLater as error:
        log.warning("the stored configuration cannot be read and is left out: %s", error)
    finally:
        stores.close()
    return book


def _shown(found: Iterable[Latest], total: int) -> Iterable[Latest]:
    """The same, with a bar on a terminal while it takes long."""
    console = Console(stderr=True)
    if not console.is_terminal or total == 1:
        return found
    return track(found, "analyze", total, console=console, transient=True)


def _console(*, stderr: bool) -> Console:
    console = Console(stderr=stderr)
    return console if console.is_terminal else Console(stderr=stderr, width=PIPED_WIDTH)


def _summary(found: Sequence[Latest]) -> Iterable[str]:
    """What was looked at, in a few lines however many keys there are."""
    closed = sorted({_close_ms(latest) for latest in found if latest.bar})
    first, last = (time_text(format_time(closed[index])) for index in (0, -1))
    when = f"at {last}" if first == last else f"from {first} to {last}"
    quiet = [latest.key for latest in found if latest.bar and not latest.signals]
    empty = [latest.key for latest in found if latest.bar is None]
    count = sum(len(latest.signals) for latest in found)
    analyzed = len(found) - len(empty)
    yield f"{_number(count, 'signal')} on the latest bars of {_number(analyzed, 'key')}, which closed {when} UTC."
    if quiet:
        yield f"Without a signal: {_keys(quiet)}."
    if empty:
        yield f"Without closed bars in the history: {_keys(empty)}."


def _close_ms(latest: Latest) -> int:
    return split_key(latest.key)[1].close_ms(latest.bar.open_time_ms) if latest.bar else 0


def _number(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def _keys(keys: Sequence[str]) -> str:
    named = ", ".join(keys[:KEYS_NAMED])
    return named if len(keys) <= KEYS_NAMED else f"{_number(len(keys), 'key')}, such as {named}"
