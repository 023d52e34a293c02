"""What a key asks its history for, and which signals go out, on bars each of which gives exactly one."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

import pytest

from operators.analyzer import KeyAnalyzer
from operators.backfill import OWED_BARS, Backfill, BackfillPolicy, Item
from operators.messages import Notice
from operators.requests import FILL_BARS, HistoryAnswer, HistoryRequest, Wake
from operators.times import parse_time_ms
from state.errors import WarmUpAgain
from state.timeframe import TIMEFRAMES
from strategies.configuration import configuration_of
from tests.kit import bars_of

KEY = "BTCUSDT|15m"
NOTICE = Notice(("BTCUSDT",), TIMEFRAMES["15m"])
SPAN_MS = 900_000
FOREVER = 10**9
OWN_BARS = 30

# A doji under its mean is a buy, one over it a sell: bars that change sides give a signal each.
CONFIGURATION = configuration_of(
    {"cooldown_bars": 0, "enabled_strategies": ("doji_reversal",)},
    {"doji_reversal": {"min_trend_atr": 0.0, "min_data_points": 10}},
)
BARS = bars_of([(price, price + 1.0, price - 1.0, price, 1.0) for price in (90.0, 110.0) * 2_000])


def ms(index: int | None) -> int | None:
    return None if index is None else index * SPAN_MS


class Key:
    """A key whose history is what a test says."""

    def __init__(self, max_age_bars: int = 1, warm_up_bars: int = 500) -> None:
        self.asked: list[HistoryRequest] = []
        self.policy = BackfillPolicy(self.asked.append, warm_up_bars, max_age_bars)
        self.backfill = self.new()

    def new(self) -> Backfill:
        return Backfill(lambda configuration: KeyAnalyzer(KEY, configuration, OWN_BARS), self.policy, CONFIGURATION)

    def take(self, *items: Item | int) -> list[int]:
        """Take items, a number for the bar of that index; the bars of the signals that go out."""
        taken = [self.backfill.take(BARS[item] if isinstance(item, int) else item) for item in items]
        return [parse_time_ms(signal.metadata.bar_open_time) // SPAN_MS for signals in taken for signal in signals]

    def answer(self, *indices: int, asked: int = -1) -> list[int]:
        """History has these bars, among those that were asked for."""
        _, after_ms, before_ms, limit, _ = request = self.asked[asked]
        after_ms, before_ms = -1 if after_ms is None else after_ms, before_ms or FOREVER * SPAN_MS
        bars = [BARS[i] for i in indices if after_ms < BARS[i].open_time_ms < before_ms]
        return self.take(HistoryAnswer(request, bars[-limit:]))

    def away(self) -> list[int]:
        return self.take(HistoryAnswer(self.asked[-1], None))

    def last_request(self) -> tuple[Any, ...]:
        return tuple(self.asked[-1])[:4]

    def state(self) -> str:
        return self.backfill.state

    def restart(self) -> None:
        snapshot = pickle.loads(pickle.dumps(self.backfill.snapshot()))  # noqa: S301  # our own bytes
        self.backfill = self.new()
        self.backfill.resume(snapshot)


def seeded(known: int = 20, **policy: int) -> Key:
    """A key that has had so many bars from history, and the next one after them."""
    key = Key(**policy)
    assert key.take(known) == []
    assert key.answer(*range(known)) == [known]
    return key


def request(after: int | None, before: int | None, limit: int) -> tuple[Any, ...]:
    return KEY, ms(after), ms(before), limit


def test_a_key_that_is_woken_asks_for_the_newest_bars_and_sends_nothing() -> None:
    key = Key(warm_up_bars=700)
    key.take(Wake())

    assert key.last_request() == request(None, None, 700)
    assert key.state() == "starting"
    assert key.answer(*range(30)) == []
    assert key.state() == "seeded"
    assert key.take(30, 31) == [30, 31]
    assert len(key.asked) == 1


def test_a_key_that_was_not_woken_is_seeded_before_its_first_bar() -> None:
    key = Key()
    key.take(40, 41, 42)

    assert key.last_request() == request(None, 40, 500)
    assert key.answer(*range(45)) == [40, 41, 42]


def test_a_key_without_history_begins_with_its_first_bar() -> None:
    key = Key()
    key.take(Wake())
    key.answer()
    key.take(40)
    assert key.last_request() == request(None, 40, 500)
    key.answer()

    assert key.state() == "seeded"
    assert key.take(*range(41, 60)) == list(range(53, 60))  # the ATR takes 14 bars
    assert len(key.asked) == 2


@pytest.mark.parametrize(
    ("max_age_bars", "sent"),
    [(0, [25]), (1, [24, 25]), (2, [23, 24, 25]), (4, [21, 22, 23, 24, 25]), (1_000, [21, 22, 23, 24, 25])],
)
def test_a_gap_is_filled_and_only_what_is_recent_is_sent(max_age_bars: int, sent: list[int]) -> None:
    key = seeded(max_age_bars=max_age_bars)
    assert key.take(25) == []
    assert key.last_request() == request(20, 25, 4)
    assert key.answer(*range(40)) == sent

    tally = key.backfill.analyzer.take_tally()
    assert (tally.bars, tally.filled_bars, tally.gaps) == (6, 4, 0)


def test_what_history_lacks_of_a_gap_stays_missing() -> None:
    key = seeded()
    key.take(25)
    assert key.answer(21, 22) == [25]

    tally = key.backfill.analyzer.take_tally()
    assert (tally.filled_bars, tally.gaps, tally.missing_bars) == (2, 1, 2)


def test_several_gaps_are_filled_one_after_the_other() -> None:
    key = seeded()
    key.take(23, 26, 27, 30)
    assert key.answer(*range(40)) == [22, 23]
    assert key.answer(*range(40)) == [25, 26, 27]
    assert key.last_request() == request(27, 30, 2)
    assert key.answer(*range(40)) == [29, 30]


def test_a_gap_of_years_is_filled_with_the_newest_bars() -> None:
    key = seeded()
    far = BARS[0]._replace(open_time_ms=100_000 * SPAN_MS)
    key.take(far)

    assert key.last_request() == request(20, 100_000, FILL_BARS)


@pytest.mark.parametrize(
    ("has", "sent"),
    [(range(30), [20, 21, 22, 23, 24, 25, 26]), ([21], [20, 21, 26]), ([], [20, 23, 26])],
)
def test_bars_that_arrive_out_of_order_while_history_is_asked_fill_the_gap_too(has: list[int], sent: list[int]) -> None:
    """Bars of one side in a row are one setup."""
    key = seeded(max_age_bars=100)
    assert key.take(26, 23, 23, 26) == []

    assert [20, *key.answer(*has)] == sent


def test_bars_that_arrived_are_sent_however_old_when_history_has_them_too() -> None:
    key = seeded()
    key.take(NOTICE, 21, 22, 23)

    assert key.answer(*range(27)) == [21, 22, 23, 25, 26]
    assert key.take(24, 25, 26, 27) == [27]


@pytest.mark.parametrize(("max_age_bars", "sent"), [(0, [23]), (1, [22, 23]), (9, [21, 22, 23])])
def test_a_notice_brings_the_bars_after_the_last_one(max_age_bars: int, sent: list[int]) -> None:
    key = seeded(max_age_bars=max_age_bars)
    key.take(NOTICE)
    assert key.last_request() == request(20, None, FILL_BARS)

    assert key.answer(*range(24)) == sent
    assert key.take(23, 24) == [24]


def test_a_notice_of_nothing_new_changes_nothing() -> None:
    key = seeded()
    key.take(NOTICE)

    assert key.answer(*range(21)) == []
    assert key.take(21) == [21]


def test_the_first_notice_of_a_key_is_of_the_newest_bar() -> None:
    key = Key()
    key.take(NOTICE)
    assert key.last_request() == request(None, None, 500)

    assert key.answer(*range(31)) == [30]
    assert key.take(31) == [31]


def test_a_notice_while_history_is_asked_is_asked_for_again() -> None:
    """What it is about may have been written after the answer was read."""
    key = seeded()
    key.take(NOTICE, NOTICE, NOTICE)
    assert len(key.asked) == 2

    assert key.answer(*range(22)) == [21]
    assert key.last_request() == request(21, None, FILL_BARS)
    assert key.answer(*range(24)) == [22, 23]
    assert len(key.asked) == 3


def test_a_notice_of_a_bar_that_seeding_already_had_is_answered() -> None:
    key = Key()
    key.take(Wake())
    key.answer(*range(31))
    key.take(NOTICE)

    assert key.answer(*range(31)) == [30]


def test_a_notice_that_was_answered_is_not_undone_by_its_bar() -> None:
    key = Key()
    key.take(Wake())
    key.answer(*range(31))
    key.take(NOTICE)
    key.answer(*range(31))

    assert key.take(30, 29, 31) == [31]
    assert len(key.asked) == 2


def test_a_first_notice_and_the_bar_that_it_is_about() -> None:
    key = Key()
    key.take(NOTICE, 29)
    assert key.answer(*range(31)) == []
    assert key.last_request() == request(None, 29, 500)

    assert key.answer(*range(31)) == [29]
    assert key.answer(*range(31)) == [30]


def test_a_bar_that_seeding_already_had_is_sent_when_it_arrives() -> None:
    key = Key()
    key.take(Wake())
    key.answer(*range(40))
    assert key.take(37) == []
    assert key.last_request() == request(None, 37, 500)
    assert key.state() == "seeded"

    assert key.answer(*range(40)) == [37]
    assert key.take(38, 39, 40) == [38, 39, 40]


def test_a_bar_that_seeding_already_had_costs_nothing_when_history_is_away() -> None:
    key = Key()
    key.take(Wake())
    key.answer(*range(40))
    key.take(39)
    key.away()

    assert key.take(40) == [40]  # as warm as before
    key.answer(*range(41))
    assert key.state() == "seeded"
    assert key.take(41) == [41]


def test_an_overtaken_answer_is_not_taken_for_that_to_an_equal_request() -> None:
    key = seeded()
    key.take(NOTICE, Wake())
    early, late = key.asked[-2:]
    assert key.take(HistoryAnswer(early, [])) == []  # the later one is on its way
    assert key.take(HistoryAnswer(late, [])) == []
    key.take(NOTICE)
    assert key.take(HistoryAnswer(late, []), HistoryAnswer(early, [])) == []

    assert key.answer(*range(22)) == [21]


def test_waking_a_key_at_work_changes_nothing() -> None:
    key = seeded()

    assert key.take(Wake(), 21) == [21]
    assert len(key.asked) == 1


@pytest.mark.parametrize(("max_age_bars", "after"), [(0, []), (1, []), (2, [22]), (3, [21, 22])])
def test_after_an_outage_the_missed_are_sent_if_recent_and_nothing_twice(max_age_bars: int, after: list[int]) -> None:
    key = seeded(max_age_bars=max_age_bars)
    key.take(23)
    assert key.away() == [23]
    assert key.state() == "cold"
    assert key.take(24) == [24]

    assert key.answer(*range(40)) == after
    assert key.state() == "seeded"
    assert key.take(25) == [25]
    tally = key.backfill.analyzer.take_tally()
    assert (tally.bars, tally.filled_bars) == (6, 2)


def test_gaps_of_an_outage_are_asked_for_together() -> None:
    key = seeded(max_age_bars=100)
    key.take(23)
    key.away()
    key.take(24, 24, 23, 27, 26, 28)
    key.answer(*range(40))
    assert key.last_request() == request(20, 27, 6)

    assert key.answer(*range(40)) == [21, 22, 25, 26]
    assert key.take(29) == [29]


def test_a_key_that_started_cold_is_seeded_as_soon_as_history_is_back() -> None:
    key = Key()
    key.take(Wake())
    key.away()
    assert key.state() == "cold"
    assert key.take(*range(40, 44)) == []  # too few bars
    key.answer(*range(60))
    assert key.last_request() == request(None, 40, 500)

    assert key.answer(*range(60)) == [42, 43]
    assert key.state() == "seeded"
    assert key.take(44) == [44]


def test_a_notice_during_an_outage_is_answered_after_it() -> None:
    key = seeded()
    key.take(NOTICE)
    key.away()
    assert key.take(21, NOTICE) == [21]
    key.answer(*range(40))
    assert key.last_request() == request(21, None, FILL_BARS)

    assert key.answer(*range(25)) == [23, 24]


def test_an_outage_longer_than_what_is_remembered_ends_by_itself() -> None:
    key = seeded()
    key.take(23)
    key.away()
    key.take(*range(24, 23 + OWED_BARS))
    assert key.state() == "cold"
    key.take(23 + OWED_BARS)

    assert key.state() == "seeded"
    assert key.answer(*range(40)) == []


def test_a_key_remembers_as_many_bars_as_it_would_be_seeded_with() -> None:
    key = seeded(warm_up_bars=OWED_BARS + 500)
    key.take(23)
    key.away()
    key.take(*range(24, 23 + OWED_BARS + 400))

    assert key.state() == "cold"


def waiting_for_a_gap(key: Key) -> list[int]:
    return key.take(23, 24, NOTICE, 26)


def waiting_for_bars_of_a_notice(key: Key) -> list[int]:
    return key.take(NOTICE, 21, NOTICE, 22)


def cold(key: Key) -> list[int]:
    return key.take(23) + key.away() + key.take(24, 26, NOTICE)


@pytest.mark.parametrize("doing", [waiting_for_a_gap, waiting_for_bars_of_a_notice, cold])
def test_a_restart_goes_on_where_it_was(doing: Callable[[Key], list[int]]) -> None:
    def all_sent(key: Key) -> list[int]:
        out = []
        for _ in range(6):  # as often as it asks
            out += key.answer(*range(30))
        return out + key.take(30)

    stopped, going = seeded(max_age_bars=2), seeded(max_age_bars=2)
    assert doing(stopped) == doing(going)
    stopped.restart()
    stopped.take(Wake())

    sent = all_sent(stopped)
    assert sent[-1] == 30
    assert sent == all_sent(going)
    theirs, ours = going.backfill.snapshot(), stopped.backfill.snapshot()
    assert theirs == ours


def test_a_bar_that_seeding_already_had_is_sent_after_a_restart_too() -> None:
    key = Key()
    key.take(Wake())
    key.answer(*range(40))
    key.restart()
    key.take(Wake(), 39)

    assert key.answer(*range(40)) == [39]


def with_backfill(**changed: object) -> Callable[[Any], object]:
    return lambda snapshot: {**snapshot, "backfill": {**snapshot["backfill"], **changed}}


DAMAGES = {
    "no parts": lambda snapshot: {**snapshot, "backfill": {}},
    "a text": lambda snapshot: {**snapshot, "backfill": "x"},
    "a request of too much": with_backfill(asked=(1, 2, 3, 4, 5, 6)),
    "a number for a request": with_backfill(asked=7),
    "half a bar": with_backfill(held=[(1, 2.0)]),
    "a number for a debt": with_backfill(debt=7),
    "half a debt": with_backfill(debt=(None, True)),
    "a debt of another version": with_backfill(debt=({"version": 0}, True, [], [])),
    "a debt that begins with nothing": with_backfill(debt=({"version": 1}, True, [], [])),
    "a debt of half a bar": with_backfill(debt=(None, True, [(1, 2.0)], [])),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_snapshot_is_refused_at_once(damage: Callable[[Any], object]) -> None:
    key = seeded()
    key.take(23)
    snapshot = damage(key.backfill.snapshot())

    with pytest.raises(WarmUpAgain):
        key.new().resume(snapshot)


def test_bars_of_history_are_those_that_the_test_makes() -> None:
    """Each gives one signal to a key that runs without any history at all."""
    analyzer = KeyAnalyzer(KEY, CONFIGURATION)
    counts = [len(analyzer.on_bar(bar)) for bar in BARS[:60]]

    assert counts == [0] * 13 + [1] * 47
