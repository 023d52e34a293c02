"""Two stores that are to hold the same."""

from __future__ import annotations

from state.configs.changing import takes_place_of
from state.configs.records import AuditEntry, ConfigRecord
from state.configs.watched import Watched


def follow(primary: Watched, fallback: Watched) -> None:
    """Have the fallback hold what the primary holds, whatever it held before; what only the fallback knows stays there.

    Raises:
        RetryLater: one of them is away. What was copied until then stays.
    """
    records, entries = primary.use(lambda store: store.records()), primary.use(lambda store: store.all_entries())
    held = {record.scope: record for record in fallback.use(lambda store: store.records())}
    others = fallback.use(lambda store: store.all_entries())
    lacking = [record for record in records if _says_other(record, held.get(record.scope))]
    unknown = _unknown(others, entries)
    if lacking or unknown:
        fallback.use(lambda store: store.copy(lacking, unknown, replace=True))


def _says_other(record: ConfigRecord, held: ConfigRecord | None) -> bool:
    return held is None or (record.version, record.parameters) != (held.version, held.parameters)


def agree(first: Watched, second: Watched) -> None:
    """Have both stores hold the records and audit entries that either of them holds.

    Of two records of a scope the later version holds, of the same version the later change; all audit entries stay.

    Raises:
        RetryLater: one of them is away. What was copied until then stays.
    """
    firsts, seconds = first.use(lambda store: store.records()), second.use(lambda store: store.records())
    entries, others = first.use(lambda store: store.all_entries()), second.use(lambda store: store.all_entries())
    _copy(second, _lacking(seconds, firsts), _unknown(others, entries))
    _copy(first, _lacking(firsts, seconds), _unknown(entries, others))


def _copy(to: Watched, records: list[ConfigRecord], entries: list[AuditEntry]) -> None:
    if records or entries:
        to.use(lambda store: store.copy(records, entries))


def _lacking(held: list[ConfigRecord], offered: list[ConfigRecord]) -> list[ConfigRecord]:
    by_scope = {record.scope: record for record in held}
    return [record for record in offered if takes_place_of(record, by_scope.get(record.scope))]


def _unknown(held: list[AuditEntry], offered: list[AuditEntry]) -> list[AuditEntry]:
    ids = {entry.id for entry in held}
    return [entry for entry in offered if entry.id not in ids]
