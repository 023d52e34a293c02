"""All strategies, found in their packages: a new file there is a new strategy."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

from state.errors import StopProgram
from strategies import petrosa, quantzed
from strategies.base import Strategy


def _found() -> Iterator[type[Strategy[Any]]]:
    for package in (petrosa, quantzed):
        for module in iter_modules(package.__path__, package.__name__ + "."):
            for item in vars(import_module(module.name)).values():
                if isinstance(item, type) and issubclass(item, Strategy) and item.__module__ == module.name:
                    yield item


STRATEGIES: dict[str, type[Strategy[Any]]] = {strategy.id: strategy for strategy in _found()}
"""The strategies by id, originals first, each package in the order of ids."""


def strategy_named(strategy_id: str) -> type[Strategy[Any]]:
    """The strategy with this id.

    Raises:
        StopProgram: there is none.
    """
    found = STRATEGIES.get(strategy_id)
    if found is None:
        raise StopProgram(f"unknown strategy {strategy_id!r}; `ta-bot strategies` lists them")
    return found
