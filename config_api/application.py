"""The application's settings: what is in force, and changing it.

What is stored are those that were set, so that a strategy that comes with an update is enabled where none were chosen.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from config_api.desk import NOTHING, UNREADABLE, Desk, Wanted, check_expected, version_of, with_record
from config_api.errors import invalid
from config_api.findings import Unfit, checked
from config_api.views import ApplicationConfig, Metadata
from state.configs.records import APPLICATION, ConfigRecord, Values
from state.configs.store import Records
from strategies.application import ApplicationSettings
from strategies.resolution import resolve_application


@dataclass(frozen=True)
class Planned:
    """A change that is possible: what is to be stored, None for nothing, and the version that it is decided on."""

    parameters: Values | None
    version: int
    changes: bool


def read(desk: Desk) -> tuple[ApplicationConfig, Metadata]:
    """The settings as they are."""
    records = desk.known()
    if records is None:
        return view(NOTHING), Metadata(action="read", note=UNREADABLE)
    unusable = resolve_application(records.by_scope)[1]
    note = f"not in force: {'; '.join(unusable)}"[:1000] if unusable else None
    return view(records), Metadata(action="read", note=note)


def view(records: Records) -> ApplicationConfig:
    """The settings as clients see them."""
    settings, _ = resolve_application(records.by_scope)
    defaults = ApplicationSettings().model_dump(mode="json")
    record = records.get(APPLICATION)
    held = record.parameters if record else None
    return ApplicationConfig(
        parameters=settings,
        stored_parameters=held,
        changed_parameters={
            name: value for name, value in settings.model_dump(mode="json").items() if value != defaults[name]
        },
        version=version_of(record),
        source=record.source if record and held is not None else "default",
    )


def plan_change(given: Mapping[str, Any], records: Records, wanted: Wanted) -> Planned:
    """What a change of some settings comes to.

    Raises:
        ApiError: 409, the version is another one; 422, the settings are not possible.
    """
    record = records.get(APPLICATION)
    version = check_expected(APPLICATION, record, wanted)
    before, _ = resolve_application(records.by_scope)
    after = _fitting(dict(before), given).model_dump(mode="json")
    held = record.parameters if record else None
    stored = {name for name in held or {} if name in after} | set(given)
    parameters = {name: after[name] for name in after if name in stored}
    return Planned(parameters, version, changes=parameters != (held or {}))


def plan_rollback(parameters: Values | None, records: Records, wanted: Wanted) -> Planned:
    """What going back to earlier settings comes to. Raises as above."""
    record = records.get(APPLICATION)
    version = check_expected(APPLICATION, record, wanted)
    if parameters is not None:
        after = _fitting({}, parameters).model_dump(mode="json")
        parameters = {name: after[name] for name in parameters}
    return Planned(parameters, version, changes=parameters != (record.parameters if record else None))


def carry_out(desk: Desk, plan: Planned, records: Records, wanted: Wanted) -> tuple[ApplicationConfig, Metadata]:
    """Make a change, unless it changes nothing."""
    if not plan.changes:
        return view(records), Metadata(action="unchanged")
    record, metadata = desk.write(APPLICATION, plan.parameters, plan.version, wanted)
    return view(with_record(records, record)), metadata


def tried(plan: Planned, records: Records) -> Records:
    """What would be stored."""
    version = plan.version + plan.changes
    return with_record(records, ConfigRecord(APPLICATION, plan.parameters, version, 0, 0, "", records.source))


def _fitting(lower: Mapping[str, Any], values: Mapping[str, Any]) -> ApplicationSettings:
    try:
        return checked(ApplicationSettings, lower, values)
    except Unfit as unfit:
        raise invalid(unfit.findings) from unfit
