"""Numbers, packed small: a year of candles and indicators fits into a page.

Values become whole numbers of a decimal place, these become differences from what the values before them let expect,
and these become bytes: seven bits in each, the lowest first, deflated, in base64. Token 0 is an undefined value; a
difference d is 2d + 1 from 0 on and -2d below.
"""

from __future__ import annotations

import zlib
from base64 import b64decode, b64encode
from collections.abc import Iterable
from dataclasses import dataclass
from math import ceil, isfinite, log10

import numpy as np
from numpy.typing import NDArray

MOST_DECIMALS = 12
_NOISE = 1e-9
"""How far a number may lie from one of few decimals, relatively, and still be meant to be that one."""

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Column:
    """Packed numbers: `count` of them, with `decimals`; each expected on the line through the `order` ones before."""

    count: int
    decimals: int
    order: int
    data: str


def pack(values: Iterable[float | None], digits: int = 6) -> Column:
    """Pack numbers; None and what is not finite are undefined.

    `digits` significant digits of the largest one are kept, and no more decimals than the numbers have.
    """
    numbers = np.array([np.nan if value is None else value for value in values], dtype=np.float64)
    numbers[~np.isfinite(numbers)] = np.nan
    defined = numbers[~np.isnan(numbers)]
    decimals = _decimals(defined, digits)
    whole = np.rint(defined * 10.0**decimals).astype(np.int64)
    packed = [(order, zlib.compress(_bytes(_tokens(numbers, whole, order)), 9)) for order in (0, 1, 2)]
    order, smallest = min(packed, key=lambda one: len(one[1]))
    return Column(len(numbers), decimals, order, b64encode(smallest).decode())


def unpack(column: Column) -> list[float | None]:
    """The numbers of a column, as the page reads them."""
    values: list[float | None] = []
    before, last, shift, token = 0, 0, 0, 0
    for byte in zlib.decompress(b64decode(column.data)):
        token |= (byte & 127) << shift
        shift += 7
        if byte > 127:
            continue
        if token:
            expected = (0, last, 2 * last - before)[column.order]
            before, last = last, expected + (token // 2 if token % 2 else -(token // 2))
            values.append(last / 10.0**column.decimals)
        else:
            values.append(None)
        shift = token = 0
    return values


def _decimals(defined: Floats, digits: int) -> int:
    largest = float(np.abs(defined).max(initial=0.0))
    if not largest or not isfinite(largest):
        return 0
    most = min(MOST_DECIMALS, max(0, digits - ceil(log10(largest))))
    for decimals in range(most):
        scaled = defined * 10.0**decimals
        if np.all(np.abs(scaled - np.rint(scaled)) <= _NOISE * np.maximum(1.0, np.abs(scaled))):
            return decimals
    return most


def _tokens(numbers: Floats, whole: Ints, order: int) -> NDArray[np.uint64]:
    differences = np.diff(whole, n=order, prepend=[0] * order) if order else whole
    tokens = np.zeros(len(numbers), dtype=np.uint64)
    zigzag = np.where(differences >= 0, 2 * differences + 1, -2 * differences)
    tokens[~np.isnan(numbers)] = zigzag.astype(np.uint64)
    return tokens


def _bytes(tokens: NDArray[np.uint64]) -> bytes:
    widths = np.ones(len(tokens), dtype=np.int64)
    for bits in range(7, 64, 7):
        widths += tokens >= np.uint64(1 << bits)
    ends = np.cumsum(widths)
    packed = np.zeros(int(ends[-1]) if len(ends) else 0, dtype=np.uint8)
    starts = ends - widths
    for place in range(int(widths.max(initial=0))):
        wide = widths > place
        septet = (tokens[wide] >> np.uint64(7 * place)) & np.uint64(127)
        goes_on = (widths[wide] > place + 1).astype(np.uint64) << np.uint64(7)
        packed[starts[wide] + place] = septet | goes_on
    return packed.tobytes()
