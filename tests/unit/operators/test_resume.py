"""An analyzer that goes on from a snapshot, as the flow makes it do, is one that never stopped; or it refuses."""

from __future__ import annotations

import pickle
from array import array
from collections.abc import Callable, Iterator
from math import inf, nan
from random import Random
from typing import Any

import pytest

from operators.analyzer import KeyAnalyzer
from state.errors import WarmUpAgain
from state.snapshot import SNAPSHOT_VERSION
from strategies.configuration import Configuration, configuration_of
from tests.kit import real_bars

KEY = "BTCUSDT|1h"
OTHER_PERIOD = configuration_of(overrides={"momentum_pulse": {"ema_fast": 22}})

Content = dict[str, Any]


def stored(snapshot: Any) -> Any:
    """What comes back from where the flow keeps snapshots."""
    return pickle.loads(pickle.dumps(snapshot))  # noqa: S301  # our own bytes


def resumed(snapshot: Any, configuration: Configuration | None = None) -> KeyAnalyzer:
    analyzer = KeyAnalyzer(KEY, configuration or configuration_of())
    analyzer.resume(snapshot)
    return analyzer


def run(stops: set[int], configuration: Configuration, count: int) -> list[bytes]:
    """All signals as JSON, with a snapshot and a new analyzer before each of the `stops`."""
    analyzer = KeyAnalyzer(KEY, configuration)
    signals = []
    for i, bar in enumerate(real_bars("BTCUSDT", "1h")[:count]):
        if i in stops:
            analyzer = resumed(stored(analyzer.snapshot()), configuration)
        signals += [signal.to_json() for signal in analyzer.on_bar(bar)]
    return signals


@pytest.fixture(scope="module")
def snapshot() -> Content:
    analyzer = KeyAnalyzer(KEY, configuration_of())
    for bar in real_bars("BTCUSDT", "1h")[:700]:
        analyzer.on_bar(bar)
    return analyzer.snapshot()


CONFIGURATIONS = {
    "defaults": configuration_of(),
    "no cooldown": configuration_of({"cooldown_bars": 0, "min_confidence": 0.0}),
    "other periods": configuration_of({}, {"minervini_trend_template": {"lookback_periods": 37}}),
}


@pytest.mark.parametrize("configuration", CONFIGURATIONS.values(), ids=CONFIGURATIONS)
@pytest.mark.parametrize("seed", [1, 2])
def test_stopping_at_random_bars_changes_no_signal(configuration: Configuration, seed: int) -> None:
    never_stopped = run(set(), configuration, 4_000)

    assert len(never_stopped) > 1_000
    assert run(set(Random(seed).sample(range(4_000), 100)), configuration, 4_000) == never_stopped


def test_stopping_before_every_bar_changes_no_signal() -> None:
    never_stopped = run(set(), configuration_of(), 900)

    assert len(never_stopped) > 200
    assert run(set(range(900)), configuration_of(), 900) == never_stopped


def test_a_snapshot_of_an_analyzer_that_went_on_is_the_same(snapshot: Content) -> None:
    assert resumed(stored(snapshot)).snapshot() == snapshot


def test_the_order_and_the_counts_of_bars_are_gone_on_from(snapshot: Content) -> None:
    bars = real_bars("BTCUSDT", "1h")
    analyzer = resumed(stored(snapshot))
    for i in (699, 3, 702):
        analyzer.on_bar(bars[i])
    tally = analyzer.take_tally()

    assert (tally.bars, tally.repeated, tally.out_of_order, tally.missing_bars) == (701, 1, 1, 2)


def test_a_snapshot_does_not_change_when_more_bars_come() -> None:
    analyzer = KeyAnalyzer(KEY, configuration_of())
    bars = real_bars("BTCUSDT", "1h")
    for bar in bars[:500]:
        analyzer.on_bar(bar)
    taken = analyzer.snapshot()
    before = pickle.dumps(taken)
    for bar in bars[500:900]:
        analyzer.on_bar(bar)

    assert pickle.dumps(taken) == before
    assert pickle.dumps(analyzer.snapshot()) != before


def test_going_on_leaves_the_snapshot_as_it_was(snapshot: Content) -> None:
    before = pickle.dumps(snapshot)
    analyzer = resumed(snapshot)
    for bar in real_bars("BTCUSDT", "1h")[700:900]:
        analyzer.on_bar(bar)

    assert pickle.dumps(snapshot) == before


