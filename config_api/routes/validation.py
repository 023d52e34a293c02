"""Trying changes out."""

from __future__ import annotations

from fastapi import APIRouter

from config_api import application as settings
from config_api import strategies as configs
from config_api import trials
from config_api.desk import Wanted
from config_api.envelope import READ, WRITE, answers
from config_api.errors import ApiError, Finding, invalid
from config_api.guarded import READ_ONLY, GuardedRoute
from config_api.requests import Trial
from config_api.routes.parts import TheDesk, TheTrials
from config_api.trials import Trials
from config_api.views import DryRunView, Metadata, Verdict, VerdictAnswer
from state.configs.store import Records
from state.key import key_of

router = APIRouter(prefix="/config", tags=["validation"], route_class=GuardedRoute)

_NOBODY = Wanted("nobody")


@router.post(
    "/validate",
    summary="Try a change out",
    responses=answers(*READ, *(status for status in WRITE if status != 409), 404),
    openapi_extra=READ_ONLY,
)
def validate(trial: Trial, desk: TheDesk, running: TheTrials) -> VerdictAnswer:
    """Say whether a change would be taken, and which signals of a symbol's last bars would appear or disappear.

    The change is one of a strategy, for all symbols or for one, or one of the application's settings. Both what holds
    now and the change are run over the bars of the history, with the strategies that the change concerns. Nothing is
    stored, and nothing is announced.
    """
    symbol, key = _checked(trial)
    records = desk.fresh()
    try:
        after = _after(trial, symbol, records)
    except ApiError as error:
        if error.code != "invalid":
            raise
        findings = error.details if isinstance(error.details, list) else []
        return _answer(Verdict(valid=False, errors=findings, dry_run=None))
    dry_run = _dry_run(running, trial, key, records, after) if key else None
    return _answer(Verdict(valid=True, errors=[], dry_run=dry_run))


def _checked(trial: Trial) -> tuple[str | None, str | None]:
    """The symbol whose own values change, and the key to try the change out on.

    Raises:
        ApiError: 404 or 422, what is asked for is not possible.
    """
    is_strategy, is_application = trial.strategy_id is not None, trial.application is not None
    if is_strategy == is_application or is_strategy != (trial.parameters is not None):
        expected = "strategy_id and parameters, or application"
        raise invalid([Finding(parameter="", message=f"expected {expected}", expected=expected, got=_given(trial))])
    if trial.strategy_id is not None:
        configs.strategy_of(trial.strategy_id)
    symbol = None if trial.symbol is None else configs.checked_symbol(trial.symbol)
    other = trial.dry_run_symbol
    on = symbol if other is None else configs.checked_symbol(other, "dry_run_symbol")
    timeframe = trials.checked_timeframe(trial.timeframe)
    return symbol, None if on is None else key_of(on, timeframe)


def _given(trial: Trial) -> list[str]:
    return [name for name in ("strategy_id", "parameters", "application") if getattr(trial, name) is not None]


def _after(trial: Trial, symbol: str | None, records: Records) -> Records:
    """What would be stored.

    Raises:
        ApiError: 422, the change is not possible.
    """
    if trial.strategy_id is None:
        return settings.tried(settings.plan_change(trial.application or {}, records, _NOBODY), records)
    scope = configs.scope_of(trial.strategy_id, symbol)
    return configs.tried(configs.plan_change(scope, trial.parameters or {}, records, _NOBODY), records)


def _dry_run(running: Trials, trial: Trial, key: str, before: Records, after: Records) -> DryRunView:
    symbol = key.partition("|")[0]
    if trial.strategy_id is None:
        one, other = (trials.of_application(key, records) for records in (before, after))
    else:
        one, other = (trials.of_strategy(trial.strategy_id, symbol, stored.by_scope) for stored in (before, after))
    return running.run(key, one, other, trial.bars)


def _answer(verdict: Verdict) -> VerdictAnswer:
    return VerdictAnswer(data=verdict, metadata=Metadata(action="validated"))
