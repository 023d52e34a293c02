"""What every strategy is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import lru_cache
from inspect import getdoc
from math import inf
from typing import Any, ClassVar, Generic, TypeVar, cast

from state.indicator_set import IndicatorSet
from state.indicators.base import Series
from strategies.parameters import Parameters
from strategies.setup import Setup

P = TypeVar("P", bound=Parameters)


class Strategy(ABC, Generic[P]):
    """One strategy at work on one key.

    A subclass lives in a module of its own, whose name is the strategy's `id`, in the package that is its
    `category`; the first line of its docstring describes it. `__init__` asks the indicator set for the
    series it reads and keeps them as attributes; `setup` reads them.
    """

    id: ClassVar[str]
    category: ClassVar[str]
    name: ClassVar[str]
    description: ClassVar[str]
    parameters: ClassVar[type[Parameters]]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        package, _, cls.id = cls.__module__.rpartition(".")
        cls.category = package.rpartition(".")[2]
        cls.description = (getdoc(cls) or "").partition("\n")[0]

    def __init__(self, parameters: P, need: IndicatorSet) -> None:
        self.p: P = plain(parameters)
        self.ask(need)
        self._names = _series_names(type(self), self.p, need)
        self._series: tuple[Series, ...] = tuple(getattr(self, name) for name in self._names)

    @abstractmethod
    def ask(self, need: IndicatorSet) -> None:
        """Ask for the series that `setup` reads, and keep them as attributes."""

    @abstractmethod
    def setup(self) -> Setup | None:
        """The setup that the strategy's condition gives on this bar, if any."""

    def indicators(self) -> dict[str, float]:
        """The values on this bar of the series that the strategy reads, by name, undefined ones left out."""
        named = zip(self._names, self._series, strict=True)
        return {name: series[-1] for name, series in named if -inf < series[-1] < inf}

    def series(self) -> dict[str, Series]:
        """The series that the strategy reads, by the names that `indicators` gives their values."""
        return dict(zip(self._names, self._series, strict=True))


@lru_cache(maxsize=4096)
def plain(parameters: P) -> P:
    """The values of `parameters` as attributes of a plain object, which Python reads six times as fast."""
    values = type(type(parameters).__name__, (), {})()
    for name, value in parameters:
        setattr(values, name, value)
    return cast(P, values)


_NAMES: dict[type[Strategy[Any]], tuple[str, ...]] = {}


def _series_names(kind: type[Strategy[Any]], p: Any, need: IndicatorSet) -> tuple[str, ...]:
    """Names of the attributes in which a kind of strategy keeps its series.

    They are looked up on an object that is thrown away: asking an object at work for all its attributes would have
    Python keep them in a dict from then on, and every later access to them would cost more.
    """
    names = _NAMES.get(kind)
    if names is None:
        probe = object.__new__(kind)
        probe.p = p
        probe.ask(need)
        names = _NAMES[kind] = tuple(name for name, value in vars(probe).items() if type(value) is list)
    return names
