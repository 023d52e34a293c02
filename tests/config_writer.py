"""Another process that changes the configuration, until it has made so many changes, or is killed."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor

from state.configs.records import Change, Scope
from state.configs.stores import ConfigStores, open_stores
from state.errors import ReadAgain, RetryLater

SCOPE = Scope("hammer_reversal_pattern", "BTCUSDT")


def insist(stores: ConfigStores, number: int) -> int:
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


def main(mongodb_uri: str, mongodb_database: str, sql_uri: str, threads: str, changes: str) -> None:
    """So many changes in each thread; versions are written when they are accepted."""
    stores = open_stores(mongodb_uri or None, mongodb_database, sql_uri, sql_uri)

    def write() -> None:
        for number in range(int(changes)):
            sys.stdout.write(f"{insist(stores, number)}\n")
            sys.stdout.flush()

    with ThreadPoolExecutor(int(threads)) as pool:
        for thread in [pool.submit(write) for _ in range(int(threads))]:
            thread.result()
    stores.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
