"""Trying a change out on the last bars: nothing that is stored changes."""

from __future__ import annotations

from config_api.errors import Finding, invalid
from config_api.findings import shown
from config_api.history import LatestBars
from config_api.limits import DRY_RUNS_AT_ONCE, AtOnce
from config_api.views import ChangedSignal, DryRunView
from operators.dry_run import DryRun, bars_to_read, concerned, dry_run, only
from operators.times import format_time
from state.configs.store import Records
from state.errors import SkipInput
from state.key import split_key
from state.timeframe import Timeframe, timeframe_named
from strategies.application import EVERYTHING, ApplicationSettings
from strategies.configuration import Configuration, EngineSettings
from strategies.resolution import Stored, resolve, resolve_application, resolve_strategy

# As many as bots are warmed up with unless told otherwise.
WARM_UP_BARS = 500


class Trials:
    """Tries changes out on the last bars. May be used from any thread."""

    def __init__(self, latest: LatestBars) -> None:
        self.latest = latest
        self._at_once = AtOnce(DRY_RUNS_AT_ONCE)

    def run(self, key: str, before: Configuration, after: Configuration, bars: int) -> DryRunView:
        """Try a change out on the last closed bars of a key.

        Raises:
            ApiError: 503, the history is away; 429, others are being tried out.
        """
        with self._at_once.one():
            before, after = concerned(before, after)
            found = self.latest.of(key, bars_to_read(key, before, after, bars, WARM_UP_BARS))
            return _view(dry_run(key, before, after, found, bars), len(found))


def checked_timeframe(name: str) -> Timeframe:
    """The timeframe of this name.

    Raises:
        ApiError: 422, there is none.
    """
    try:
        return timeframe_named(name)
    except SkipInput as error:
        finding = Finding(parameter="timeframe", message=str(error)[:300], expected="a timeframe", got=shown(name))
        raise invalid([finding]) from error


def of_strategy(strategy_id: str, symbol: str, stored: Stored) -> Configuration:
    """A configuration with one strategy, enabled or not, as it is in force for a symbol."""
    settings, _ = resolve_application(stored)
    rules = settings.model_dump(include=set(EngineSettings.model_fields) - {"enabled_strategies"})
    engine = EngineSettings(**rules, enabled_strategies=(strategy_id,))
    return Configuration(engine=engine, strategies={strategy_id: resolve_strategy(strategy_id, symbol, stored).config})


def of_application(key: str, records: Records) -> Configuration:
    """What a key runs with: no strategies where it is not analyzed."""
    symbol, timeframe = split_key(key)
    configuration, _ = resolve(symbol, records.by_scope)
    application, _ = resolve_application(records.by_scope)
    return configuration if _takes(application, symbol, timeframe) else only(configuration, lambda _: False)


def _takes(application: ApplicationSettings, symbol: str, timeframe: Timeframe) -> bool:
    """Whether a key is analyzed, as far as the settings say: where they say nothing, it is."""
    chosen = ((application.symbols, symbol), (application.timeframes, timeframe.name))
    return all(names is None or names == (EVERYTHING,) or name in names for names, name in chosen)


def _view(found: DryRun, bars_read: int) -> DryRunView:
    symbol, timeframe = split_key(found.key)
    times = [format_time(bar.open_time_ms) for bar in found.bars]
    return DryRunView(
        symbol=symbol,
        timeframe=timeframe.name,
        bars=len(times),
        warm_up_bars=bars_read - len(times),
        first_open_time=times[0] if times else None,
        last_open_time=times[-1] if times else None,
        strategies=list(found.strategies),
        appear=list(found.appear),
        disappear=list(found.disappear),
        changed=[ChangedSignal(before=before, after=after) for before, after in found.changed],
        unchanged=found.unchanged,
    )
