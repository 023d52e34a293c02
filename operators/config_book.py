"""What is known of the stored configuration, and what each key is to run with because of it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from operators.live import Selection
from state.configs.records import ConfigRecord, Scope
from strategies.application import EVERYTHING, ApplicationSettings
from strategies.configuration import Configuration
from strategies.resolution import NOTHING_PINNED, Pinned, resolve, resolve_application


class NewConfiguration(NamedTuple):
    """A key is to go by another configuration.

    It was announced at `stored_ns`, nanoseconds by the clock of who stores messages: bars that were stored before are
    still analyzed with the one before. 0 is from now on.
    """

    configuration: Configuration
    stored_ns: int = 0


class Known(NamedTuple):
    """A record, and when it was announced; 0 where that is not known."""

    record: ConfigRecord
    stored_ns: int = 0

    @property
    def order(self) -> tuple[int, int]:
        """What tells an older record of a scope from a newer one."""
        return self.record.version, self.record.updated_ms


class ConfigBook:
    """The newest record of every scope; resolved for a symbol when that is asked for."""

    def __init__(self, pinned: Pinned = NOTHING_PINNED) -> None:
        self.pinned = pinned
        self.known: dict[Scope, Known] = {}
        self.unusable: tuple[str, ...] = ()
        """Stored values that could not be used when a configuration was last resolved, in words."""
        self._records: dict[Scope, ConfigRecord] = {}
        self._resolved: dict[str | None, Configuration] = {}
        # By symbol, None for what concerns all, when its last record was announced.
        self._newest_ns: dict[str | None, int] = {}

    def put(self, known: Known) -> None:
        """Take a record, whatever was known of its scope."""
        scope = known.record.scope
        self.known[scope], self._records[scope] = known, known.record
        self._newest_ns[scope.symbol] = max(known.stored_ns, self._newest_ns.get(scope.symbol, 0))
        if scope.symbol is None:
            self._resolved.clear()
        else:
            self._resolved.pop(scope.symbol, None)

    def drop(self, scope: Scope) -> None:
        """Forget a scope."""
        if self.known.pop(scope, None) is not None:
            del self._records[scope]
            self._resolved.clear()

    def is_news(self, record: ConfigRecord) -> bool:
        """Whether a record is newer than what is known of its scope."""
        known = self.known.get(record.scope)
        return known is None or Known(record).order > known.order

    def for_symbol(self, symbol: str) -> NewConfiguration:
        """What keys of `symbol` run with, and when the last record that concerns them was announced."""
        place = symbol if symbol in self._newest_ns else None
        configuration = self._resolved.get(place)
        if configuration is None:
            configuration, self.unusable = resolve(place, self._records, self.pinned)
            self._resolved[place] = configuration
        return NewConfiguration(configuration, max(self._newest_ns.get(None, 0), self._newest_ns.get(place, 0)))

    def application(self) -> ApplicationSettings:
        """The settings of the whole application."""
        return resolve_application(self._records, self.pinned)[0]

    def selection(self, configured: Selection) -> Selection:
        """The keys to analyze: `configured` ones, unless the application's settings name others."""
        settings = self.application()
        return Selection(
            _names(settings.symbols, configured.symbols), _names(settings.timeframes, configured.timeframes)
        )


PackedKnown = tuple[Any, ...]
"""A record and when it was announced, as plain data."""


def pack_known(known: Iterable[Known]) -> list[PackedKnown]:
    """What `unpack_known` takes."""
    return [(*one.record.scope, one.record.parameters, *_rest(one.record), one.stored_ns) for one in known]


def unpack_known(packed: Iterable[PackedKnown]) -> list[Known]:
    """What was packed.

    Raises:
        TypeError, ValueError: it is something else.
    """
    known = []
    for strategy_id, symbol, parameters, version, created_ms, updated_ms, created_by, source, stored_ns in packed:
        record = ConfigRecord(
            Scope(strategy_id, symbol), parameters, version, created_ms, updated_ms, created_by, source
        )
        known.append(Known(record, stored_ns))
    return known


def _rest(record: ConfigRecord) -> tuple[Any, ...]:
    return record.version, record.created_ms, record.updated_ms, record.created_by, record.source


def _names(given: tuple[str, ...] | None, configured: frozenset[str] | None) -> frozenset[str] | None:
    if given is None:
        return configured
    return None if given == (EVERYTHING,) else frozenset(given)
