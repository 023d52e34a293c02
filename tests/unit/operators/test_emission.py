"""The emission rule, in tables: what a strategy says bar by bar, and what becomes a signal.

A letter is a bar: b, s and h are a buy, a sell and an alert, a dot is nothing, an x an error.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import inf, nan

import pytest

from operators.analyzer import KeyAnalyzer
from operators.emission import Emission
from strategies.configuration import EngineSettings, configuration_of
from strategies.registry import STRATEGIES
from strategies.setup import Setup
from strategies.signal import Signal
from tests.kit import bars_of, still

STRATEGY = "doji_reversal"

SAYS = {
    "b": Setup("buy", 0.7, 100.0, 98.0, 104.0),
    "s": Setup("sell", 0.7, 100.0, 102.0, 96.0),
    "h": Setup("hold", 0.7, 100.0),
    ".": None,
}
LETTERS = {"buy": "b", "sell": "s", "hold": "h"}


@pytest.fixture
def say(monkeypatch: pytest.MonkeyPatch) -> Say:
    return Say(monkeypatch)


class Say:
    """Runs the analyzer over still candles with one strategy that says what it is told to."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.monkeypatch = monkeypatch

    def signals(
        self, setups: Sequence[Setup | str | None], history: int = 0, min_data_points: int = 1, **engine: float
    ) -> list[list[Signal]]:
        """What is emitted on each bar."""
        seen = 0

        def setup(_: object) -> Setup | None:
            said = setups[seen]
            if isinstance(said, str):
                raise ZeroDivisionError(said)
            return said

        self.monkeypatch.setattr(STRATEGIES[STRATEGY], "setup", setup)
        settings = {"enabled_strategies": (STRATEGY,), **engine}
        configuration = configuration_of(settings, {STRATEGY: {"min_data_points": min_data_points}})
        analyzer = KeyAnalyzer("BTCUSDT|15m", configuration)
        emitted = []
        for seen, bar in enumerate(bars_of(still(*[100.0] * len(setups)))):  # read by the strategy
            emitted.append(analyzer.on_bar(bar, emit=seen >= history))
        return emitted

    def letters(self, script: str, history: int = 0, min_data_points: int = 1, **engine: float) -> str:
        """What is emitted, in the script's letters."""
        emitted = self.signals([SAYS.get(letter, letter) for letter in script], history, min_data_points, **engine)
        assert all(len(signals) < 2 for signals in emitted)
        return "".join(LETTERS[signals[0].action] if signals else "." for signals in emitted)


@pytest.mark.parametrize(
    ("cooldown_bars", "script", "emitted"),
    [
        (0, "bbbb", "b..."),
        (0, "b.b.b", "b.b.b"),
        (0, "bbsb", "b.sb"),
        (0, "bsbs", "bsbs"),
        (0, "hh.hb", "h..hb"),
        (1, "b.b", "b.b"),
        (4, "b...b", "b...b"),
        (4, "b..b", "b..."),
        (5, "b...b", "b...."),
        (4, "b.b..b", "b....b"),
        (4, "b.bbbbbb.b", "b........b"),
        (4, "bbbbb.b", "b.....b"),
        (4, "bbsb", "b.s."),
        (6, "b.s.b.s", "b.s...."),
        (6, "b.s.b.s.s", "b.s.....s"),
        (4, "b.sbbbb.b", "b.s.....b"),
        (4, "h.h.h", "h...h"),
        (64, "b" + "." * 62 + "b", "b" + "." * 63),
        (64, "b" + "." * 63 + "b", "b" + "." * 63 + "b"),
    ],
)
def test_a_signal_is_where_a_setup_begins_outside_the_cooldown(
    say: Say, cooldown_bars: int, script: str, emitted: str
) -> None:
    assert say.letters(script, cooldown_bars=cooldown_bars) == emitted


def test_the_cooldown_counts_from_the_last_signal_not_from_the_last_setup(say: Say) -> None:
    assert say.letters("b.b.b.b.b", cooldown_bars=5) == "b.....b.."


@pytest.mark.parametrize(
    ("history", "script", "emitted"),
    [
        (3, "bbb", "..."),
        (2, "bbbb", "...."),
        (2, "bb.b", "...b"),
        (2, "bbs", "..s"),
        (1, "b.b", "..b"),
        (2, ".bbb.b", ".....b"),
        (1, "xb", ".b"),
    ],
)
def test_history_is_remembered_as_held_but_neither_emitted_nor_cooled_down_from(
    say: Say, history: int, script: str, emitted: str
) -> None:
    assert say.letters(script, history=history, cooldown_bars=64) == emitted


@pytest.mark.parametrize(
    ("min_data_points", "history", "script", "emitted"),
    [
        (3, 0, "bbbb", "..b."),
        (3, 0, "..b", "..b"),
        (4, 0, "..b", "..."),
        (3, 2, "..b", "..b"),
        (3, 2, "bbb", "..b"),
        (1, 0, "b", "b"),
    ],
)
def test_a_setup_holds_from_min_data_points_on_history_counted(
    say: Say, min_data_points: int, history: int, script: str, emitted: str
) -> None:
    assert say.letters(script, history, min_data_points, cooldown_bars=0) == emitted


@pytest.mark.parametrize(("script", "emitted"), [("bxb", "b.b"), ("xxb", "..b"), ("bbx.", "b...")])
def test_on_a_bar_with_an_error_nothing_holds(say: Say, script: str, emitted: str) -> None:
    assert say.letters(script, cooldown_bars=0) == emitted


