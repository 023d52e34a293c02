"""`python -m benchmarks`: measure everything and print it; exits with 0 whatever the figures, 2 without the data."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import orjson

from benchmarks.data import missing_files
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
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures there too")
    arguments = parser.parse_args()
    if missing := missing_files():
        sys.stderr.write("the benchmarks need recorded klines that are not there:\n")
        sys.stderr.writelines(f"  {path}\n" for path in missing)
        return 2
    wish = wanted()
    found = measure(QUICK if arguments.quick else Extent(), wish)
    targets = targets_of(found)
    sys.stdout.write(report(found, wish, targets))
    if arguments.json:
        arguments.json.write_bytes(orjson.dumps(as_data(found, wish, targets), option=orjson.OPT_INDENT_2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
