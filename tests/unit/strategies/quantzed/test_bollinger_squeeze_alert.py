"""Bollinger Squeeze Alert on two closes: the bands are one standard deviation, half their distance, from the mean."""

from __future__ import annotations

from typing import Any

import pytest

from strategies.setup import Setup
from tests.kit import Candle, setup_of, still

ID = "bollinger_squeeze_alert"
THRESHOLDS: dict[str, Any] = {"squeeze_threshold": 0.125, "strong_squeeze_threshold": 0.0625}
SQUEEZED = still(61, 67)


def setup(candles: list[Candle], bb_std: float = 1.0, **parameters: Any) -> Setup | None:
    return setup_of(ID, candles, bb_period=2, bb_std=bb_std, **THRESHOLDS, **parameters)


def test_alerts_at_the_close_without_stop_and_target() -> None:
    # 6/64 wide.
    assert setup(SQUEEZED) == ("hold", 0.7, 67.0, None, None)


@pytest.mark.parametrize(
    ("candles", "confidence"),
    [
        pytest.param(still(60.5, 67.5), 0.7, id="narrower than the threshold"),
        pytest.param(still(62, 66), 0.7, id="as wide as the strong threshold"),
        pytest.param(still(62.5, 65.5), 0.8, id="narrower than the strong threshold"),
        pytest.param(still(64, 64), 0.8, id="without any width"),
    ],
)
def test_confidence(candles: list[Candle], confidence: float) -> None:
    found = setup(candles)
    assert found
    assert found.confidence == confidence


def test_both_confidences_are_parameters() -> None:
    parameters = {"base_confidence": 0.6, "strong_confidence": 0.9}
    assert setup(SQUEEZED, **parameters) == ("hold", 0.6, 67.0, None, None)
    assert setup(still(64, 64), **parameters) == ("hold", 0.9, 64.0, None, None)


@pytest.mark.parametrize(
    ("candles", "bb_std"),
    [
        pytest.param(still(60, 68), 1.0, id="as wide as the threshold"),
        pytest.param(still(48, 80), 1.0, id="wider than the threshold"),
        pytest.param(SQUEEZED, 2.0, id="twice as many standard deviations"),
    ],
)
def test_is_silent_when_the_bands_are_wide(candles: list[Candle], bb_std: float) -> None:
    assert setup(candles, bb_std=bb_std) is None


def test_is_silent_until_there_are_bands() -> None:
    assert setup(SQUEEZED[1:]) is None
