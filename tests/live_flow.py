"""The live flow in a process of its own, for tests that kill it: python -m tests.live_flow URL RECOVERY_FOLDER."""

from __future__ import annotations

import logging
import sys
from datetime import timedelta
from pathlib import Path

from bytewax._bytewax import cli_main
from bytewax.recovery import RecoveryConfig, init_db_dir

from dataflow.flow import KeyedBar, build_flow
from dataflow.nats.connection import Connection, NatsOptions
from dataflow.nats.dead_letters import DeadLetters
from dataflow.nats.errors import HeldBack
from dataflow.nats.klines import NatsKlines
from dataflow.nats.publisher import Publisher
from dataflow.nats.signals import NatsSignals
from dataflow.nats.streams import Streams, StreamSettings
from dataflow.replay.key_logic import Analysis
from dataflow.stopping import Stop
from operators.live import BadMessage, LiveParser, RawMessage, Selection
from state.bar import Bar
from strategies.configuration import configuration_of

EPOCH = timedelta(milliseconds=200)
HELD_BACK = 3


def main(url: str, folder: Path) -> int:
    """Run until SIGTERM."""
    if not folder.exists():
        folder.mkdir()
        init_db_dir(folder, 2)
    stop, parser = Stop(), LiveParser(Selection())

    def parse(message: RawMessage) -> list[KeyedBar | BadMessage]:
        return [item for item in parser(message) if isinstance(item, BadMessage) or _is_bar(item)]  # type: ignore[misc]

    with Connection(NatsOptions(url)) as connection, stop.on_signals():
        streams = Streams(connection, StreamSettings())
        publisher = Publisher(connection, streams, stop)
        klines, signals, report = NatsKlines(connection, streams, stop), NatsSignals(publisher), DeadLetters(publisher)
        flow = build_flow(klines, parse, Analysis(configuration_of()), signals, report)
        try:
            cli_main(flow, epoch_interval=EPOCH, recovery_config=RecoveryConfig(str(folder)))
        except Exception as error:
            if isinstance(error.__cause__, HeldBack):
                return HELD_BACK
            raise
    return 0


def _is_bar(item: tuple[str, object]) -> bool:
    return isinstance(item[1], Bar)


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO)
    sys.exit(main(sys.argv[1], Path(sys.argv[2])))
