"""What a report says, as JSON types: everything that the page shows, and nothing that it must compute prices from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import orjson

from dataflow.report.bars import Market
from dataflow.report.following import Followed, follow
from dataflow.report.overlays import PRICE, Overlays, overlays_of
from dataflow.report.packing import pack
from dataflow.report.signal_lines import GivenSignal
from operators.evaluation.rules import Rules
from operators.evaluation.trade import TradeRecord
from operators.times import parse_time_ms
from state.bar import Bar
from state.key import split_key
from strategies.registry import STRATEGIES
from strategies.signal import Signal

VERSION = 1
"""Of the content; page and content come from the same program."""

ACTIONS = ("buy", "sell", "hold", "close")
REASONS = ("stop", "target", "horizon", "expired", "open")
OF_THE_BAR = {"open", "high", "low", "close", "volume"}

# Significant digits of what is exact to the second or the tick, of what lies on the price, of what is only looked at.
EXACT, CLOSE, COARSE = 11, 6, 4
LEVEL = 9
"""Of prices that were computed: stops, targets, fills."""

Json = dict[str, Any]


@dataclass(frozen=True)
class Wanted:
    """What a report is of: signals on bars that open from `from_ms` on, by which rules they are followed."""

    signals: Sequence[GivenSignal]
    rules: Rules
    from_ms: int = 0
    overlays: bool = True


class Names:
    """Names, and places in the order in which they were first asked for."""

    def __init__(self) -> None:
        self.places: dict[str, int] = {}

    def place(self, name: str) -> int:
        """The place of a name."""
        return self.places.setdefault(name, len(self.places))


def content_of(wanted: Wanted, market: Market, told: Sequence[str], title: str) -> Json:
    """Everything that a page shows. `told` are sentences about what was left out."""
    by_key: dict[str, list[GivenSignal]] = {}
    for given in wanted.signals:
        by_key.setdefault(given.key, []).append(given)
    strategies = _strategies(wanted.signals)
    configs = Names()
    keys = [
        _key(key, sorted(by_key[key], key=_order), market.bars.get(key, []), wanted, strategies, configs)
        for key in sorted(by_key, key=_key_order)
    ]
    return {
        "version": VERSION,
        "title": title,
        "told": list(told),
        "rules": asdict(wanted.rules),
        "actions": ACTIONS,
        "reasons": REASONS,
        "strategies": [{"id": name, "name": _name(name)} for name in strategies],
        "configs": [orjson.loads(config) for config in configs.places],
        "keys": keys,
    }


def _strategies(signals: Iterable[GivenSignal]) -> dict[str, int]:
    """Places of the strategies: those that are known first, in the registry's order."""
    found = {given.signal.strategy_id for given in signals}
    names = [name for name in STRATEGIES if name in found] + sorted(found - STRATEGIES.keys())
    return {name: place for place, name in enumerate(names)}


def _name(strategy_id: str) -> str:
    return STRATEGIES[strategy_id].name if strategy_id in STRATEGIES else strategy_id


def _order(given: GivenSignal) -> tuple[int, str, str]:
    return given.open_ms, given.signal.strategy_id, given.signal.action


def _key_order(key: str) -> tuple[str, int]:
    symbol, timeframe = split_key(key)
    return symbol, timeframe.span_ms


def _key(
    key: str,
    signals: Sequence[GivenSignal],
    bars: Sequence[Bar],
    wanted: Wanted,
    strategies: Mapping[str, int],
    configs: Names,
) -> Json:
    symbol, timeframe = split_key(key)
    shown = [bar for bar in bars if bar.open_time_ms >= wanted.from_ms]
    followed = follow(key, bars, signals, wanted.rules)
    latest = {given.signal.strategy_id: given.signal.metadata.strategy_config.parameters for given in signals}
    parameters = {name: latest[name] for name in strategies if name in latest and wanted.overlays}
    overlays = overlays_of(timeframe, bars, parameters, wanted.from_ms)
    return {
        "symbol": symbol,
        "timeframe": timeframe.name,
        "span_secs": timeframe.span_ms // 1000,
        "bars": _bars(shown),
        "signals": _signals(signals, followed, strategies, configs),
        "indicators": _indicators(signals, strategies),
        "overlays": _overlays(overlays, strategies),
        "baseline": _baseline(followed, strategies),
    }


