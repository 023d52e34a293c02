"""`ta-bot replay --changes`: the old configuration up to a time, the new one after, with what was held and emitted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import orjson
import pytest

from operators.analyzer import KeyAnalyzer
from operators.times import format_time
from state.bar import Bar
from state.key import split_key
from strategies.configuration import Configuration, StrategyConfig, configuration_of
from strategies.signal import AppliedConfig, Signal
from tests.e2e.command import Argument, in_order, lines_of, refusal, replayed
from tests.kit import real_bars, real_klines_file
from tests.recovery.lives import life, part_bytes

KEYS = ("ETHUSDT|1h", "ETHUSDT|15m", "SOLUSDT|1h")
FILES = [real_klines_file(*key.split("|")) for key in KEYS]
AT_MS = 1_743_465_600_000
"""2025-04-01: in the middle of the year."""


class Line(NamedTuple):
    """A change of a strategy, on one symbol or on all."""

    at_ms: int
    strategy_id: str | None
    symbol: str | None
    parameters: dict[str, Any] | None

    def json(self) -> bytes:
        return orjson.dumps(
            {
                "changed_at": format_time(self.at_ms),
                "strategy_id": self.strategy_id,
                "symbol": self.symbol,
                "new_parameters": self.parameters,
                "changed_by": "somebody",
            }
        )


def script(path: Path, *lines: Line) -> Path:
    path.write_bytes(b"\n".join(line.json() for line in lines) + b"\n")
    return path


def with_applied(configuration: Configuration, versions: Mapping[str, tuple[int, bool]]) -> Configuration:
    """The configuration as signals are to say it: version and whether it is a symbol's own, by strategy."""
    strategies = dict(configuration.strategies)
    for strategy_id, (version, is_override) in versions.items():
        parameters, applied = strategies[strategy_id].parameters, strategies[strategy_id].applied
        told = AppliedConfig(version, applied.parameters, "script", is_override)
        strategies[strategy_id] = StrategyConfig(parameters=parameters, applied=told)
    return Configuration(engine=configuration.engine, strategies=strategies)


def expected(bars: Sequence[Bar], key: str, phases: Sequence[tuple[int, Configuration]]) -> list[Signal]:
    """The signals of a key that goes by each configuration for bars that close after its time.

    Each phase is a run of its own over all bars, with its configuration from the first one on; it takes over only what
    the phase before held and emitted.
    """
    _, timeframe = split_key(key)
    signals: list[Signal] = []
    emissions: dict[str, Any] = {}
    ends = [*(at_ms for at_ms, _ in phases[1:]), 2**62]
    for (at_ms, configuration), end_ms in zip(phases, ends, strict=True):
        closes = [timeframe.close_ms(bar.open_time_ms) for bar in bars]
        before = [bar for bar, close_ms in zip(bars, closes, strict=True) if close_ms <= at_ms]
        whole = KeyAnalyzer(key, configuration)
        for bar in before:
            whole.on_bar(bar)
        snapshot = whole.snapshot()
        analyzer = KeyAnalyzer(key, configuration)
        known = {name: one for name, one in emissions.items() if name in snapshot["emissions"]}
        analyzer.resume({**snapshot, "emissions": {**snapshot["emissions"], **known}})
        for bar, close_ms in zip(bars, closes, strict=True):
            if at_ms < close_ms <= end_ms:
                signals += analyzer.on_bar(bar)
        emissions = {**emissions, **analyzer.snapshot()["emissions"]}
    return signals


LINES = (
    Line(AT_MS, "rsi_extreme_reversal", None, {"oversold_threshold": 35.0}),
    Line(AT_MS, "momentum_pulse", None, {"ema_slow": 300, "rsi_period": 21}),
    Line(AT_MS + 1, "momentum_pulse", "ETHUSDT", {"rsi_min": 40.0}),
)
OVERRIDES: dict[str, dict[str, Any]] = {
    "rsi_extreme_reversal": {"oversold_threshold": 35.0},
    "momentum_pulse": {"ema_slow": 300, "rsi_period": 21},
}
OVERRIDES_ETH = {**OVERRIDES, "momentum_pulse": {**OVERRIDES["momentum_pulse"], "rsi_min": 40.0}}


def phases_of(key: str) -> list[tuple[int, Configuration]]:
    if key.startswith("ETH"):
        versions = {"rsi_extreme_reversal": (1, False), "momentum_pulse": (1, True)}
        new = configuration_of(overrides=OVERRIDES_ETH)
    else:
        versions = {"rsi_extreme_reversal": (1, False), "momentum_pulse": (1, False)}
        new = configuration_of(overrides=OVERRIDES)
    return [(-1, configuration_of()), (AT_MS, with_applied(new, versions))]


