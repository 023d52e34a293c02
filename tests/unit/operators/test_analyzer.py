"""One key at work: what happens to its bars, what an error costs, what history does, what a signal says."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from math import isfinite

import orjson
import pytest

from operators.analyzer import KeyAnalyzer
from operators.tally import Tally
from state.bar import Bar
from strategies.configuration import configuration_of
from strategies.registry import STRATEGIES
from strategies.setup import Setup
from strategies.signal import Signal
from tests.kit import bars_of, real_bars, still
from tests.oracle.defaults import DEFAULTS
from tests.oracle.emission import Signal as Reference
from tests.oracle.emission import emitted_by_all
from tests.oracle.market import Market
from tests.oracle.setups import all_setups

QUARTER_MS = 900_000
HOUR_MS = 3_600_000

ACTIONS = {"buy", "sell", "hold"}


def analyzer(timeframe: str = "1h") -> KeyAnalyzer:
    return KeyAnalyzer(f"BTCUSDT|{timeframe}", configuration_of())


def bars(count: int = 2_000) -> tuple[Bar, ...]:
    return real_bars("BTCUSDT", "1h")[:count]


def signals_of(one: KeyAnalyzer, items: Iterable[Bar], *, emit: bool = True) -> list[Signal]:
    return [signal for bar in items for signal in one.on_bar(bar, emit=emit)]


def referenced(items: Sequence[Bar], first_live: int = 0) -> list[Reference]:
    """What the naive reference emits."""
    times, *prices = ([bar[i] for bar in items] for i in range(6))
    open_, high, low, close, volume = prices
    setups = all_setups(Market(times, open_, high, low, close, volume, HOUR_MS))
    min_data_points = {name: int(values["min_data_points"]) for name, values in DEFAULTS.items()}
    return emitted_by_all(setups, min_data_points, first_live=first_live)


def seen(multiples: Sequence[int], *, emit: bool = True) -> Tally:
    """What is counted of still bars that open at these multiples of the span."""
    one = analyzer("15m")
    (bar,) = bars_of(still(100.0))
    for multiple in multiples:
        one.on_bar(bar._replace(open_time_ms=multiple * QUARTER_MS), emit=emit)
    return one.take_tally()


@pytest.mark.parametrize(
    ("multiples", "counts"),
    [
        ([7, 8, 9], {"bars": 3}),
        ([7, 7, 8, 8, 8], {"bars": 2, "repeated": 3}),
        ([7, 8, 6, 7, 9], {"bars": 3, "out_of_order": 2}),
        ([7, 9], {"bars": 2, "gaps": 1, "missing_bars": 1}),
        ([7, 107, 110], {"bars": 3, "gaps": 2, "missing_bars": 101}),
        ([7, 9, 8, 9, 10], {"bars": 3, "gaps": 1, "missing_bars": 1, "out_of_order": 1, "repeated": 1}),
    ],
)
def test_what_happened_to_the_bars_is_counted(multiples: list[int], counts: dict[str, int]) -> None:
    first, last = multiples[0] * QUARTER_MS, (max(multiples) + 1) * QUARTER_MS

    assert seen(multiples) == Tally("BTCUSDT|15m", **counts, first_open_ms=first, last_close_ms=last)  # type: ignore[arg-type]


def test_bars_of_history_are_counted_apart() -> None:
    assert seen([7, 8, 8, 10], emit=False) == Tally("BTCUSDT|15m", warm_up_bars=3, repeated=1, gaps=1, missing_bars=1)


def test_a_tally_is_taken_once() -> None:
    one = analyzer()
    signals_of(one, bars(5))

    assert one.take_tally().bars == 5
    assert one.take_tally() == Tally("BTCUSDT|1h")


def test_tallies_add_up() -> None:
    total, items = Tally("BTCUSDT|1h"), bars(60)
    one = analyzer()
    for i in range(0, 60, 7):
        signals_of(one, items[i : i + 7])
        total.add(one.take_tally())
    errors = Tally("BTCUSDT|1h", strategy_errors={"doji_reversal": 2})
    total.add(errors)
    total.add(errors)

    assert total == Tally(
        "BTCUSDT|1h",
        bars=60,
        first_open_ms=items[0].open_time_ms,
        last_close_ms=items[59].open_time_ms + HOUR_MS,
        strategy_errors={"doji_reversal": 4},
    )
    assert errors.strategy_errors == {"doji_reversal": 2}


def test_dropped_bars_change_no_signal() -> None:
    items = bars()
    disturbed: list[Bar] = []
    for i, bar in enumerate(items):
        disturbed += [bar, bar._replace(close=bar.low, volume=9e9)] + [items[max(0, i - 5)]] * (i % 3)

    assert signals_of(analyzer(), disturbed) == signals_of(analyzer(), items)


def test_indicators_go_on_over_a_gap_while_days_and_higher_bars_follow_the_clock() -> None:
    items = bars(1_200)
    with_gap = items[:900] + tuple(bar._replace(open_time_ms=bar.open_time_ms + 51 * HOUR_MS) for bar in items[900:])
    ours = [(s.strategy_id, s.action, s.price) for s in signals_of(analyzer(), with_gap) if s.action != "hold"]
    theirs = referenced(with_gap)

    assert len(theirs) > 100
    assert sorted(ours) == sorted((s.strategy_id, s.action, s.price) for s in theirs if s.action != "hold")


def test_history_emits_nothing_and_leaves_what_was_held() -> None:
    items, live = bars(), 800
    one = analyzer()
    assert signals_of(one, items[:live], emit=False) == []
    ours = [(i, s.strategy_id, s.action) for i, bar in enumerate(items[live:], live) for s in one.on_bar(bar)]
    theirs = referenced(items, first_live=live)

    assert len(theirs) > 100
    assert sorted(ours) == sorted(signal[:3] for signal in theirs)


def test_warming_up_is_taking_bars_as_history() -> None:
    items = bars(1_000)
    warmed, fed = analyzer(), analyzer()
    warmed.warm_up([*items[:500], items[499], items[3]])
    signals_of(fed, items[:500], emit=False)

    assert warmed.take_tally() == Tally("BTCUSDT|1h")
    assert signals_of(warmed, items[500:]) == signals_of(fed, items[500:])


class Failing:
    """Makes strategies raise on some of the bars on which they are asked."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *strategy_ids: str, every: int) -> None:
        self.bar = -1
        for strategy_id in strategy_ids:
            kind = STRATEGIES[strategy_id]
            monkeypatch.setattr(kind, "setup", self._failing(kind.setup, every))

    def _failing(self, setup: object, every: int) -> object:
        def failing(strategy: object) -> Setup | None:
            if self.bar % every == 0:
                raise ZeroDivisionError("a bar that divides by zero")
            return setup(strategy)  # type: ignore[operator,no-any-return]

        return failing

    def count_bars(self, items: Iterable[Bar]) -> Iterator[Bar]:
        for self.bar, bar in enumerate(items):
            yield bar