def parts(value: object) -> Iterator[object]:
    yield value
    if isinstance(value, dict):
        for pair in value.items():
            yield from parts(pair)
    elif isinstance(value, tuple | list):
        for item in value:
            yield from parts(item)


def test_a_snapshot_is_plain_data(snapshot: Content) -> None:
    assert {type(part) for part in parts(snapshot)} <= {dict, tuple, list, str, bytes, int, float, type(None)}


def test_a_snapshot_stays_small_over_a_year() -> None:
    analyzer = KeyAnalyzer("BTCUSDT|15m", configuration_of())
    sizes = []
    for i, bar in enumerate(real_bars("BTCUSDT")):
        analyzer.on_bar(bar)
        if i % 1_000 == 999:
            sizes.append(len(pickle.dumps(analyzer.snapshot())))

    assert len(sizes) == 35
    assert max(sizes) <= 20_000
    assert sizes[-1] <= sizes[4] + 100  # numbers grow by digits, nothing else does


def without(name: str) -> Callable[[Content], object]:
    return lambda content: {key: value for key, value in content.items() if key != name}


def with_(name: str, value: object) -> Callable[[Content], object]:
    return lambda content: {**content, name: value}


def with_emission(value: object) -> Callable[[Content], object]:
    return lambda content: {**content, "emissions": {**content["emissions"], "doji_reversal": value}}


def with_numbers(number: float) -> Callable[[Content], object]:
    """Every number of an EMA replaced."""

    def spoil(content: Content) -> object:
        packed = content["indicators"]
        numbers = array("d", [number] * (len(packed["ema(21)"]) // 8)).tobytes()
        return {**content, "indicators": {**packed, "ema(21)": numbers}}

    return spoil


REFUSED: dict[str, Callable[[Content], object]] = {
    "nothing": lambda _: None,
    "bytes": lambda _: b"garbage",
    "an empty dict": lambda _: {},
    "the next version": with_("version", SNAPSHOT_VERSION + 1),
    "no version": without("version"),
    **{f"no {name}": without(name) for name in ("last_open_ms", "bars_seen", "indicators", "emissions")},
    "a last bar that is no time": with_("last_open_ms", "yesterday"),
    "a count of bars that is none": with_("bars_seen", "many"),
    "no count of bars": with_("bars_seen", None),
    "indicators that are none": with_("indicators", None),
    "indicators that are a list": with_("indicators", [1, 2]),
    "no indicator at all": with_("indicators", {}),
    "emissions that are none": with_("emissions", None),
    "no emission at all": with_("emissions", {}),
    "no configuration": without("configuration"),
    "a configuration that is none": with_("configuration", b"[]"),
    "a configuration that is not possible": with_(
        "configuration", OTHER_PERIOD.packed.replace(b'"ema_fast":22', b'"ema_fast":501')
    ),
    "an emission that is none": with_emission(None),
    "an emission of one part": with_emission(("buy",)),
    "an emission of three parts": with_emission(("buy", {}, 1)),
    "an emission of text": with_emission(("buy", "sell")),
    "undefined numbers": with_numbers(nan),
    "infinite numbers": with_numbers(inf),
}


@pytest.mark.parametrize("spoil", REFUSED.values(), ids=REFUSED)
def test_what_is_no_snapshot_is_refused(spoil: Callable[[Content], object], snapshot: Content) -> None:
    with pytest.raises(WarmUpAgain):
        resumed(spoil(stored(snapshot)))


def test_every_missing_indicator_is_noticed(snapshot: Content) -> None:
    for name in snapshot["indicators"]:
        rest = {other: packed for other, packed in snapshot["indicators"].items() if other != name}
        with pytest.raises(WarmUpAgain):
            resumed({**snapshot, "indicators": rest})


@pytest.mark.parametrize("started_with", [OTHER_PERIOD, configuration_of({"enabled_strategies": ("doji_reversal",)})])
def test_a_key_goes_on_with_the_configuration_that_it_had(started_with: Configuration, snapshot: Content) -> None:
    analyzer = resumed(stored(snapshot), started_with)

    assert analyzer.configuration == configuration_of()
    assert analyzer.snapshot() == snapshot


def test_the_snapshot_of_a_key_without_bars_is_gone_on_from() -> None:
    analyzer = resumed(stored(KeyAnalyzer(KEY, configuration_of()).snapshot()))

    assert [len(analyzer.on_bar(bar)) for bar in real_bars("BTCUSDT", "1h")[:9]] == [0] * 9
    assert analyzer.take_tally().bars == 9
