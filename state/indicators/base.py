"""What all our indicators share: talipp's interface over bounded series."""

from __future__ import annotations

from itertools import islice
from math import nan
from typing import Any, ClassVar

from talipp.exceptions import TalippException
from talipp.indicators.Indicator import Indicator

from state.errors import WarmUpAgain

Series = list[float]


def overlay(series: Series, newest: Series) -> None:
    """Have `newest` in place of the last values of `series`, as many as it has room for.

    >>> series = [1.0, 2.0, 3.0]
    >>> overlay(series, [8.0, 9.0])
    >>> series
    [1.0, 8.0, 9.0]
    """
    count = min(len(series), len(newest))
    series[len(series) - count :] = newest[len(newest) - count :]


class BoundedIndicator(Indicator):  # type: ignore[misc]  # talipp ships no types
    """A talipp indicator that keeps only the last `depth` values of its outputs.

    As in talipp, `add` takes the next input and `indicator[-1]` is the newest value. Unlike talipp, an
    undefined value is NaN, whoever owns the indicator cuts its outputs to what `kept` says, and closed bars are
    final: nothing can be removed or updated.
    """

    OUTPUTS: ClassVar[tuple[str, ...]] = ("output_values",)
    """Names of the output series."""

    STATE: ClassVar[tuple[str, ...]] = ()
    """Names of the numbers that, with the output series, are all there is to this indicator."""

    output_values: Series
    sub_indicators: list[BoundedIndicator]

    def __init__(self) -> None:
        super().__init__()
        self.depth = 2
        for name in self.OUTPUTS:
            setattr(self, name, [nan, nan])

    def add(self, value: Any) -> None:
        """Take the next input: a number, or a bar where the indicator needs more than one."""
        raise NotImplementedError

    def keep(self, depth: int) -> None:
        """Keep at least `depth` values of every output from now on."""
        if depth > self.depth:
            for name in self.OUTPUTS:
                series = getattr(self, name)
                series[:0] = [nan] * (depth - len(series))
            self.depth = depth

    def kept(self) -> list[tuple[Series, int]]:
        """Every output series, parts included, with the number of values to keep of it."""
        own = [(getattr(self, name), self.depth) for name in self.OUTPUTS]
        return own + [kept for part in self.sub_indicators for kept in part.kept()]

    def size(self) -> int:
        """How many numbers `dump` returns."""
        own = len(self.STATE) + len(self.OUTPUTS) * self.depth
        return own + sum(part.size() for part in self.sub_indicators)

    def settle(self) -> None:
        """Bring the numbers of `STATE` up to date, where they are not all the time."""

    def dump(self) -> list[float]:
        """Everything `load` needs to go on exactly from here, as numbers."""
        self.settle()
        numbers = [float(getattr(self, name)) for name in self.STATE]
        for name in self.OUTPUTS:
            numbers += getattr(self, name)[-self.depth :]
        for part in self.sub_indicators:
            numbers += part.dump()
        return numbers

    def load(self, numbers: list[float]) -> None:
        """Go on from what `dump` returned.

        Raises:
            WarmUpAgain: `numbers` are not from an indicator of this kind and depth.
        """
        if len(numbers) != self.size():
            raise WarmUpAgain(f"{type(self).__name__} expects {self.size()} numbers, got {len(numbers)}")
        rest = iter(numbers)
        for name in self.STATE:
            kind = type(getattr(self, name))
            try:
                setattr(self, name, kind(next(rest)))
            except (ValueError, OverflowError) as error:
                raise WarmUpAgain(f"{type(self).__name__}.{name}: {error}") from error
        for name in self.OUTPUTS:
            getattr(self, name)[:] = islice(rest, self.depth)
        for part in self.sub_indicators:
            part.load(list(islice(rest, part.size())))
        self.after_load()

    def take_over(self, other: BoundedIndicator) -> None:
        """Go on exactly from where `other` is, one of this kind and with the same parameters.

        Where this one keeps more values than `other`, the oldest stay what they were.
        """
        other.settle()
        for name in self.STATE:
            setattr(self, name, getattr(other, name))
        for name in self.OUTPUTS:
            overlay(getattr(self, name), getattr(other, name)[-other.depth :])
        for own, part in zip(self.sub_indicators, other.sub_indicators, strict=True):
            own.take_over(part)
        self.after_load()

    def after_load(self) -> None:
        """Rebuild what follows from the loaded numbers and the inputs' series."""

    def _calculate_new_value(self) -> Any:
        raise TalippException("values are computed by add()")

    def update(self, value: Any) -> None:
        """Refused: closed bars are final."""
        raise TalippException("closed bars are final: an input cannot be updated")

    def remove(self) -> None:
        """Refused: closed bars are final."""
        raise TalippException("closed bars are final: an input cannot be removed")

    def purge_oldest(self, size: int) -> None:
        """Refused: `trim` bounds the memory without touching what the next value depends on."""
        raise TalippException("old outputs may be cut to what kept() says, inputs are never purged")


class WindowIndicator(BoundedIndicator):
    """A fold (sum, maximum...) over the last `period` values of a series, at constant work a bar.

    The window is split at a block boundary that moves every `period` bars: the folds of all tails of the
    older block are made once, when the block is full; the younger block is folded as it grows; a window is
    one of each (van Herk, 1992; Gil and Werman, 1993). Nothing is ever subtracted, so no rounding error can
    build up, and equal inputs give equal outputs however long ago the indicator started.
    """

    STATE: ClassVar[tuple[str, ...]] = ("filled", "warm")

    tails: Series
    """Folds of the older block's tails, longest last, where `pop` finds them in order; one is used up per value."""

    def __init__(self, source: Series, period: int, cold: float = nan) -> None:
        super().__init__()
        self.source = source
        self.cold = cold  # what the younger block is folded with while there is no older one
        self.period = period
        self.filled = 0  # how many values the younger block has, when it is dumped
        self.warm = 0  # 1 as soon as there is an older block
        self.start_block([])

    def end_block(self) -> None:
        """Begin a younger block: the one that is full becomes the older one."""
        self.warm = 1
        self.start_block(self.source[-self.period :])

    def start_block(self, older: Series) -> None:
        """Begin a younger block; fold the tails of `older`, the whole of it left out. Empty: there is none."""
        raise NotImplementedError

    def fold(self, value: float) -> None:
        """Take `value` into the younger block."""
        raise NotImplementedError

    def settle(self) -> None:
        """Count what the younger block has."""
        self.filled = self.period - 1 - len(self.tails)

    def after_load(self) -> None:
        """Fold both blocks again from the source's own values."""
        values = self.source[-self.period :]
        younger_from = self.period - self.filled
        self.start_block(values[:younger_from] if self.warm else [])
        if not self.warm:
            del self.tails[: self.filled]
        for value in values[younger_from:]:
            self.fold(value)

    def cold_tails(self) -> Series:
        """What stands for the folds of an older block as long as there is none."""
        return [self.cold] * (self.period - 1)