@pytest.fixture(scope="module")
def whole() -> bytes:
    """The file that the changes above give."""
    signals = [signal for key in KEYS for signal in expected(real_bars(*key.split("|")), key, phases_of(key))]
    return lines_of(in_order(signals))


@pytest.mark.parametrize("processes", ["1", "2"])
def test_the_old_up_to_then_and_the_new_after(tmp_path: Path, whole: bytes, processes: str) -> None:
    changes, out = script(tmp_path / "changes.jsonl", *LINES), tmp_path / "signals.jsonl"
    replayed(*FILES, "--changes", changes, "--processes", processes, "--out", out)

    assert out.read_bytes() == whole
    assert b'"version":1,"parameters":{"oversold_threshold":35.0},"source":"script"' in whole


def test_killed_before_and_after_a_change(tmp_path: Path, whole: bytes) -> None:
    changes, out, folder = script(tmp_path / "changes.jsonl", *LINES), tmp_path / "signals.jsonl", tmp_path / "state"
    arguments: list[Argument] = [*FILES, "--changes", changes, "--out", out]
    for share in (0.2, 0.5, 0.7):
        with life(*arguments, folder=folder) as run:
            run.until(lambda share=share: part_bytes(folder) >= share * len(whole))  # type: ignore[misc]
            run.kill()
    replayed(*arguments, "--recovery", folder)

    assert out.read_bytes() == whole


def test_a_folder_of_other_changes_is_refused(tmp_path: Path) -> None:
    changes, folder = script(tmp_path / "changes.jsonl", *LINES), tmp_path / "state"
    replayed(FILES[0], "--changes", changes, "--recovery", folder)
    script(changes, *LINES[:1])

    assert "other changes" in refusal("replay", FILES[0], "--changes", changes, "--recovery", folder)


def test_the_application_changes_too_and_what_is_pinned_does_not(tmp_path: Path) -> None:
    key, out = KEYS[0], tmp_path / "signals.jsonl"
    lines = (
        Line(AT_MS, None, None, {"cooldown_bars": 3, "min_confidence": 0.2, "enabled_strategies": ["doji_reversal"]}),
        Line(AT_MS, "doji_reversal", None, {"trend_period": 15}),
        Line(AT_MS + 30 * 86_400_000, "doji_reversal", None, None),
    )
    pinned = {"cooldown_bars": 8}
    replayed(
        *(FILES[0], "--changes", script(tmp_path / "changes.jsonl", *lines), "--cooldown-bars", "8", "--out", out),
    )
    engine = {**pinned, "min_confidence": 0.2, "enabled_strategies": ("doji_reversal",)}
    phases = [
        (-1, configuration_of(pinned)),
        (
            AT_MS,
            with_applied(
                configuration_of(engine, {"doji_reversal": {"trend_period": 15}}), {"doji_reversal": (1, False)}
            ),
        ),
        (AT_MS + 30 * 86_400_000, configuration_of(engine)),
    ]

    assert out.read_bytes() == lines_of(in_order(expected(real_bars("ETHUSDT", "1h"), key, phases)))


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (b"{", "not JSON"),
        (b"[]", "expected an object with changed_at"),
        (b'{"changed_at":"2025-04-01"}', "new_parameters"),
        (b'{"changed_at":"soon","new_parameters":{}}', "expected a time"),
        (b'{"changed_at":"2025-04-01","new_parameters":7}', "new_parameters: expected an object or null, got 7"),
        (b'{"changed_at":"2025-04-01","strategy_id":"golden","new_parameters":{}}', "there is no strategy 'golden'"),
        (b'{"changed_at":"2025-04-01","symbol":"ETHUSDT","new_parameters":{}}', "symbol: expected a symbol, with"),
        (b'{"changed_at":"2025-04-01","strategy_id":"doji_reversal","symbol":"E/T","new_parameters":{}}', "bad symbol"),
        (b'{"changed_at":"2025-04-01","new_parameters":{},"version":0}', "version: expected a whole number from 1 on"),
        (
            b'{"changed_at":"2025-04-01","strategy_id":"doji_reversal","new_parameters":{"trend_period":0}}',
            "doji_reversal, version 1: trend_period: Input should be greater than or equal to 1, got 0",
        ),
    ],
)
def test_a_bad_line_is_refused(tmp_path: Path, line: bytes, why: str) -> None:
    changes = tmp_path / "changes.jsonl"
    changes.write_bytes(b"\n" + line + b"\n")

    assert why in refusal("replay", FILES[0], "--changes", changes)


def test_a_script_that_is_not_there_is_refused(tmp_path: Path) -> None:
    assert "cannot be read: No such file" in refusal("replay", FILES[0], "--changes", tmp_path / "changes.jsonl")