def test_an_error_costs_its_strategy_the_bar_and_no_other_anything(monkeypatch: pytest.MonkeyPatch) -> None:
    items = bars()
    without_error = signals_of(analyzer(), items)
    failing = Failing(monkeypatch, "doji_reversal", "momentum_pulse", every=10)
    one = analyzer()
    signals = signals_of(one, failing.count_bars(items))
    failed = {"doji_reversal", "momentum_pulse"}

    assert one.take_tally().strategy_errors == dict.fromkeys(failed, 200)
    assert [s for s in signals if s.strategy_id not in failed] == [
        s for s in without_error if s.strategy_id not in failed
    ]
    places = {items[i].open_time_ms for i in range(0, len(items), 10)}
    theirs = [s for s in signals if s.strategy_id in failed]
    assert {s.strategy_id for s in theirs} == failed
    assert not [s for s in theirs if int(s.signal_id.split("-")[2]) in places]


def test_an_error_that_never_ends_leaves_the_others_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    items = bars(600)
    without_error = signals_of(analyzer(), items)
    one = analyzer()
    failing = Failing(monkeypatch, "rsi_extreme_reversal", every=1)
    one = analyzer()
    signals = signals_of(one, failing.count_bars(items))

    assert one.take_tally().strategy_errors == {"rsi_extreme_reversal": 600}
    assert signals == [s for s in without_error if s.strategy_id != "rsi_extreme_reversal"]


