"""The application's settings."""

from __future__ import annotations

from fastapi import APIRouter

from config_api import application as settings
from config_api.desk import Wanted
from config_api.envelope import READ, WRITE, answers
from config_api.guarded import GuardedRoute
from config_api.requests import ApplicationChange, Rollback
from config_api.routes.parts import APage, TheDesk, audit_items
from config_api.views import ApplicationAnswer, ApplicationConfig, AuditAnswer, Metadata
from state.configs.records import APPLICATION

router = APIRouter(prefix="/config/application", tags=["application"], route_class=GuardedRoute)


@router.get("", summary="The application's settings", responses=answers(*READ))
def read_application(desk: TheDesk) -> ApplicationAnswer:
    """Which strategies run, on which symbols and timeframes, and when a setup becomes a signal.

    Where symbols or timeframes are null, they are those that the bot was started with.
    """
    return _answer(*settings.read(desk))


@router.post("", summary="Change the application's settings", responses=answers(*WRITE))
def change_application(change: ApplicationChange, desk: TheDesk) -> ApplicationAnswer:
    """Change some settings; the others stay as they are. What changes nothing makes no version."""
    wanted = Wanted(change.changed_by, change.reason, change.expected_version)
    records = desk.fresh()
    plan = settings.plan_change(change.parameters, records, wanted)
    if change.validate_only:
        return _answer(settings.view(settings.tried(plan, records)), Metadata(action="validated"))
    return _answer(*settings.carry_out(desk, plan, records, wanted))


@router.get("/audit", summary="Changes of the application's settings", responses=answers(*READ, 422))
def audit_application(page: APage, desk: TheDesk) -> AuditAnswer:
    """Who changed what, when and why, newest first."""
    return AuditAnswer(data=audit_items(desk.entries(None, None, page.limit)), metadata=Metadata(action="read"))


@router.post("/rollback", summary="Go back to earlier settings", responses=answers(*WRITE, 404))
def roll_back_application(rollback: Rollback, desk: TheDesk) -> ApplicationAnswer:
    """Make a new version with the settings of an earlier one."""
    wanted = Wanted(rollback.changed_by, rollback.reason, rollback.expected_version)
    entry, records = desk.entry_of(APPLICATION, rollback.version), desk.fresh()
    plan = settings.plan_rollback(entry.new_parameters, records, wanted)
    config, metadata = settings.carry_out(desk, plan, records, wanted)
    return _answer(config, metadata.rolled_back())


def _answer(config: ApplicationConfig, metadata: Metadata) -> ApplicationAnswer:
    return ApplicationAnswer(data=config, metadata=metadata)
