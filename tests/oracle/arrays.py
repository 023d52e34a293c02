"""The notation of the definitions over whole arrays: one value per bar, oldest first, NaN where undefined."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import sliding_window_view

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]


def floats(values: npt.ArrayLike) -> Floats:
    """Values as an array of float64."""
    return np.asarray(values, dtype=np.float64)


def ago(x: Floats, k: int) -> Floats:
    """X[k]: the value k bars earlier."""
    return floats([x[i - k] if i - k >= 0 else np.nan for i in range(len(x))])


def held_ago(condition: Bools, k: int) -> Bools:
    """Whether the condition held k bars earlier; false where there is no such bar."""
    return np.asarray([bool(condition[i - k]) if i - k >= 0 else False for i in range(len(condition))], dtype=np.bool_)


def ratio(a: Floats, b: Floats) -> Floats:
    """a / b, undefined where b is 0."""
    with np.errstate(all="ignore"):
        return np.where(b != 0, a / b, np.nan)


def clamp(x: Floats, lo: float, hi: float) -> Floats:
    """max(lo, min(x, hi)), undefined where x is."""
    return np.maximum(lo, np.minimum(x, hi))


def bonus(amount: float, condition: Bools) -> Floats:
    """The amount where the condition is true, else 0."""
    return np.where(condition, float(amount), 0.0)


def count(condition: Bools, k: int) -> Ints:
    """On how many of the last k bars, this one included, the condition held; bars before the first count as not."""
    with_those_before = np.concatenate([np.zeros(k - 1, dtype=np.bool_), condition])
    return np.asarray(np.sum(sliding_window_view(with_those_before, k), axis=1), dtype=np.int64)


def all_of(condition: Bools, k: int) -> Bools:
    """Whether the condition held on each of the last k bars, this one included."""
    return np.asarray(count(condition, k) == k, dtype=np.bool_)


def any_of(condition: Bools, k: int) -> Bools:
    """Whether the condition held on at least one of the last k bars, this one included."""
    return np.asarray(count(condition, k) >= 1, dtype=np.bool_)


def rises(x: Floats, k: int) -> Bools:
    """Whether x was above its previous value on each of the last k bars."""
    return all_of(x > ago(x, 1), k)


def falls(x: Floats, k: int) -> Bools:
    """Whether x was below its previous value on each of the last k bars."""
    return all_of(x < ago(x, 1), k)


def over_window(x: Floats, n: int, summary: Callable[[Floats], Floats]) -> Floats:
    """The summary (given one window per row) of the last n values at each bar, undefined for the first n - 1 bars."""
    if n < 1 or n > len(x):
        return np.full(len(x), np.nan)
    return np.concatenate([np.full(n - 1, np.nan), summary(sliding_window_view(x, n))])


def highest(x: Floats, n: int) -> Floats:
    """The highest of the last n values, this bar's included."""
    return over_window(x, n, lambda windows: floats(np.max(windows, axis=1)))


def lowest(x: Floats, n: int) -> Floats:
    """The lowest of the last n values, this bar's included."""
    return over_window(x, n, lambda windows: floats(np.min(windows, axis=1)))


def mean(x: Floats, n: int) -> Floats:
    """The simple mean of the last n values, this bar's included."""
    return over_window(x, n, lambda windows: floats(np.mean(windows, axis=1)))


def deviation(x: Floats, n: int) -> Floats:
    """The population standard deviation of the last n values, this bar's included."""
    return over_window(x, n, lambda windows: floats(np.std(windows, axis=1, ddof=0)))
