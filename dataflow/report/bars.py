"""The bars that signals lie on."""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import dataclass, field

from dataflow.recorded import RecordedFile
from operators.order import IN_ORDER, BarOrder
from operators.rows import BadInput, parse_chunk
from state.bar import Bar
from state.key import split_key


@dataclass
class Market:
    """Bars by key, in order; how many rows were bad, and how many bars were repeated or out of order."""

    bars: dict[str, list[Bar]] = field(default_factory=dict)
    bad_rows: int = 0
    first_bad_row: str = ""
    dropped: int = 0


def read_market(files: Sequence[RecordedFile], keys: Container[str], symbols: Container[str], to_ms: int) -> Market:
    """The bars of some keys, of these symbols, that open before `to_ms`."""
    market, orders = Market(), dict[str, BarOrder]()
    for file in files:
        for _, chunk in file.chunks(keep=lambda symbol: symbol in symbols):
            for item in parse_chunk(chunk):
                if isinstance(item, BadInput):
                    market.bad_rows += 1
                    market.first_bad_row = market.first_bad_row or f"{item.where}: {item.reason}"
                    continue
                key, bar = item
                if key not in keys or bar.open_time_ms >= to_ms:
                    continue
                order = orders.setdefault(key, BarOrder(split_key(key)[1]))
                if order.see(bar.open_time_ms) in IN_ORDER:
                    market.bars.setdefault(key, []).append(bar)
                else:
                    market.dropped += 1
    return market
