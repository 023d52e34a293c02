"""How the configuration is: its stores, each by kind, and what is known of it."""

from __future__ import annotations

from dataflow.config.source import ConfigSource
from dataflow.config.taken import versions_in
from dataflow.finding import Finding, Part
from dataflow.watching import watch_stores
from operators.times import format_time
from state.configs.stores import ConfigStores
from state.watch import Watch


def store_parts(stores: ConfigStores) -> dict[str, Part]:
    """The stores of the configuration, by kind: without them, what is known goes on to hold."""
    return {kind: _store_part(watch) for kind, watch in watch_stores(stores).items()}


def _store_part(watch: Watch) -> Part:
    return Part(lambda: Finding(watch.trouble), watch)


def configuration_part(config: ConfigSource) -> Part:
    """What is known of the configuration, and since when."""

    def probe() -> Finding:
        here = config.here
        taken_secs = here.news.last_taken_secs
        details = {
            "known": here.is_known,
            "current": here.is_current,
            "versions": versions_in(here.book),
            "symbol_overrides": sum(scope.symbol is not None for scope in list(here.book.known)),
            "trouble_when_last_read": config.looks.trouble,
            "taken": None if taken_secs is None else format_time(int(taken_secs * 1000)),
        }
        return Finding(None if here.is_known else "not known yet", details=details)

    return Part(probe)
