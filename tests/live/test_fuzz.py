"""Whatever arrives becomes a dead letter or is skipped, and the flow lives on."""

from __future__ import annotations

import signal
from copy import deepcopy
from typing import Any

import orjson
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.live.conftest import MakeBot
from tests.live.market import START_MS, KeyedBar, Market, as_batch, as_envelope, as_event, as_notice
from tests.live.outputs import Outputs
from tests.nats_server import Peer, wait_until

GOOD = Market(("BTCUSDT",), days=10)
SUBJECTS = ("binance.websocket.data", "binance.extraction.klines.batch.15m", "ta.klines.FUZZUSDT.15m")
EXAMPLES = 1500

Json = dict[str, Any]


def shapes() -> list[Json]:
    """A message of each shape, of a symbol of its own."""
    bars = [KeyedBar("FUZZUSDT|15m", one.bar) for one in GOOD.bars(START_MS)[:2]]
    messages = [as_event(bars[0]), as_envelope(bars[0]), as_batch(*bars), as_notice("FUZZUSDT")]
    return [orjson.loads(payload) for _, payload in [*messages, as_notice("FUZZUSDT", "MOREUSDT", timeframe="1h")]]


def places_in(value: Any, place: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The places of all fields, however deep."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [found for name, field in items for found in [(*place, name), *places_in(field, (*place, name))]]


odd_texts = st.sampled_from(
    [
        "",
        " ",
        "NaN",
        "-1",
        "1e400",
        "1_0",
        "0x10",
        "15M",
        "1d",
        "ETH/USDT",
        "../x",
        "\x00",
        "ß",
        "9" * 400,
        "2024-02-30",
    ]
)
odd_numbers = st.sampled_from([0, -1, -0.0, 1e308, 5e-324, 2**53 + 1, 2**63 - 1, 1729670400001, 10**13, True])
scalars = (
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False) | st.text(max_size=20)
)
values = (
    odd_texts | odd_numbers | scalars | st.lists(scalars, max_size=3) | st.dictionaries(st.text(max_size=5), scalars)
)


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """A message of one of the shapes with up to three fields changed or left out."""
    message = deepcopy(draw(st.sampled_from(shapes())))
    for place in draw(st.lists(st.sampled_from(places_in(message)), min_size=1, max_size=3)):
        at: Any = message
        try:
            for name in place[:-1]:
                at = at[name]
            if draw(st.booleans()):
                at[place[-1]] = draw(values)
            else:
                del at[place[-1]]
        except (KeyError, IndexError, TypeError):
            continue  # another change has taken it away
    try:
        return orjson.dumps(message)
    except TypeError:  # a text that is no Unicode
        return repr(message).encode("utf-8", "surrogatepass")


@st.composite
def cut(draw: st.DrawFn) -> bytes:
    """A part of a message."""
    payload = orjson.dumps(draw(st.sampled_from(shapes())))
    return payload[: draw(st.integers(0, len(payload)))] + draw(st.binary(max_size=3))


def examples() -> list[tuple[str, bytes]]:
    """Many messages, the same ones every time."""
    found: list[tuple[str, bytes]] = []

    @settings(
        max_examples=EXAMPLES, derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck)
    )
    @given(st.sampled_from(SUBJECTS), mutated() | mutated() | cut() | st.binary(max_size=300))
    def collect(subject: str, payload: bytes) -> None:
        found.append((subject, payload))

    collect()
    return found


def is_object(payload: bytes) -> bool:
    """Whether it is an object in JSON."""
    try:
        return isinstance(orjson.loads(payload), dict)
    except orjson.JSONDecodeError:
        return False


def shown(payload: bytes) -> str:
    """As dead letters show it."""
    return payload[:2048].decode("utf-8", "backslashreplace")


def test_anything_may_arrive(make_bot: MakeBot, peer: Peer, outputs: Outputs) -> None:
    messages = examples()
    assert len(messages) >= EXAMPLES
    bot = make_bot()
    bot.start()
    bot.wait_ready()
    half = len(messages) // 2
    bars = GOOD.bars()
    peer.publish(messages[:half])
    peer.publish(map(as_envelope, bars[: len(bars) // 2]))
    peer.publish(messages[half:])
    peer.publish(map(as_envelope, bars[len(bars) // 2 :]))
    expected = GOOD.signals()
    bot.wait_counted("ta_messages_read_total", len(messages) + len(bars))
    wait_until(lambda: bot.counted("ta_bars_total") >= len(bars), "the good bars to be analyzed")
    outputs.wait_for(len(expected))
    assert bot.alive()
    assert bot.counted("ta_messages_read_total") == len(messages) + len(bars)
    assert not bot.counted("ta_strategy_errors_total")
    assert bot.end(signal.SIGTERM) == 0
    outputs.check(expected, of=bars)
    letters = {orjson.loads(one.data)["payload"] for one in outputs.dead_letters()}
    assert letters <= {shown(payload) for _, payload in messages}
    assert letters >= {shown(payload) for _, payload in messages if not is_object(payload)}
