"""One signal and a few bars after it: fills and results computed by hand, in the comments."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import pytest

from tests.unit.operators.evaluation.orders import Prices, bars_from, followed, follower, mirrored, signal_at


class Case(NamedTuple):
    """A buy, and what must become of it without costs; sells are the same upside down."""

    name: str
    price: float
    stop: float
    target: float
    bars: Sequence[Prices]
    reason: str
    fill: float | None
    exit: float | None
    held: int | None
    r: float | None


# The signal's bar closes at 100. At the close means a price of 100: filled at the next open.
AT_CLOSE = [
    # In at 100, risk 100 - 95 = 5. Out at 110: 10 / 5 = 2 R.
    Case("target", 100, 95, 110, [(100, 104, 99, 103), (103, 111, 102, 108)], "target", 100, 110, 2, 2.0),
    # In at 100, out at 95: -1 R.
    Case("stop", 100, 95, 110, [(100, 104, 99, 103), (103, 105, 94, 96)], "stop", 100, 95, 2, -1.0),
    # In at 101, out at 110: 9, of the 5 that the signal risked.
    Case("opens away", 100, 95, 110, [(101, 104, 99, 103), (103, 110, 102, 108)], "target", 101, 110, 2, 1.8),
    # The second bar opens at 92, beyond the stop: out there. (92 - 100) / 5.
    Case("gap through the stop", 100, 95, 110, [(100, 104, 99, 97), (92, 96, 90, 95)], "stop", 100, 92, 2, -1.6),
    # The second bar opens at 115, beyond the target: a limit order, taken to be filled no better than its price.
    Case("gap through the target", 100, 95, 110, [(100, 104, 99, 108), (115, 118, 112, 117)], "target", 100, 110, 2, 2),
    # The second bar holds 95 and 110: stopped.
    Case("both in one bar", 100, 95, 110, [(100, 104, 99, 103), (103, 112, 94, 108)], "stop", 100, 95, 2, -1.0),
    # Already the first bar holds the target.
    Case("target at once", 100, 95, 110, [(100, 110, 99, 105)], "target", 100, 110, 1, 2.0),
    # Already the first bar holds both.
    Case("both at once", 100, 95, 110, [(100, 111, 95, 105)], "stop", 100, 95, 1, -1.0),
    # It opens at 94, beyond the stop: in and out at once.
    Case("opens beyond the stop", 100, 95, 110, [(94, 96, 93, 95)], "stop", 94, 94, 1, 0.0),
    # It opens at 112, beyond the target: in and out at once.
    Case("opens beyond the target", 100, 95, 110, [(112, 113, 111, 112)], "target", 112, 112, 1, 0.0),
    # Neither is reached in 4 bars: out at the close of the fourth, 102. 2 / 5.
    Case("horizon", 100, 95, 110, [(100, 104, 99, 103)] * 3 + [(103, 104, 99, 102)], "horizon", 100, 102, 4, 0.4),
    # On the horizon's own bar the stop still counts.
    Case("stop at the horizon", 100, 95, 110, [(100, 104, 99, 103)] * 3 + [(99, 99, 95, 98)], "stop", 100, 95, 4, -1),
    # The bars end before anything happens.
    Case("open", 100, 95, 110, [(100, 104, 99, 103)] * 2, "open", 100, None, 2, None),
    Case("nothing follows", 100, 95, 110, [], "open", None, None, None, None),
]

# A buy at 105 when the close is 100 waits for the price to rise: a stop order, for 3 bars. Stop 102, target 111.
BEYOND = [
    # The second bar reaches 105: in at 105. The third holds 111: 6 / 3 = 2 R; held for 2 bars.
    Case(
        name="reached",
        price=105,
        stop=102,
        target=111,
        bars=[(100, 104, 99, 103), (103, 108, 102.5, 107), (107, 112, 106, 111)],
        reason="target",
        fill=105,
        exit=111,
        held=2,
        r=2.0,
    ),
    # It opens at 106, beyond the price: in there. Out at 111: 5 / 3.
    Case("opens beyond", 105, 102, 111, [(106, 112, 104, 110)], "target", 106, 111, 1, 5 / 3),
    # In at 105 in the course of a bar that also holds 102: as if after it. -3 / 3.
    Case("stop in the entry bar", 105, 102, 111, [(100, 106, 99, 105.5)], "stop", 105, 102, 1, -1.0),
    # The low of 102.5 leaves the stop alone; 111 lies beyond 105, so it was reached after it.
    Case("target in the entry bar", 105, 102, 111, [(103, 112, 102.5, 110)], "target", 105, 111, 1, 2.0),
    Case("both in the entry bar", 105, 102, 111, [(103, 112, 101, 110)], "stop", 105, 102, 1, -1.0),
    # It opens at 112, beyond price and target: in and out at once.
    Case("opens beyond the target", 105, 102, 111, [(112, 113, 103, 110)], "target", 112, 112, 1, 0.0),
    # 105 is reached on the third bar, the last that it waits for; the bars end there.
    Case("the last bar", 105, 102, 111, [(100, 104, 99, 103)] * 2 + [(103, 105, 103, 104)], "open", 105, None, 1, None),
    # 105 is reached on the fourth bar only.
    Case(
        "expired", 105, 102, 111, [(100, 104, 99, 103)] * 3 + [(103, 112, 103, 110)], "expired", None, None, None, None
    ),
    Case("still waiting", 105, 102, 111, [(100, 104, 99, 103)] * 2, "open", None, None, None, None),
]

# A buy at 98 when the close is 100 waits for the price to fall: a limit order. Stop 94, target 106: 8 / 4 = 2 R.
BEFORE = [
    Case("reached", 98, 94, 106, [(100, 101, 97, 99), (99, 106, 98.5, 105)], "target", 98, 106, 2, 2.0),
    # It opens at 96, before the price: filled no better than 98.
    Case("opens before", 98, 94, 106, [(96, 99, 95, 97), (97, 107, 96, 105)], "target", 98, 106, 2, 2.0),
    # The high of 107 may have been before the fall to 98, so it does not count; then the bars end.
    Case("target in the entry bar", 98, 94, 106, [(100, 107, 97, 99)], "open", 98, None, 1, None),
    # But after an open of 97 all of the bar is after the entry.
    Case("target after the open", 98, 94, 106, [(97, 107, 96, 105)], "target", 98, 106, 1, 2.0),
    Case("stop in the entry bar", 98, 94, 106, [(100, 101, 93, 95)], "stop", 98, 94, 1, -1.0),
    # It opens at 92, beyond the stop: in at 98, out at 92. -6 / 4.
    Case("opens beyond the stop", 98, 94, 106, [(92, 93, 91, 92)], "stop", 98, 92, 1, -1.5),
    Case("expired", 98, 94, 106, [(100, 104, 98.5, 103)] * 3, "expired", None, None, None, None),
]

CASES = [
    pytest.param(case, id=f"{kind}: {case.name}")
    for kind, cases in (("at the close", AT_CLOSE), ("beyond", BEYOND), ("before", BEFORE))
    for case in cases
]
RULES: dict[str, Any] = {"horizon_bars": 4, "entry_bars": 3}


@pytest.mark.parametrize("case", CASES)
def test_a_buy(case: Case) -> None:
    record = followed(signal_at("buy", case.price, case.stop, case.target), case.bars, **RULES)
    assert (record.reason, record.fill_price, record.exit_price) == (case.reason, case.fill, case.exit)
    assert record.bars == case.held
    assert record.r == pytest.approx(case.r)
    assert record.gross_r == record.r


@pytest.mark.parametrize("case", CASES)
def test_a_sell_is_a_buy_upside_down(case: Case) -> None:
    signal = signal_at("sell", 200.0 - case.price, 200.0 - case.stop, 200.0 - case.target)
    record = followed(signal, mirrored(case.bars), **RULES)
    fill, exit_price = (None if price is None else 200.0 - price for price in (case.fill, case.exit))
    assert (record.reason, record.fill_price, record.exit_price) == (case.reason, fill, exit_price)
    assert record.bars == case.held
    assert record.r == pytest.approx(case.r)


def test_costs_of_a_buy_that_is_stopped() -> None:
    # 10 bps of slippage, 5 bps of fees. In at 100 x 1.001 = 100.1, out at 95 x 0.999 = 94.905.
    # Fees: 0.0005 x (100.1 + 94.905) = 0.0975025. Result: 94.905 - 100.1 - 0.0975025 = -5.2925025.
    # In R: / 5 = -1.0585005. In bps of 100.1: -528.7215... Before costs: (95 - 100) / 5 = -1.
    bars: list[Prices] = [(100, 104, 99, 103), (103, 105, 94, 96)]
    record = followed(signal_at("buy", 100, 95, 110), bars, fee_bps=5.0, slippage_bps=10.0)
    assert record.fill_price == pytest.approx(100.1)
    assert record.exit_price == pytest.approx(94.905)
    assert record.r == pytest.approx(-1.0585005)
    assert record.return_bps == pytest.approx(-5.2925025 / 100.1 * 10_000.0)
    assert record.gross_r == -1.0


def test_costs_of_a_sell_that_reaches_its_target() -> None:
    # In at 100 x 0.999 = 99.9; out at 90, a limit order: no slippage. Fees: 0.0005 x (99.9 + 90) = 0.09495.
    # Result: 99.9 - 90 - 0.09495 = 9.80505, / 5 = 1.96101 R. Before costs: 10 / 5 = 2.
    bars: list[Prices] = [(100, 102, 97, 98), (98, 99, 89, 90)]
    record = followed(signal_at("sell", 100, 105, 90), bars, fee_bps=5.0, slippage_bps=10.0)
    assert record.fill_price == pytest.approx(99.9)
    assert record.exit_price == 90.0
    assert record.r == pytest.approx(1.96101)
    assert record.gross_r == 2.0


def test_costs_of_orders_away_from_the_close() -> None:
    # A stop order at 105 is filled at 105 x 1.001 = 105.105, a limit order at 98 at its price.
    costs = {"fee_bps": 0.0, "slippage_bps": 10.0}
    beyond = followed(signal_at("buy", 105, 102, 111), [(103, 106, 103, 105)], **costs)
    before = followed(signal_at("buy", 98, 94, 106), [(100, 101, 97, 99)], **costs)
    assert beyond.fill_price == pytest.approx(105.105)
    assert before.fill_price == 98.0


def test_costs_at_the_horizon() -> None:
    # In at 100.1, out at the close of 100 x 0.999 = 99.9: -0.2 / 5, and nothing before costs.
    record = followed(signal_at("buy", 100, 95, 110), [(100, 101, 99, 100)], horizon_bars=1, slippage_bps=10.0)
    assert record.reason == "horizon"
    assert record.r == pytest.approx(-0.04)
    assert record.gross_r == 0.0


def test_times_are_the_fill_bars_open_and_the_exit_bars_close() -> None:
    # The signal's bar opens at 00:00, the next two at 01:00 and 02:00; the last closes at 03:00.
    record = followed(signal_at("buy", 100, 95, 110), [(100, 104, 99, 103), (103, 111, 102, 108)])
    assert record.timestamp == "1970-01-01T01:00:00.000Z"
    assert record.fill_time == "1970-01-01T01:00:00.000Z"
    assert record.exit_time == "1970-01-01T03:00:00.000Z"


def test_alerts_are_not_followed() -> None:
    key = follower()
    alert = replace(signal_at("hold", 100, 95, 110), stop_loss=None, take_profit=None)
    first, second = bars_from([(100, 100, 100, 100)] * 2)
    assert key.take(first, [alert]) == key.take(second, []) == []
    assert [vars(left) for left in key.left()] == [{"key": "BTCUSDT|1h", "entries": {}}]


def test_overlapping_trades_are_each_followed() -> None:
    key = follower()
    bars = bars_from([(100, 100, 100, 100), (100, 101, 99, 100), (100, 111, 99, 110)])
    records = [
        *key.take(bars[0], [signal_at("buy", 100, 95, 110)]),
        *key.take(bars[1], [signal_at("buy", 100, 98, 106, index=1), signal_at("sell", 100, 104, 90, index=1)]),
        *key.take(bars[2], []),
    ]
    # Buys: 10 / 5 after 2 bars, and 6 / 2 after 1; the sell is stopped at 104.
    assert sorted((record.action, record.bars, record.r) for record in records) == [
        ("buy", 1, 3.0),
        ("buy", 2, 2.0),
        ("sell", 1, -1.0),
    ]
