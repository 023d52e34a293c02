"""EMA Momentum Reversal with EMA(3), which goes half the way to each close.

So the EMA falls exactly when the close is below it, and rises exactly when the close is above it. Of the definitions
that leaves less to break: a turn implies `C[1] < e[1]`, `C > e`, and a low below the EMA on the bar before; `d <= 0`
implies `L <= e`.
"""

from __future__ import annotations

from typing import Any

import pytest

from strategies.setup import Setup
from tests.kit import Candle, altered, setup_of, still

ID = "ema_momentum_reversal"
CALM = still(16, 16, 16)

# The EMA: 16, 12, 16. The low is above the one before, which is 8.
ADVANCED: list[Candle] = [*CALM, (16.0, 16.0, 8.0, 8.0, 1.0), (10.0, 22.0, 9.0, 20.0, 1.0)]
# The same with a low that is not.
SLOPE: list[Candle] = altered(ADVANCED, low=8.0)
# Above an EMA of 16 with its close only.
RISE: Candle = (16.0, 17.0, 16.0, 17.0, 1.0)
# The EMA: 16, 16, 16, 12.
CAPITULATION: list[Candle] = [*CALM, *still(16, 16), (16.0, 18.0, 6.0, 8.0, 1.0)]
# The EMA: 36, 31, 27.5, 26.25, so it falls by 5, 3.5 and 1.25.
WEAKNESS: list[Candle] = [*still(36, 36, 36, 26, 24), (24.5, 27.0, 23.0, 25.0, 1.0)]
# The EMA falls by 8, 4 and 2 to 18, and rises by 4, 0.5 and 0.75.
WEAKNESS_OVER_THE_EMA: list[Candle] = [*still(32, 32, 32, 16, 16, 16, 26, 23), (23.5, 25.0, 23.0, 24.0, 1.0)]


def setup(candles: list[Candle], window: int = 3, **parameters: Any) -> Setup | None:
    return setup_of(ID, candles, ema_period=3, window=window, **parameters)


def confidence_of(candles: list[Candle], **parameters: Any) -> float:
    """The confidence of a setup, to which nothing is added and from which nothing is taken away."""
    found = setup(candles, max_momentum_bonus=0.0, max_distance_penalty=0.0, **parameters)
    assert found
    return found.confidence


@pytest.mark.parametrize(
    ("candles", "outcome"),
    [
        # Bonus and penalty are at their most: 100 * 4/16 and 10 * 4/16.
        pytest.param(ADVANCED, ("buy", 0.8 + 0.05 - 0.08, 22.0, 9.0, 22.0 + 2 * 13.0), id="advanced"),
        pytest.param(SLOPE, ("buy", 0.76 + 0.05 - 0.08, 22.0, 8.0, 22.0 + 2 * 14.0), id="slope"),
        # Here the EMA falls.
        pytest.param(CAPITULATION, ("buy", 0.78 - 0.08, 18.0, 6.0, 18.0 + 2 * 12.0), id="capitulation"),
        pytest.param(WEAKNESS, ("buy", 0.74 - 0.08, 27.0, 23.0, 27.0 + 2 * 4.0), id="weakness"),
    ],
)
def test_buys_at_the_high_with_the_stop_at_the_low(candles: list[Candle], outcome: tuple[str, float]) -> None:
    assert setup(candles) == pytest.approx(outcome)


def test_reward_follows_the_risk() -> None:
    assert setup(SLOPE, risk_reward=0.5) == pytest.approx(("buy", 0.73, 22.0, 8.0, 29.0))


