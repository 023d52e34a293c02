"""Dry runs: what appears, disappears, changes and stays, by bars whose signals are known."""

from __future__ import annotations

from typing import Any

import pytest

from operators.analyzer import KeyAnalyzer
from operators.dry_run import bars_to_read, concerned, dry_run
from strategies.configuration import Configuration, configuration_of
from strategies.signal import Signal
from tests.kit import real_bars

KEY = "ETHUSDT|15m"
BARS = real_bars("ETHUSDT")[:2_000]
COUNT = 1_200


def with_strategies(*names: str, overrides: dict[str, dict[str, Any]] | None = None, **engine: Any) -> Configuration:
    return configuration_of({"enabled_strategies": names, **engine}, overrides)


def signals(configuration: Configuration) -> list[Signal]:
    """Those of a bot that has run since before the last bars, for as long as a cooldown lasts."""
    analyzer, running = KeyAnalyzer(KEY, configuration), COUNT + configuration.engine.cooldown_bars
    analyzer.warm_up(BARS[:-running])
    emitted = [analyzer.on_bar(bar) for bar in BARS[-running:]]
    return [signal for signals in emitted[-COUNT:] for signal in signals]


BEFORE = with_strategies("momentum_pulse", "mean_reversion_scalper")


def test_the_same_configuration_changes_nothing() -> None:
    found = dry_run(KEY, BEFORE, BEFORE, BARS, COUNT)
    assert (found.appear, found.disappear, found.changed) == ((), (), ())
    assert found.unchanged == len(signals(BEFORE)) > 0
    assert found.bars == BARS[-COUNT:]


def test_a_strategy_more_appears_and_one_less_disappears() -> None:
    after = with_strategies("momentum_pulse", "ema_momentum_reversal")
    found = dry_run(KEY, BEFORE, after, BARS, COUNT)
    assert list(found.appear) == signals(with_strategies("ema_momentum_reversal")) != []
    assert list(found.disappear) == signals(with_strategies("mean_reversion_scalper")) != []
    assert found.changed == ()
    assert found.unchanged == len(signals(with_strategies("momentum_pulse")))
    assert found.strategies == ("mean_reversion_scalper", "momentum_pulse", "ema_momentum_reversal")


def test_other_levels_are_a_change() -> None:
    overrides = {"momentum_pulse": {"take_profit_atr": 4.0}}
    after = with_strategies("momentum_pulse", "mean_reversion_scalper", overrides=overrides)
    found = dry_run(KEY, BEFORE, after, BARS, COUNT)
    pulses = signals(with_strategies("momentum_pulse"))
    assert [before for before, _ in found.changed] == pulses
    assert [other for _, other in found.changed] == signals(with_strategies("momentum_pulse", overrides=overrides))
    assert (found.appear, found.disappear) == ((), ())
    assert found.unchanged == len(signals(with_strategies("mean_reversion_scalper")))


def test_a_configuration_that_is_only_named_otherwise_is_no_change() -> None:
    """The values of a strategy that did not decide anything here."""
    after = with_strategies("momentum_pulse", overrides={"momentum_pulse": {"min_data_points": 61}})
    found = dry_run(KEY, with_strategies("momentum_pulse"), after, BARS, COUNT)
    assert found.changed == ()
    assert found.unchanged > 0


def test_no_strategy_at_all() -> None:
    nothing = with_strategies()
    assert dry_run(KEY, nothing, nothing, BARS, COUNT).unchanged == 0
    assert list(dry_run(KEY, BEFORE, nothing, BARS, COUNT).disappear) == signals(BEFORE)


@pytest.mark.parametrize("count", [0, 1, 5_000])
def test_fewer_or_more_bars_than_there_are(count: int) -> None:
    assert len(dry_run(KEY, BEFORE, BEFORE, BARS, count).bars) == min(count, len(BARS))
    assert dry_run(KEY, BEFORE, BEFORE, (), count).bars == ()


def test_only_what_differs_is_concerned() -> None:
    after = with_strategies(
        "momentum_pulse", "mean_reversion_scalper", "doji_reversal", overrides={"momentum_pulse": {"rsi_min": 45.0}}
    )
    before, then = concerned(BEFORE, after)
    assert (list(before.strategies), list(then.strategies)) == (["momentum_pulse"], ["momentum_pulse", "doji_reversal"])
    assert before.engine.enabled_strategies == ("momentum_pulse",)
    assert [list(one.strategies) for one in concerned(BEFORE, BEFORE)] == [[], []]


def test_rules_for_all_concern_all() -> None:
    after = with_strategies("momentum_pulse", "mean_reversion_scalper", min_confidence=0.6)
    for one in concerned(BEFORE, after):
        assert list(one.strategies) == ["mean_reversion_scalper", "momentum_pulse"]


def test_what_is_not_concerned_gives_the_same() -> None:
    """So leaving it out changes no answer."""
    after = with_strategies("momentum_pulse", "mean_reversion_scalper", overrides={"momentum_pulse": {"rsi_min": 40.0}})
    whole, part = dry_run(KEY, BEFORE, after, BARS, COUNT), dry_run(KEY, *concerned(BEFORE, after), BARS, COUNT)
    assert (part.appear, part.disappear, part.changed) == (whole.appear, whole.disappear, whole.changed)
    assert whole.unchanged - part.unchanged == len(signals(with_strategies("mean_reversion_scalper")))


def test_enough_bars_are_read_for_both_to_be_warm() -> None:
    slow = with_strategies("momentum_pulse", overrides={"momentum_pulse": {"ema_slow": 400}})
    assert bars_to_read(KEY, with_strategies("doji_reversal"), with_strategies("doji_reversal"), 100, 500) == 600 + 64
    assert bars_to_read(KEY, slow, with_strategies("doji_reversal"), 100, 500) == 100 + 3 * 400 + 64
