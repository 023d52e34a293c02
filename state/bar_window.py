"""The last bars of a key, kept to warm up an indicator that is asked for later."""

from __future__ import annotations

from array import array

from state.bar import Bar
from state.errors import WarmUpAgain

_WIDTH = len(Bar._fields)


class BarWindow:
    """The last `size` bars, as numbers in one block: 48 bytes a bar instead of some 250."""

    def __init__(self, size: int) -> None:
        self.size = size
        self._numbers = array("d")
        self._full = 2 * size * _WIDTH

    def append(self, bar: Bar) -> None:
        """Take the next bar; cut back every `size` bars instead of on every one."""
        self._numbers.extend(bar)
        if len(self._numbers) > self._full:
            del self._numbers[: -self.size * _WIDTH]

    def bars(self) -> list[Bar]:
        """The bars, oldest first."""
        numbers = self._kept().tolist()
        rows = zip(*(numbers[place::_WIDTH] for place in range(_WIDTH)), strict=True)
        return [Bar(int(open_time_ms), *prices) for open_time_ms, *prices in rows]

    def __len__(self) -> int:
        return min(len(self._numbers) // _WIDTH, self.size)

    def dump(self) -> bytes:
        """The bars as plain data."""
        return self._kept().tobytes()

    def load(self, packed: bytes) -> None:
        """Go on from what `dump` returned; of more bars than fit, the newest count.

        Raises:
            WarmUpAgain: it is something else.
        """
        numbers = array("d")
        try:
            numbers.frombytes(packed)
        except (TypeError, ValueError) as error:
            raise WarmUpAgain("no usable bars") from error
        if len(numbers) % _WIDTH:
            raise WarmUpAgain(f"expected {_WIDTH} numbers a bar, got {len(numbers)} in all")
        self._numbers = numbers
        self._numbers = self._kept()

    def _kept(self) -> array[float]:
        return self._numbers[-self.size * _WIDTH :] if self.size else array("d")
