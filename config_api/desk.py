"""What every change goes over: the stores, what is known of them, and who is told."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from typing import Protocol

from config_api.errors import ApiError, conflict, unavailable
from config_api.views import Action, Metadata
from state.configs.cache import CachedConfigs
from state.configs.records import SYSTEM, AuditAction, AuditEntry, Change, ConfigRecord, Scope, Values
from state.configs.store import Records
from state.configs.stores import ConfigStores
from state.errors import ReadAgain, RetryLater, SkipInput

log = logging.getLogger(__name__)

NOTHING = Records({}, "default", is_primary=False)
"""What is known where nothing can be read and nothing ever was."""

UNREADABLE = "no store can be read, and none could be before: these are the defaults"

# How long defaults stay unwritten after they could not be.
_REST_SECS = 10.0

_ACTIONS: dict[AuditAction, Action] = {"CREATE": "created", "UPDATE": "updated", "DELETE": "deleted"}


class Announcer(Protocol):
    """Tells bots of changes. May be used from any thread."""

    @property
    def connected(self) -> bool:
        """Whether there is anybody to tell them, as far as is known."""

    def announce(self, record: ConfigRecord, entry: AuditEntry) -> bool:
        """Tell of a change; whether that was done, within about a second."""


@dataclass(frozen=True)
class Wanted:
    """A change as a client asks for it: who, why, and what it was decided on, if that is said."""

    by: str
    reason: str | None = None
    expected_version: int | None = None


class Desk:
    """Reads what is stored, and writes changes, each with `changing` entered. May be used from any thread."""

    def __init__(
        self,
        stores: ConfigStores,
        cache: CachedConfigs,
        announcer: Announcer,
        changing: Callable[[Scope], AbstractContextManager[object]] = nullcontext,
    ) -> None:
        self.stores = stores
        self.cache = cache
        self.announcer = announcer
        self.changing = changing
        self._rests_until_secs = 0.0

    def known(self) -> Records | None:
        """What is stored, as far as is known; None where nothing can be read and nothing ever was."""
        try:
            return self.cache.read()
        except RetryLater:
            return None

    def fresh(self) -> Records:
        """What is stored, read for a change.

        Raises:
            ApiError: 503, it cannot be read now.
        """
        began_secs = time.monotonic()
        try:
            records = self.cache.refresh()
        except RetryLater as error:
            raise unavailable("store", str(error)) from error
        age_secs = self.cache.age_secs
        if age_secs is None or age_secs > time.monotonic() - began_secs:
            troubles = "; ".join(filter(None, self.stores.troubles().values()))
            raise unavailable("store", troubles or "no store can be read")
        return records

    def entries(self, strategy_id: str | None, symbol: str | None, limit: int) -> list[AuditEntry]:
        """Changes of a strategy, of its values for one symbol, or without one of the application; newest first.

        Raises:
            ApiError: 503, they cannot be read.
        """
        try:
            return self.stores.entries(strategy_id, symbol, limit=limit)
        except RetryLater as error:
            raise unavailable("store", str(error)) from error

    def entry_of(self, scope: Scope, version: int) -> AuditEntry:
        """The change that made a version.

        Raises:
            ApiError: 404, there never was one; 503, that cannot be seen.
        """
        try:
            entry = self.stores.entry_of(scope, version)
            following = None if entry else self.stores.entry_of(scope, version + 1)
        except RetryLater as error:
            raise unavailable("store", str(error)) from error
        if entry is None and following is not None and following.old_parameters is not None:
            return replace(following, version=version, new_parameters=following.old_parameters)  # of before the audit
        if entry is None:
            raise ApiError(404, "unknown_version", f"{scope} never had a version {version}")
        return entry

    def write(
        self, scope: Scope, parameters: Values | None, read_version: int, wanted: Wanted
    ) -> tuple[ConfigRecord, Metadata]:
        """Have a scope hold exactly these values, or nothing for None; announce it.

        Raises:
            ApiError: 409, it was changed meanwhile; 503, no store takes it; 422, it cannot be stored.
        """
        change = Change(scope, parameters, read_version, wanted.by, wanted.reason)
        told: list[bool] = []
        try:
            with self.changing(scope):
                written = self.stores.write(
                    change, lambda record, entry: told.append(self.announcer.announce(record, entry))
                )
        except ReadAgain as error:
            raise conflict(f"{scope} was changed by somebody else meanwhile", error.version) from error
        except RetryLater as error:
            raise unavailable("store", str(error)) from error
        except SkipInput as error:
            raise ApiError(422, "invalid", f"{scope}: {error}", []) from error
        self.cache.written(written.record)
        about = {"scope": scope, "version": written.record.version, "by": wanted.by}
        log.info("%s: version %d by %s", *about.values(), extra=about)
        return written.record, Metadata(
            action=_ACTIONS[written.entry.action],
            changes_applied=True,
            mirrored=written.mirrored,
            announced=any(told),
        )

    def first_use(self, scope: Scope, defaults: Values, records: Records) -> None:
        """Store the defaults of what is used for the first time; where that is not possible now, let it be."""
        if not records.is_primary or time.monotonic() < self._rests_until_secs:
            return
        try:
            self.write(scope, defaults, 0, Wanted(SYSTEM, "defaults, stored when they were first used"))
        except ApiError as error:
            if error.status == 409:
                self.fresh()  # somebody else stored them, or others, a moment ago
                return
            self._rests_until_secs = time.monotonic() + _REST_SECS
            log.warning("%s: its defaults are not stored: %s", scope, error, extra={"scope": scope})


def with_record(records: Records, record: ConfigRecord) -> Records:
    """What is stored, once a record is."""
    return replace(records, by_scope={**records.by_scope, record.scope: record})


def version_of(record: ConfigRecord | None) -> int:
    """The version that a scope has; 0 where it never held anything."""
    return record.version if record else 0


def check_expected(scope: Scope, record: ConfigRecord | None, wanted: Wanted) -> int:
    """The version that a change is decided on.

    Raises:
        ApiError: 409, it is not what the client expects.
    """
    version = version_of(record)
    if wanted.expected_version not in (None, version):
        raise conflict(f"{scope}: expected version {wanted.expected_version}, it is {version}", version)
    return version
