"""What another configuration would have made of a key's last bars: signals that appear, disappear or change."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from operators.analyzer import KeyAnalyzer
from operators.warm_up import bars_to_seed
from state.bar import Bar
from state.key import split_key
from strategies.configuration import Configuration, EngineSettings
from strategies.signal import AppliedConfig, Signal

MOST_COOLDOWN_BARS = 2_000


@dataclass(frozen=True)
class DryRun:
    """The signals of one key's bars under two configurations, in the order of bars.

    `changed` holds those that both give, before and after, where anything but the configuration they name differs.
    """

    key: str
    bars: tuple[Bar, ...]
    strategies: tuple[str, ...]
    appear: tuple[Signal, ...]
    disappear: tuple[Signal, ...]
    changed: tuple[tuple[Signal, Signal], ...]
    unchanged: int


def concerned(before: Configuration, after: Configuration) -> tuple[Configuration, Configuration]:
    """Both configurations, with only those strategies whose signals may differ between them."""
    engines_differ = _rules(before) != _rules(after)

    def differs(strategy_id: str) -> bool:
        one, other = before.strategies.get(strategy_id), after.strategies.get(strategy_id)
        return engines_differ or one is None or other is None or one.parameters != other.parameters

    return only(before, differs), only(after, differs)


def only(configuration: Configuration, wanted: Callable[[str], bool]) -> Configuration:
    """The same configuration, with those of its strategies that are wanted."""
    strategies = {name: config for name, config in configuration.strategies.items() if wanted(name)}
    engine = configuration.engine.model_copy(update={"enabled_strategies": tuple(strategies)})
    return Configuration(engine=engine, strategies=strategies)


def _rules(configuration: Configuration) -> dict[str, object]:
    """The engine's settings that bear on every strategy."""
    return configuration.engine.model_dump(include=set(EngineSettings.model_fields) - {"enabled_strategies"})


def bars_to_read(key: str, before: Configuration, after: Configuration, bars: int, least: int) -> int:
    """How many of a key's last bars a dry run over `bars` of them takes: it is warmed up as a new key is, or longer."""
    timeframe = split_key(key)[1]
    return bars + max(bars_to_seed(one, timeframe, least) + _cooldown(one) for one in (before, after))


def dry_run(key: str, before: Configuration, after: Configuration, bars: Sequence[Bar], count: int) -> DryRun:
    """Run both configurations over the last `count` of `bars`; the earlier ones, the same for both, only warm up.

    They are signals of a bot that has run since before those: what it emitted within its cooldown is known, as far as
    there are bars, and `MOST_COOLDOWN_BARS` at most.
    """
    first = max(0, len(bars) - count)
    ours, theirs = (_signals(key, one, bars, first) for one in (before, after))
    both = [(ours[name], theirs[name]) for name in ours if name in theirs]
    changed = tuple((one, other) for one, other in both if _without_config(one) != _without_config(other))
    return DryRun(
        key=key,
        bars=tuple(bars[first:]),
        strategies=tuple({**before.strategies, **after.strategies}),
        appear=tuple(signal for name, signal in theirs.items() if name not in ours),
        disappear=tuple(signal for name, signal in ours.items() if name not in theirs),
        changed=changed,
        unchanged=len(both) - len(changed),
    )


def _signals(key: str, configuration: Configuration, bars: Sequence[Bar], first: int) -> dict[str, Signal]:
    """The signals of the bars from an index on, by id."""
    if not configuration.strategies:
        return {}
    analyzer = KeyAnalyzer(key, configuration)
    emitting = max(0, first - _cooldown(configuration))
    analyzer.warm_up(bars[:emitting])
    for bar in bars[emitting:first]:
        analyzer.on_bar(bar)
    return {signal.signal_id: signal for bar in bars[first:] for signal in analyzer.on_bar(bar)}


def _cooldown(configuration: Configuration) -> int:
    return min(configuration.engine.cooldown_bars, MOST_COOLDOWN_BARS)


def _without_config(signal: Signal) -> Signal:
    return replace(signal, metadata=replace(signal.metadata, strategy_config=AppliedConfig()))