def test_each_error_is_logged_once_with_its_traceback(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    failing = Failing(monkeypatch, "doji_reversal", "momentum_pulse", every=10)
    with caplog.at_level(logging.ERROR):
        signals_of(analyzer(), failing.count_bars(bars(45)))
    logged = [(record.exc_info and record.exc_info[0], record.getMessage()) for record in caplog.records]

    assert [kind for kind, _ in logged] == [ZeroDivisionError] * 10
    for strategy_id in ("doji_reversal", "momentum_pulse"):
        assert len([message for _, message in logged if strategy_id in message and "BTCUSDT|1h" in message]) == 5


CONTRACT = {
    *("signal_id", "strategy_id", "strategy", "source", "symbol", "action", "confidence", "strength", "price"),
    *("current_price", "quantity", "stop_loss", "take_profit", "timeframe", "timestamp", "indicators", "metadata"),
}


def numbers_in(value: object) -> Iterator[float]:
    if isinstance(value, dict):
        for item in value.values():
            yield from numbers_in(item)
    elif isinstance(value, int | float):
        yield value


def test_every_signal_is_as_other_programs_read_it() -> None:
    items = bars()
    opened = {bar.open_time_ms: bar for bar in items}
    signals = signals_of(analyzer(), items)

    assert len(signals) > 500
    for signal in signals:
        message = orjson.loads(signal.to_json())
        assert message.keys() == CONTRACT
        assert message["metadata"].keys() == {"bar_open_time", "risk_reward_ratio", "strategy_config"}
        assert message["strategy_id"] == message["strategy"] == signal.strategy_id
        assert (message["source"], message["symbol"], message["timeframe"]) == ("ta_bot", "BTCUSDT", "1h")
        assert message["action"] in ACTIONS
        assert 0.5 <= message["confidence"] <= 1.0
        assert all(isfinite(number) for number in numbers_in(message))
        assert message["indicators"], "nothing that the decision used"
        assert all(isinstance(value, float) for value in message["indicators"].values())
        assert message["current_price"] == opened[int(signal.signal_id.split("-")[2])].close


def test_levels_and_ratio_are_there_for_trades_and_null_for_alerts() -> None:
    trades = 0
    for signal in signals_of(analyzer(), bars()):
        message = signal.as_dict()
        levels = message["stop_loss"], message["take_profit"], message["metadata"]["risk_reward_ratio"]
        if signal.is_alert:
            assert levels == (None, None, None)
        else:
            trades += 1
            price, (stop, target, ratio) = message["price"], levels
            assert stop < price < target or target < price < stop
            assert ratio == pytest.approx(abs(target - price) / abs(price - stop))
    assert trades > 100


def test_ids_are_unique_and_the_same_again() -> None:
    first, second = (signals_of(analyzer(), bars()) for _ in range(2))

    assert [signal.to_json() for signal in first] == [signal.to_json() for signal in second]
    assert len({signal.signal_id for signal in first}) == len(first)


@pytest.mark.parametrize(
    ("timeframe", "opens_ms", "opened", "closed"),
    [
        ("15m", 1_704_067_200_000, "2024-01-01T00:00:00.000Z", "2024-01-01T00:15:00.000Z"),
        ("1d", 1_709_164_800_000, "2024-02-29T00:00:00.000Z", "2024-03-01T00:00:00.000Z"),
        ("1M", 1_706_745_600_000, "2024-02-01T00:00:00.000Z", "2024-03-01T00:00:00.000Z"),
    ],
)
def test_a_signal_is_of_the_time_at_which_its_bar_closed(
    timeframe: str, opens_ms: int, opened: str, closed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(STRATEGIES["doji_reversal"], "setup", lambda _: Setup("sell", 0.8, 99.0, 101.0, 96.0))
    overrides = {"doji_reversal": {"min_data_points": 1, "risk_reward": 1.5}}
    configuration = configuration_of({"enabled_strategies": ("doji_reversal",)}, overrides, source="flags")
    (signal,) = KeyAnalyzer(f"ETHUSDT|{timeframe}", configuration).on_bar(Bar(opens_ms, 100.0, 102.0, 98.0, 100.5, 7.0))

    assert signal.as_dict() == {
        "signal_id": f"ETHUSDT-{timeframe}-{opens_ms}-doji_reversal-sell",
        "strategy_id": "doji_reversal",
        "strategy": "doji_reversal",
        "source": "ta_bot",
        "symbol": "ETHUSDT",
        "action": "sell",
        "confidence": 0.8,
        "strength": "extreme",
        "price": 99.0,
        "current_price": 100.5,
        "quantity": 0.001,
        "stop_loss": 101.0,
        "take_profit": 96.0,
        "timeframe": timeframe,
        "timestamp": closed,
        "indicators": {"open": 100.0, "high": 102.0, "low": 98.0, "close": 100.5},  # no ATR and no mean on a first bar
        "metadata": {
            "bar_open_time": opened,
            "risk_reward_ratio": 1.5,
            "strategy_config": {
                "version": 0,
                "parameters": {"min_data_points": 1, "risk_reward": 1.5},
                "source": "flags",
                "is_override": False,
            },
        },
    }