@pytest.mark.parametrize(
    ("candles", "parameters", "confidence"),
    [
        pytest.param(SLOPE, {"max_momentum_bonus": 0.0, "max_distance_penalty": 0.0}, 0.76, id="neither"),
        pytest.param(SLOPE, {"momentum_factor": 0.125, "distance_factor": 0.0}, 0.76 + 0.125 * 4 / 16, id="momentum"),
        pytest.param(SLOPE, {"max_momentum_bonus": 0.02, "distance_factor": 0.0}, 0.78, id="most of the momentum"),
        pytest.param(CAPITULATION, {"distance_factor": 0.0}, 0.78, id="no momentum of a falling EMA"),
        pytest.param(WEAKNESS, {"distance_factor": 0.0}, 0.74, id="nor of one that falls more slowly"),
        pytest.param(SLOPE, {"momentum_factor": 0.0, "distance_factor": 0.125}, 0.76 - 0.125 * 4 / 16, id="distance"),
        pytest.param(CAPITULATION, {"distance_factor": 0.125}, 0.78 - 0.125 * 4 / 12, id="distance below the EMA"),
        pytest.param(
            SLOPE, {"momentum_factor": 0.0, "max_distance_penalty": 0.02}, 0.76 - 0.02, id="most of the distance"
        ),
        pytest.param(SLOPE, {"slope_confidence": 0.85, "distance_factor": 0.0}, 0.88, id="most of all"),
        pytest.param(WEAKNESS, {"base_confidence": 0.7}, 0.7, id="least of all"),
        pytest.param(
            WEAKNESS_OVER_THE_EMA,
            {"window": 6, "momentum_factor": 0.125, "distance_factor": 0.0},
            0.74 + 0.125 * 0.75 / 23.25,
            id="weakness rising",
        ),
    ],
)
def test_confidence(candles: list[Candle], parameters: dict[str, Any], confidence: float) -> None:
    found = setup(candles, **parameters)
    assert found
    assert found.confidence == pytest.approx(confidence)


@pytest.mark.parametrize(
    ("name", "candles"),
    [("advanced", ADVANCED), ("slope", SLOPE), ("capitulation", CAPITULATION), ("weakness", WEAKNESS)],
)
def test_each_confidence_is_a_parameter(name: str, candles: list[Candle]) -> None:
    assert confidence_of(candles, **{f"{name}_confidence": 0.625}) == 0.625


def test_advanced_comes_before_slope() -> None:
    assert confidence_of(ADVANCED) == 0.8
    assert confidence_of(altered(ADVANCED, low=8.25)) == 0.8
    assert confidence_of(altered(ADVANCED, low=8.0)) == 0.76


def test_advanced_and_slope_come_before_weakness() -> None:
    # The EMA falls by 5, 0.5 and 5.25 to 25.25 and rises to 26.625.
    turn: list[Candle] = [*still(36, 36, 36, 26, 30, 20), (27.0, 29.0, 20.0, 28.0, 1.0)]
    assert confidence_of(turn, window=4) == 0.76
    assert confidence_of(altered(turn, low=21.0), window=4) == 0.8
    # Without the turn it is weakness: with 25.25 the EMA does not move.
    assert confidence_of(altered(turn, open=25.0, close=25.25), window=4) == 0.74


def test_capitulation_comes_before_weakness() -> None:
    # The EMA falls by 3, 3.5 and 2.25.
    gap: list[Candle] = [*still(36, 36, 36, 30), (30.0, 30.0, 25.5, 26.0, 1.0), (24.5, 26.0, 24.0, 25.0, 1.0)]
    assert confidence_of(gap) == 0.78
    assert confidence_of(altered(gap, -2, low=25.0)) == 0.74


@pytest.mark.parametrize(
    ("holding", "broken"),
    [
        pytest.param(SLOPE, altered(SLOPE, -2, open=16.0, high=16.0, close=16.0), id="EMA falling before"),
        pytest.param([*CALM, *still(15), SLOPE[-1]], [*CALM, *still(17), SLOPE[-1]], id="EMA not rising before"),
        # The EMA was 12.
        pytest.param(altered(SLOPE, close=12.25), altered(SLOPE, close=12.0), id="EMA rising"),
        pytest.param(
            altered(SLOPE, open=20.0, high=20.25, low=20.0),
            altered(SLOPE, open=20.0, high=20.0, low=20.0),
            id="high above the low",
        ),
    ],
)
def test_each_condition_of_a_turn_is_needed(holding: list[Candle], broken: list[Candle]) -> None:
    assert setup(holding)
    assert setup(broken) is None