def _bars(bars: Sequence[Bar]) -> Json:
    times, *columns = zip(*bars, strict=True) if bars else ((),) * 6
    fields = zip(("open", "high", "low", "close", "volume"), columns, strict=True)
    packed = {name: pack(values, COARSE if name == "volume" else EXACT) for name, values in fields}
    return {"time": pack((time / 1000 for time in times), EXACT), **packed}


def _signals(signals: Sequence[GivenSignal], followed: Followed, strategies: Mapping[str, int], configs: Names) -> Json:
    trades = [followed.trades.get(given.signal.signal_id) for given in signals]

    def of_signals(value: Callable[[Signal], float | None], digits: int = LEVEL) -> Any:
        return pack((value(given.signal) for given in signals), digits)

    def of_trades(value: Callable[[TradeRecord], float | None], digits: int = CLOSE) -> Any:
        return pack((None if trade is None else value(trade) for trade in trades), digits)

    return {
        "time": pack((given.open_ms / 1000 for given in signals), EXACT),
        "strategy": of_signals(lambda signal: strategies[signal.strategy_id]),
        "action": of_signals(lambda signal: ACTIONS.index(signal.action)),
        "confidence": of_signals(lambda signal: signal.confidence, 4),
        "price": of_signals(lambda signal: signal.price, EXACT),
        "stop": of_signals(lambda signal: signal.stop_loss),
        "target": of_signals(lambda signal: signal.take_profit),
        "config": of_signals(lambda signal: configs.place(_config_text(signal))),
        "reason": of_trades(lambda trade: REASONS.index(trade.reason)),
        "fill_time": of_trades(lambda trade: _secs(trade.fill_time), EXACT),
        "fill_price": of_trades(lambda trade: trade.fill_price, LEVEL),
        "exit_time": of_trades(lambda trade: _secs(trade.exit_time), EXACT),
        "exit_price": of_trades(lambda trade: trade.exit_price, LEVEL),
        "bars": of_trades(lambda trade: trade.bars),
        "r": of_trades(lambda trade: trade.r),
        "gross_r": of_trades(lambda trade: trade.gross_r),
    }


def _config_text(signal: Signal) -> str:
    return orjson.dumps(signal.metadata.strategy_config).decode()


def _secs(time: str | None) -> float | None:
    return None if time is None else parse_time_ms(time) / 1000


def _indicators(signals: Sequence[GivenSignal], strategies: Mapping[str, int]) -> dict[str, Json]:
    """The values that decisions used, by the place of the strategy and by name, in the order of its signals."""
    values: dict[int, list[dict[str, float]]] = {}
    for given in signals:
        values.setdefault(strategies[given.signal.strategy_id], []).append(given.signal.indicators)
    return {str(place): _indicators_of_strategy(rows) for place, rows in values.items()}


def _indicators_of_strategy(rows: Sequence[dict[str, float]]) -> Json:
    names = dict.fromkeys(name for row in rows for name in row if name not in OF_THE_BAR)
    return {name: pack((row.get(name) for row in rows), CLOSE) for name in names}


def _overlays(overlays: Overlays, strategies: Mapping[str, int]) -> Json:
    series = [
        {
            "indicator": one.indicator,
            "pane": one.pane,
            "values": pack(one.values, CLOSE if one.pane == PRICE else COARSE),
        }
        for one in overlays.series
    ]
    return {"series": series, "named": {str(strategies[name]): places for name, places in overlays.named.items()}}


def _baseline(followed: Followed, strategies: Mapping[str, int]) -> dict[str, Json]:
    """Counts of random entries by the place of the strategy, all actions together."""
    counts: dict[str, Json] = {}
    for strategy_id, actions in followed.baseline.entries.items():
        entries = list(actions.values())
        counts[str(strategies[strategy_id])] = {
            "closed": sum(one.closed for one in entries),
            "wins": sum(one.wins for one in entries),
            "r": sum(one.r for one in entries),
        }
    return counts
