"""The desk between keys and real databases: keys are woken and answered, also when one is away, broken, or back."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

import pytest

from dataflow.config.here import ConfigHere
from dataflow.live.history import ANSWERS, HistoryDesk
from dataflow.live.key_logic import OWN_BARS, LiveAnalysis, LiveKeyLogic
from dataflow.live.status import Status
from dataflow.routing import Workers
from operators.analyzer import KeyAnalyzer
from operators.backfill import BackfillPolicy
from operators.live import Selection
from operators.requests import HistoryAnswer, HistoryRequest, Leave, Wake
from operators.tally import Tally
from state.bar import Bar
from state.klines import KlineStore
from state.timeframe import TIMEFRAMES
from strategies.configuration import configuration_of
from strategies.resolution import Pinned
from strategies.signal import Signal
from tests.databases import START_MS, SqlDatabase, fill, insert, make_table, some_bars
from tests.kit import real_bars
from tests.mariadb_server import MariaDB, MySQLDatabase
from tests.nats_server import wait_until

KEY = "BTCUSDT|15m"
SPAN_MS = TIMEFRAMES["15m"].span_ms
LATER_MS = START_MS + 10_000 * SPAN_MS
EVERYTHING = Selection(None, None)

Item = tuple[str, Wake | Leave | HistoryAnswer]


def request(key: str = KEY, after: int | None = None, before: int | None = None, limit: int = 500) -> HistoryRequest:
    return HistoryRequest(key, after, before, limit)


@contextmanager
def desk_of(store: KlineStore, now_ms: int = LATER_MS) -> Iterator[HistoryDesk]:
    with closing(HistoryDesk(store, Status(), lambda: now_ms, check_secs=0.05)) as desk:
        yield desk


@pytest.fixture
def desk(store: KlineStore) -> Iterator[HistoryDesk]:
    with desk_of(store) as desk:
        yield desk


def taken(desk: HistoryDesk, count: int) -> list[Item]:
    """The first things that the desk has for keys."""
    items: list[Item] = []

    def enough() -> bool:
        items.extend(desk.take(count - len(items)))
        return len(items) >= count

    wait_until(enough, f"{count} items")
    return items


def answered(desk: HistoryDesk, wanted: HistoryRequest) -> list[Bar]:
    """The bars of an answer that is one."""
    found: list[list[Bar]] = []

    def look() -> bool:
        for _, item in desk.take(99):
            if isinstance(item, HistoryAnswer) and item.request == wanted and item.bars is not None:
                found.append(item.bars)
        return bool(found)

    wait_until(look, f"an answer to {wanted}")
    return found[0]


def mine(_: str) -> bool:
    return True


@pytest.mark.parametrize("layout", ["own", "shared"])
def test_requests_are_answered_in_their_order(database: SqlDatabase, desk: HistoryDesk, layout: str) -> None:
    bars = some_bars(9)
    fill(database, layout, bars)
    times = [bar.open_time_ms for bar in bars]
    wanted = {
        request(): bars,
        request(limit=2): bars[-2:],
        request(before=times[5]): bars[:5],
        request(before=times[5], limit=2): bars[3:5],
        request(after=times[5]): bars[6:],
        request(after=times[2], before=times[6]): bars[3:6],
        request(after=times[8]): [],
        request(limit=0): [],
        request("ETHUSDT|15m"): [],
    }
    desk.start()
    for one in wanted:
        desk.ask(one)

    assert taken(desk, len(wanted)) == [(one.key, HistoryAnswer(one, found)) for one, found in wanted.items()]
    assert desk.status.history_trouble is None


def test_a_database_without_tables_has_no_bars(desk: HistoryDesk) -> None:
    desk.start()
    desk.ask(request())

    assert taken(desk, 1) == [(KEY, HistoryAnswer(request(), []))]


def test_the_bar_that_is_still_open_is_left_out_and_costs_no_other(database: SqlDatabase, store: KlineStore) -> None:
    bars = some_bars(9)
    fill(database, "own", bars)
    with desk_of(store, now_ms=bars[8].open_time_ms + SPAN_MS - 1) as desk:
        desk.start()
        desk.ask(request(limit=5))
        assert answered(desk, request(limit=5)) == bars[3:8]
    with desk_of(store, now_ms=bars[8].open_time_ms + SPAN_MS) as desk:
        desk.start()
        desk.ask(request(limit=5))
        assert answered(desk, request(limit=5)) == bars[4:9]


def test_every_configured_key_that_is_mine_is_woken(desk: HistoryDesk) -> None:
    desk.wake(Selection(frozenset({"A", "B"}), frozenset({"15m", "1h"})), lambda key: key != "B|15m")
    assert desk.status.keys() == {"starting": 3, "seeded": 0, "cold": 0}
    desk.start()

    assert taken(desk, 3) == [("A|15m", Wake()), ("A|1h", Wake()), ("B|1h", Wake())]


@pytest.mark.parametrize(
    ("selection", "woken"),
    [
        (EVERYTHING, ["BTCUSDT|15m", "ETHUSDT|1h"]),
        (Selection(None, frozenset({"1h"})), ["ETHUSDT|1h"]),
        (Selection(frozenset({"BTCUSDT", "ADAUSDT"}), None), ["BTCUSDT|15m"]),
    ],
)
def test_where_everything_is_configured_what_history_knows_is_woken(
    database: SqlDatabase, desk: HistoryDesk, selection: Selection, woken: list[str]
) -> None:
    make_table(database, "btcusdt_klines_15m")
    make_table(database, "klines_h1")
    insert(database, "klines_h1", some_bars(1), symbol="ETHUSDT")
    insert(database, "klines_h1", some_bars(1), symbol="SOLUSDT")
    desk.wake(selection, lambda key: not key.startswith("SOL"))
    desk.start()

    assert taken(desk, len(woken)) == [(key, Wake()) for key in woken]
    assert desk.status.keys()["starting"] == len(woken)


def test_while_history_is_away_all_is_answered_at_once_and_once_more_when_it_is_back(
    mariadb: MariaDB, mysql: MySQLDatabase
) -> None:
    bars = some_bars(9)
    fill(mysql, "own", bars)
    first, second, other = request(limit=2), request(limit=3), request("ETHUSDT|15m")
    with desk_of(KlineStore(mysql.uri)) as desk:
        with mariadb.down():
            desk.wake(EVERYTHING, mine)
            desk.start()
            for one in (first, other, second):
                desk.ask(one)
            expected = [(one.key, HistoryAnswer(one, None)) for one in (first, other, second)]
            assert taken(desk, 3) == expected
            told = str(desk.status.history_trouble)
            assert told.startswith("mysql://***@127.0.0.1:")
            assert mysql.password not in told
        again = taken(desk, 3)

        assert desk.status.history_trouble is None
        # The newer request of a key stands for its older one.
        assert (KEY, Wake()) in again
        assert (KEY, HistoryAnswer(second, bars[-3:])) in again
        assert ("ETHUSDT|15m", HistoryAnswer(other, [])) in again


def test_it_comes_and_goes_and_nothing_is_lost(mariadb: MariaDB, mysql: MySQLDatabase) -> None:
    bars = some_bars(9)
    fill(mysql, "shared", bars)
    with desk_of(KlineStore(mysql.uri)) as desk:
        desk.start()
        for number in range(1, 4):
            with mariadb.down():
                wait_until(lambda: desk.status.history_trouble, "the desk to notice")
                desk.ask(request()._replace(number=number))
            assert answered(desk, request()._replace(number=number)) == bars
            assert desk.status.history_trouble is None


def test_a_table_that_cannot_be_read_holds_up_nobody_else(mariadb: MariaDB, mysql: MySQLDatabase) -> None:
    bars, who = some_bars(9), f"{mysql.user}@'127.0.0.1'"
    fill(mysql, "own", bars)
    make_table(mysql, "adausdt_klines_15m")
    insert(mysql, "adausdt_klines_15m", bars)
    mariadb.execute(f"REVOKE ALL ON {mysql.name}.* FROM {who}")
    mariadb.execute(f"GRANT SELECT ON {mysql.name}.btcusdt_klines_15m TO {who}")
    mariadb.execute(f"GRANT INSERT ON {mysql.name}.adausdt_klines_15m TO {who}")
    refused = request("ADAUSDT|15m")
    with desk_of(KlineStore(mysql.uri)) as desk:
        desk.start()
        desk.ask(refused)
        assert taken(desk, 1) == [("ADAUSDT|15m", HistoryAnswer(refused, None))]
        for number in range(5):
            desk.ask(request()._replace(number=number))
            assert answered(desk, request()._replace(number=number)) == bars
        assert "adausdt_klines_15m" in (desk.status.history_trouble or "")

        mariadb.execute(f"GRANT SELECT ON {mysql.name}.adausdt_klines_15m TO {who}")
        assert answered(desk, refused) == bars
        wait_until(lambda: desk.status.history_trouble is None, "the trouble to be over")


def test_a_wrong_password_counts_as_away_until_it_is_right(mariadb: MariaDB, mysql: MySQLDatabase) -> None:
    bars = some_bars(3)
    fill(mysql, "own", bars)
    uri, who = mysql.uri, f"{mysql.user}@'127.0.0.1'"
    mariadb.execute(f"SET PASSWORD FOR {who} = PASSWORD('another')")
    with desk_of(KlineStore(uri)) as desk:
        desk.start()
        desk.ask(request())
        assert taken(desk, 1) == [(KEY, HistoryAnswer(request(), None))]
        assert desk.status.history_trouble
        mariadb.execute(f"SET PASSWORD FOR {who} = PASSWORD(%s)", [mysql.password])

        assert answered(desk, request()) == bars


@pytest.mark.parametrize("method", ["latest", "check", "keys"])
def test_whatever_the_store_raises_the_desk_goes_on(
    database: SqlDatabase, store: KlineStore, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    bars = some_bars(3)
    fill(database, "own", bars)
    works, fails = getattr(store, method), threading.Event()
    fails.set()

    def sometimes(*arguments: object) -> object:
        if fails.is_set():
            raise ZeroDivisionError
        return works(*arguments)

    monkeypatch.setattr(store, method, sometimes)
    with desk_of(store) as desk:
        desk.wake(EVERYTHING, mine)
        desk.start()
        desk.ask(request())
        wait_until(lambda: desk.status.history_trouble, "trouble")
        fails.clear()

        desk.ask(request())
        assert answered(desk, request()) == bars
        wait_until(lambda: desk.status.history_trouble is None, "the trouble to be over")


def test_more_answers_than_there_is_room_for_and_requests_meanwhile(database: SqlDatabase, desk: HistoryDesk) -> None:
    bars = some_bars(3)
    fill(database, "own", bars)
    desk.start()
    count = 3 * ANSWERS
    for number in range(count):
        desk.ask(request()._replace(number=number))
    numbers: list[int] = []
    while len(numbers) < 2 * count:
        for _, item in taken(desk, 1):
            assert isinstance(item, HistoryAnswer)
            numbers.append(item.request.number)
            if item.request.number < count:  # asked by who takes, as a flow does
                desk.ask(request()._replace(number=count + item.request.number))

    assert numbers == list(range(2 * count))


def test_it_closes_with_its_answers_untaken(database: SqlDatabase, store: KlineStore) -> None:
    fill(database, "own", some_bars(3))
    desk = HistoryDesk(store, Status())
    desk.start()
    for number in range(3 * ANSWERS):
        desk.ask(request()._replace(number=number))
    taken(desk, 1)
    desk.close()

    assert "history" not in {thread.name for thread in threading.enumerate()}
    desk.start()
    assert "history" not in {thread.name for thread in threading.enumerate()}


def test_it_closes_while_the_database_says_nothing(mariadb: MariaDB, mysql: MySQLDatabase) -> None:
    fill(mysql, "own", some_bars(3))
    desk = HistoryDesk(KlineStore(mysql.uri, timeout_secs=600.0), Status())
    desk.start()
    desk.ask(request())
    assert answered(desk, request()) == some_bars(3)
    with mariadb.frozen():
        desk.ask(request()._replace(number=1))
        desk.close()  # long before the database is given up on
    wait_until(lambda: "history" not in {thread.name for thread in threading.enumerate()}, "the thread to end")


def test_a_desk_that_was_never_started_closes(store: KlineStore) -> None:
    HistoryDesk(store, Status()).close()


def test_a_key_through_an_outage_ends_as_if_there_had_been_none(mariadb: MariaDB, mysql: MySQLDatabase) -> None:
    """The logic of the flow, the desk and a database that is stopped and started again."""
    bars = real_bars("BTCUSDT")[:900]
    configuration = configuration_of({"cooldown_bars": 8})
    store = KlineStore(mysql.uri)
    store.write(KEY, bars[:800])
    with desk_of(store, now_ms=bars[-1].open_time_ms + SPAN_MS) as desk:
        policy = BackfillPolicy(desk.ask, 800)
        here = ConfigHere(Pinned({"cooldown_bars": 8}), EVERYTHING, Workers())
        logic = LiveKeyLogic(LiveAnalysis(here, policy, desk.send, desk.status.tell, lambda _: True), resume_state=None)
        out: list[Signal | Tally] = []

        def pump(until: Callable[[], bool], what: str) -> None:
            def step() -> bool:
                for item in desk.take(4):
                    out.extend(logic.on_batch([item])[0])
                return until()

            wait_until(step, what)

        def in_state(state: str) -> Callable[[], bool]:
            return lambda: desk.status.keys()[state] == 1

        desk.wake(Selection(frozenset({"BTCUSDT"}), frozenset({"15m"})), mine)
        desk.start()
        pump(in_state("seeded"), "the key to be seeded")
        assert out == []
        store.write(KEY, bars[800:])
        with mariadb.down():
            wait_until(lambda: desk.status.history_trouble, "the desk to notice")
            for bar in (*bars[800:820], *bars[830:850]):
                out += logic.on_batch([(KEY, bar)])[0]
            pump(in_state("cold"), "the key to go on without")
        pump(in_state("seeded"), "history to be back")
        for bar in bars[850:]:
            out += logic.on_batch([(KEY, bar)])[0]
        backfill = logic.backfill

    assert backfill is not None
    whole = KeyAnalyzer(KEY, configuration, OWN_BARS)
    whole.warm_up(bars[:800])
    expected = [(i, signal.signal_id) for i, bar in enumerate(bars[800:]) for signal in whole.on_bar(bar)]
    assert {**whole.snapshot(), "tally": None} == {**backfill.snapshot(), "tally": None}
    sent = [item.signal_id for item in out if isinstance(item, Signal)]
    assert len(sent) == len(set(sent))
    before, after = ([id_ for i, id_ in expected if i < 20], [id_ for i, id_ in expected if i >= 50])
    assert before
    assert after
    assert sent[: len(before)] == before
    assert sent[-len(after) :] == after
