"""What every strategy is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from inspect import getdoc
from math import isfinite
from typing import Any, ClassVar, Generic, TypeVar

from state.indicator_set import IndicatorSet
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

    def __init__(self, p: P, need: IndicatorSet) -> None:
        self.p = p
        self.ask(need)

    @abstractmethod
    def ask(self, need: IndicatorSet) -> None:
        """Ask for the series that `setup` reads, and keep them as attributes."""

    @abstractmethod
    def setup(self) -> Setup | None:
        """The setup that the strategy's condition gives on this bar, if any."""

    def indicators(self) -> dict[str, float]:
        """The values on this bar of the series that the strategy reads, by name, undefined ones left out."""
        values = {name: series[-1] for name, series in vars(self).items() if type(series) is list}
        return {name: value for name, value in values.items() if isfinite(value)}
