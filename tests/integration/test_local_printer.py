"""What the printer shows of the signals that come out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from dataflow.local.printer import SignalPrinter
from dataflow.nats.connection import Connection, NatsOptions
from dataflow.nats.publisher import Publisher
from dataflow.nats.signals import NatsSignals
from dataflow.nats.streams import Streams
from dataflow.stopping import Stop
from strategies.signal import AppliedConfig, Signal, SignalAction, SignalMetadata
from tests.nats_server import NatsServer, Peer, wait_until

ESCAPE = "\x1b["


def signal_of(action: SignalAction, minute: int = 0) -> Signal:
    stop, target = (None, None) if action == "hold" else (40409.25558, 40096.881)
    return Signal(
        f"id-{action}-{minute}", "band_fade_reversal", "band_fade_reversal", "ta_bot", "SYNTHAUSDT", action, 0.65,
        "medium", 40122.0, 40122.0, 0.001, stop, target, "1h", f"2024-01-02T01:{minute:02}:00.000Z", {},
        SignalMetadata("2024-01-02T00:00:00.000Z", 0.087, AppliedConfig()),
    )  # fmt: skip


@contextmanager
def printing(server: NatsServer, *, terminal: bool = False) -> Iterator[tuple[SignalPrinter, StringIO]]:
    text = StringIO()
    console = Console(file=text, force_terminal=terminal, width=40, color_system="standard" if terminal else None)
    with SignalPrinter(NatsOptions(server.url), console) as printer:
        assert printer.wait_listening(30)
        yield printer, text


@pytest.fixture
def sink(connection: Connection, streams: Streams, stop: Stop) -> NatsSignals:
    return NatsSignals(Publisher(connection, streams, stop))


def test_a_line_per_signal_as_they_come(server: NatsServer, sink: NatsSignals) -> None:
    with printing(server) as (printer, text):
        part = sink.build("out", 0, 1)
        part.write_batch([("SYNTHAUSDT|1h", signal_of("sell"))])
        wait_until(lambda: printer.printed == 1, "a line, while it listens")
        part.write_batch([("SYNTHAUSDT|1h", signal_of("hold"))])
        wait_until(lambda: printer.printed == 2, "another line")
    assert [line.split() for line in text.getvalue().splitlines()] == [
        ["2024-01-02", "01:00", "SYNTHAUSDT", "1h", "band_fade_reversal", "sell", "0.65", "40122.00",
         "stop", "40409.26", "target", "40096.88"],
        ["2024-01-02", "01:00", "SYNTHAUSDT", "1h", "band_fade_reversal", "hold", "0.65", "40122.00"],
    ]  # fmt: skip
    assert ESCAPE not in text.getvalue()


def test_late_ones_say_so_and_what_is_no_signal_is_shown_harmlessly(server: NatsServer, peer: Peer) -> None:
    with printing(server) as (printer, text):
        peer.publish(
            [
                ("signals.late", signal_of("buy").to_json()),
                ("signals.trading", b"\x1b[31mno JSON"),
                ("signals.trading", b"[1]"),
                ("signals.alerts", b'{"action":"hold"}'),
                ("signals.trading", signal_of("buy").to_json().replace(b'"SYNTHAUSDT"', b'"\\u001b[31m"')),
                ("signals.other", b"not for us"),
            ]
        )
        wait_until(lambda: printer.printed == 5, "5 lines")
    lines = text.getvalue().splitlines()
    # Subjects are heard side by side: only what comes on one of them is in order.
    assert [line.split()[0] for line in lines if not line.endswith("late")].count("signals.alerts:") == 1
    assert sum("no signal" in line for line in lines) == 3
    assert [line.endswith("late") for line in lines if "buy" in line].count(True) == 1
    assert "\x1b" not in text.getvalue()


def test_colour_on_a_terminal(server: NatsServer, peer: Peer) -> None:
    with printing(server, terminal=True) as (printer, text):
        peer.publish(
            [("signals.trading", signal_of("buy").to_json()), ("signals.trading", signal_of("sell").to_json())]
        )
        wait_until(lambda: printer.printed == 2, "2 lines")
    assert "\x1b[32mbuy" in text.getvalue()
    assert "\x1b[31msell" in text.getvalue()


def test_it_listens_again_after_the_server_was_away(server: NatsServer, peer: Peer) -> None:
    with printing(server) as (printer, _):
        peer.publish([("signals.trading", signal_of("buy").to_json())])
        wait_until(lambda: printer.printed == 1, "a line")
        server.restart()
        peer.wait_back()

        def heard() -> bool:
            peer.publish([("signals.trading", signal_of("buy").to_json())])
            return printer.printed > 1

        wait_until(heard, "a line again")


def test_nobody_reading_ends_nothing(server: NatsServer, peer: Peer) -> None:
    with suppress(OSError), Path("/dev/full").open("w", buffering=1) as full:  # closing it fails as well
        console = Console(file=full)
        with SignalPrinter(NatsOptions(server.url), console) as printer:
            assert printer.wait_listening(30)
            peer.publish([("signals.trading", signal_of("buy").to_json())] * 3)
            wait_until(lambda: printer.quiet, "it to go quiet")
            shown = printer.printed
    assert shown == 0