@pytest.mark.parametrize(
    ("confidence", "min_confidence", "emitted"),
    [
        (0.5, 0.5, 0.5),
        (0.49999999, 0.5, None),
        (0.7, 0.7, 0.7),
        (0.69999999, 0.7, None),
        (1.0, 1.0, 1.0),
        (1.7, 1.0, 1.0),
        (1.7, 0.5, 1.0),
        (0.0, 0.0, 0.0),
        (-0.2, 0.1, None),
        (-0.2, 0.0, 0.0),
        (nan, 0.5, None),
        (nan, 0.0, None),
        (inf, 0.5, 1.0),
        (-inf, 0.5, None),
    ],
)
def test_the_confidence_within_0_and_1_must_be_high_enough(
    say: Say, confidence: float, min_confidence: float, emitted: float | None
) -> None:
    ((*signals,),) = say.signals([Setup("buy", confidence, 100.0, 98.0, 104.0)], min_confidence=min_confidence)

    assert [signal.confidence for signal in signals] == ([] if emitted is None else [emitted])


def with_confidence(*confidences: float) -> list[Setup | str | None]:
    return [Setup("buy", confidence, 100.0, 98.0, 104.0) for confidence in confidences]


def test_a_setup_that_was_too_weak_begins_when_it_is_strong_enough(say: Say) -> None:
    emitted = say.signals(with_confidence(0.4, 0.6, 0.6, 0.4, 0.6), cooldown_bars=0)

    assert [len(signals) for signals in emitted] == [0, 1, 0, 0, 1]


LEVELS = [
    ("buy", 100.0, 98.0, 104.0, True),
    ("buy", 100.0, 100.0, 104.0, False),
    ("buy", 100.0, 98.0, 100.0, False),
    ("buy", 100.0, 102.0, 104.0, False),
    ("buy", 100.0, 98.0, 96.0, False),
    ("buy", 100.0, 104.0, 98.0, False),
    ("buy", 100.0, 0.0, 104.0, False),
    ("buy", 100.0, -1.0, 104.0, False),
    ("buy", 100.0, 5e-324, 104.0, True),
    ("buy", 100.0, nan, 104.0, False),
    ("buy", 100.0, 98.0, nan, False),
    ("buy", nan, 98.0, 104.0, False),
    ("buy", 100.0, 98.0, inf, False),
    ("buy", 100.0, None, 104.0, False),
    ("buy", 100.0, 98.0, None, False),
    ("buy", 100.0, None, None, False),
    ("sell", 100.0, 102.0, 96.0, True),
    ("sell", 100.0, 100.0, 96.0, False),
    ("sell", 100.0, 102.0, 100.0, False),
    ("sell", 100.0, 98.0, 96.0, False),
    ("sell", 100.0, 98.0, 104.0, False),
    ("sell", 100.0, 102.0, 0.0, False),
    ("sell", 100.0, 102.0, -5.0, False),
    ("sell", 100.0, inf, 96.0, False),
    ("sell", 100.0, 102.0, nan, False),
    ("sell", 100.0, nan, 96.0, False),
    ("sell", 100.0, None, None, False),
    ("hold", 100.0, None, None, True),
    ("hold", 0.0, None, None, False),
    ("hold", nan, None, None, False),
    ("hold", inf, None, None, False),
]


@pytest.mark.parametrize(("action", "price", "stop", "target", "holds"), LEVELS)
def test_levels_must_lie_on_their_sides_of_the_price(
    say: Say, action: str, price: float, stop: float | None, target: float | None, holds: bool
) -> None:
    setup = Setup(action, 0.7, price, stop, target)  # type: ignore[arg-type]

    assert setup.makes_sense() is holds
    assert [len(signals) for signals in say.signals([setup, setup])] == [int(holds), 0]


def test_levels_that_make_no_sense_end_what_was_held(say: Say) -> None:
    good, bad = SAYS["b"], Setup("buy", 0.7, 100.0, 101.0, 104.0)
    emitted = say.signals([good, bad, good, good], cooldown_bars=0)

    assert [len(signals) for signals in emitted] == [1, 0, 1, 0]


def emission(**engine: float) -> Emission:
    return Emission(EngineSettings(**engine), min_data_points=1)  # type: ignore[arg-type]


def begins(rule: Emission, letters: Iterable[str], first_bar: int) -> list[bool]:
    setups = [SAYS[letter] for letter in letters]
    return [rule.begins(setup, first_bar + i, emit=True) for i, setup in enumerate(setups) if setup]


@pytest.mark.parametrize("stop", range(1, 8))
def test_it_goes_on_from_what_it_dumped(stop: int) -> None:
    script = "bssbbsbs"
    never_stopped = begins(emission(cooldown_bars=3), script, 1)
    rule, again = emission(cooldown_bars=3), emission(cooldown_bars=3)
    before = begins(rule, script[:stop], 1)
    again.load(rule.dump())

    assert before + begins(again, script[stop:], stop + 1) == never_stopped


def test_what_was_dumped_does_not_change() -> None:
    rule = emission(cooldown_bars=0)
    begins(rule, "b", 1)
    dumped = rule.dump()
    begins(rule, "s", 2)

    assert dumped == ("buy", {"buy": 1})
