"""Another process that changes the configuration, until it has made so many changes, or is killed."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor

from state.configs.records import Change, Scope
from state.configs.stores import ConfigStores, open_stores
from state.errors import ReadAgain, RetryLater

SCOPE = Scope("hammer_reversal_pattern", "BTCUSDT")


def write(stores: ConfigStores, number: int) -> int:
    """Make one change, again until it is made; the version it made."""
    version: int | None = None
    while True:
        try:
            if version is None:
                found = stores.read().get(SCOPE)
                version = found.version if found else 0
            return stores.write(Change(SCOPE, {"number": number}, version, "writer")).record.version
        except ReadAgain as error:
            version = error.version
        except RetryLater:
            version = None


def main(mongodb_uri: str, mongodb_database: str, sql_uri: str, count: str, threads: str) -> None:
    """Write each version when it is accepted."""
    stores = open_stores(mongodb_uri or None, mongodb_database, sql_uri, sql_uri)
    with ThreadPoolExecutor(int(threads)) as pool:
        for version in pool.map(lambda number: write(stores, number), range(int(count))):
            print(version, flush=True)
    stores.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
