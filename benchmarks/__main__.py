"""`python -m benchmarks`: measure everything and print it; exits with 0 whatever the figures, 2 without the data."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import orjson

from benchmarks.config_api import API_QUICK, ApiExtent, measure_api
from benchmarks.config_api_report import api_report, api_targets
from benchmarks.data import missing_files
from benchmarks.evaluation import (
    QUICK_ROUNDS,
    ROUNDS,
    evaluation_report,
    evaluation_targets,
    measure_evaluation,
)
from benchmarks.live import LIVE_QUICK, LiveExtent, measure_live
from benchmarks.live_report import live_report, live_targets
from benchmarks.report import as_data, report
from benchmarks.rounds import QUICK, Extent, measure
from benchmarks.targets import targets_of
from benchmarks.wanted import wanted


def main() -> int:
    """Run the benchmarks as the command line says."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description="What a bar costs, beside other libraries."
    )
    parser.add_argument("--quick", action="store_true", help="fewer rounds: a rough answer in about a minute")
    parser.add_argument("--only", choices=["replay", "live", "api", "evaluate"], help="measure only this part")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures there too")
    arguments = parser.parse_args()
    if missing := missing_files():
        sys.stderr.write("the benchmarks need recorded klines that are not there:\n")
        sys.stderr.writelines(f"  {path}\n" for path in missing)
        return 2
    data: dict[str, object] = {}
    parts = {"replay": _replay, "live": _live, "api": _api, "evaluate": _evaluate}
    for name in [arguments.only] if arguments.only else parts:
        data |= parts[name](quick=arguments.quick)
    if arguments.json:
        arguments.json.write_bytes(orjson.dumps(data, option=orjson.OPT_INDENT_2))
    return 0


def _replay(*, quick: bool) -> dict[str, object]:
    wish = wanted()
    found = measure(QUICK if quick else Extent(), wish)
    targets = targets_of(found)
    sys.stdout.write(report(found, wish, targets))
    return as_data(found, wish, targets)


def _live(*, quick: bool) -> dict[str, object]:
    found = measure_live(LIVE_QUICK if quick else LiveExtent())
    targets = live_targets(found)
    sys.stdout.write(f"\n{live_report(found, targets)}")
    return {"live": {**vars(found), "targets": [{**vars(target), "reached": target.reached} for target in targets]}}


def _api(*, quick: bool) -> dict[str, object]:
    found = measure_api(API_QUICK if quick else ApiExtent())
    targets = api_targets(found)
    sys.stdout.write(f"\n{api_report(found, targets)}")
    return {
        "api": {
            **vars(found),
            "propagation": vars(found.propagation),
            "targets": [{**vars(target), "reached": target.reached} for target in targets],
        }
    }


def _evaluate(*, quick: bool) -> dict[str, object]:
    found = measure_evaluation(QUICK_ROUNDS if quick else ROUNDS)
    targets = evaluation_targets(found)
    sys.stdout.write(f"\n{evaluation_report(found, targets)}")
    return {
        "evaluation": {**vars(found), "targets": [{**vars(target), "reached": target.reached} for target in targets]}
    }


if __name__ == "__main__":
    sys.exit(main())
