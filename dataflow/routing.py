"""Which process of a cluster Bytewax analyzes a key in, so that its rows are read and its signals written there too.

Bytewax 0.21 routes a key by the SipHash-1-3, with a key of zeros, of its bytes and 0xff. Were it to change, rows and
signals would travel between processes, which costs time and nothing else.
"""

from __future__ import annotations

import itertools
from functools import lru_cache

_MASK = 2**64 - 1
_START = (0x736F6D6570736575, 0x646F72616E646F6D, 0x6C7967656E657261, 0x7465646279746573)


def part_of(process: int) -> str:
    """The name of the partition that only this process has; names sort as processes do."""
    return f"{process:03d}"


# Rows are hostile until parsed: they may name any number of symbols.
@lru_cache(maxsize=100_000)
def process_of(key: str, processes: int) -> int:
    """The index of the process, out of so many with one worker each, that analyzes `key`."""
    return siphash13(key.encode("utf-8", "surrogateescape") + b"\xff") % processes


class Workers:
    """The workers of the flow, and which of them this process has: known once its sources are built."""

    def __init__(self) -> None:
        self.count = 0
        self.own: set[int] = set()

    def tell(self, index: int, count: int) -> None:
        """One of this process's workers, of so many in all."""
        self.count = count
        self.own.add(index)

    def analyze(self, key: str) -> bool:
        """Whether one of this process's workers analyzes `key`."""
        return process_of(key, self.count) in self.own

    def addresses(self) -> list[str]:
        """A key for each worker that it, and no other one, gets the items of."""
        return [_address_of(index, self.count) for index in range(self.count)]


@lru_cache(maxsize=1024)
def _address_of(index: int, count: int) -> str:
    names = (f"worker-{index}-{attempt}" for attempt in itertools.count())
    return next(name for name in names if process_of(name, count) == index)


def siphash13(data: bytes) -> int:
    """SipHash with one round per block and three at the end (Aumasson and Bernstein, 2012), keyed with zeros."""
    state = list(_START)
    whole = len(data) // 8 * 8
    last = (len(data) & 0xFF) << 56 | int.from_bytes(data[whole:], "little")
    for block in [*(int.from_bytes(data[i : i + 8], "little") for i in range(0, whole, 8)), last]:
        state[3] ^= block
        _mix(state)
        state[0] ^= block
    state[2] ^= 0xFF
    for _ in range(3):
        _mix(state)
    return state[0] ^ state[1] ^ state[2] ^ state[3]


def _mix(state: list[int]) -> None:
    a, b, c, d = state
    a = (a + b) & _MASK
    b = _rotated(b, 13) ^ a
    a = _rotated(a, 32)
    c = (c + d) & _MASK
    d = _rotated(d, 16) ^ c
    a = (a + d) & _MASK
    d = _rotated(d, 21) ^ a
    c = (c + b) & _MASK
    b = _rotated(b, 17) ^ c
    c = _rotated(c, 32)
    state[:] = a, b, c, d


def _rotated(word: int, bits: int) -> int:
    return (word << bits | word >> (64 - bits)) & _MASK