@pytest.mark.parametrize(
    ("holding", "broken"),
    [
        pytest.param(
            altered(CAPITULATION, -2, low=8.25), altered(CAPITULATION, -2, low=8.0), id="close below the low before"
        ),
        pytest.param([*CALM, *still(16, 16, 8)], [*CALM, RISE, *still(16, 8)], id="EMA not rising first"),
        pytest.param([*CALM, *still(16, 16, 8)], [*CALM, *still(16), RISE, *still(8)], id="EMA not rising then"),
        # The EMA was 12: it rises to 13, below where it came from.
        pytest.param([*CALM, *still(8, 12, 8)], [*CALM, *still(8, 14, 8)], id="EMA not rising again"),
    ],
)
def test_each_condition_of_a_capitulation_is_needed(holding: list[Candle], broken: list[Candle]) -> None:
    holding, broken = altered(holding, high=18.0), altered(broken, high=18.0)
    assert confidence_of(holding) == 0.78
    assert setup(broken) is None


def test_capitulation_looks_back_as_far_as_the_window() -> None:
    rose_before = [*CALM, *still(17), *CAPITULATION[-3:]]
    assert confidence_of(rose_before, window=3) == 0.78
    assert setup(rose_before, window=4) is None


@pytest.mark.parametrize(
    ("holding", "broken", "window"),
    [
        pytest.param(altered(WEAKNESS, open=24.75), altered(WEAKNESS, open=25.0), 3, id="close above the open"),
        pytest.param(
            altered(WEAKNESS, close=25.75), altered(WEAKNESS, close=26.0), 3, id="close below the one two bars before"
        ),
        # The lows keep the close from being a capitulation.
        pytest.param(
            [*WEAKNESS[:-2], (24.0, 26.0, 24.0, 25.75, 1.0), WEAKNESS[-1]],
            [*WEAKNESS[:-2], (24.0, 26.0, 24.0, 26.0, 1.0), WEAKNESS[-1]],
            3,
            id="close before below the one before it",
        ),
        # The EMA fell by 3.5 to 27.5; with 20.5 it does so again.
        pytest.param(
            altered(altered(WEAKNESS, -2, low=20.0), open=20.0, low=20.0, close=20.75),
            altered(altered(WEAKNESS, -2, low=20.0), open=20.0, low=20.0, close=20.5),
            3,
            id="EMA falling more slowly",
        ),
        pytest.param(
            [*still(36, 36, 36, 35.75), *WEAKNESS[-2:]], [*still(36, 36, 36, 36), *WEAKNESS[-2:]], 3, id="EMA falling"
        ),
        # The EMA begins at 24, where its first fall led.
        pytest.param(
            WEAKNESS_OVER_THE_EMA, [*still(24, 24, 24, 24), *WEAKNESS_OVER_THE_EMA[4:]], 6, id="EMA falling thrice"
        ),
        # The EMA was 22, 22.5 and 23.25.
        pytest.param(
            altered(WEAKNESS_OVER_THE_EMA, low=23.25),
            altered(WEAKNESS_OVER_THE_EMA, low=23.375),
            6,
            id="low at the EMA",
        ),
        pytest.param(
            altered(altered(WEAKNESS_OVER_THE_EMA, low=23.375), -2, low=22.5),
            altered(altered(WEAKNESS_OVER_THE_EMA, low=23.375), -2, low=22.75),
            6,
            id="or the low before",
        ),
        pytest.param(
            altered(altered(WEAKNESS_OVER_THE_EMA, low=23.375), -3, low=22.0),
            altered(altered(WEAKNESS_OVER_THE_EMA, low=23.375), -3, low=22.25),
            6,
            id="or the one before that",
        ),
    ],
)
def test_each_condition_of_weakness_is_needed(holding: list[Candle], broken: list[Candle], window: int) -> None:
    assert confidence_of(holding, window=window) == 0.74
    assert setup(broken, window=window) is None


def test_weakness_counts_over_the_window() -> None:
    assert confidence_of(WEAKNESS_OVER_THE_EMA, window=6) == 0.74
    assert setup(WEAKNESS_OVER_THE_EMA, window=5) is None


@pytest.mark.parametrize("candles", [ADVANCED, SLOPE, CAPITULATION, WEAKNESS])
def test_is_silent_until_the_slopes_it_looks_at_are_known(candles: list[Candle]) -> None:
    assert setup(candles)
    assert setup(candles[1:]) is None
