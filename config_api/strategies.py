"""The configuration of strategies: what is in force, and changing it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from config_api.desk import NOTHING, UNREADABLE, Desk, Wanted, check_expected, version_of, with_record
from config_api.errors import Finding, invalid, not_found
from config_api.findings import Unfit, checked, shown
from config_api.views import Config, Metadata
from state.configs.records import ConfigRecord, Scope, Values
from state.configs.store import Records
from state.errors import SkipInput
from state.key import check_symbol
from strategies.base import Strategy
from strategies.configuration import StrategyConfig, changed_parameters
from strategies.parameters import Parameters
from strategies.registry import STRATEGIES
from strategies.resolution import Stored, resolve_strategy


@dataclass(frozen=True)
class Planned:
    """A change that is possible: what the scope is to hold, None for nothing, and the version that it is decided on."""

    scope: Scope
    parameters: Values | None
    version: int
    changes: bool
    """Whether it would change anything."""


def strategy_of(strategy_id: str) -> type[Strategy[Any]]:
    """The strategy of this id.

    Raises:
        ApiError: 404, there is none.
    """
    found = STRATEGIES.get(strategy_id)
    if found is None:
        raise not_found("strategy", f"there is no strategy {strategy_id[:60]!r}")
    return found


def scope_of(strategy_id: str, symbol: str | None) -> Scope:
    """What a request is about.

    Raises:
        ApiError: 404, there is no such strategy; 422, the symbol is none.
    """
    strategy_of(strategy_id)
    return Scope(strategy_id, None if symbol is None else checked_symbol(symbol))


def checked_symbol(symbol: str, parameter: str = "symbol") -> str:
    """A symbol, in upper case.

    Raises:
        ApiError: 422, it is none.
    """
    try:
        return check_symbol(symbol)
    except SkipInput as error:
        expected = "1 to 40 letters, digits or underscores"
        finding = Finding(parameter=parameter, message=str(error), expected=expected, got=shown(symbol))
        raise invalid([finding]) from error


def defaults_of(strategy_id: str) -> Values:
    """All defaults of a strategy."""
    return dict(STRATEGIES[strategy_id].parameters())  # type: ignore[call-arg]


def in_force(strategy_id: str, symbol: str | None, stored: Stored) -> Parameters:
    """The values in force."""
    parameters: Parameters = resolve_strategy(strategy_id, symbol, stored).config.parameters
    return parameters


def read(desk: Desk, scope: Scope) -> tuple[Config, Metadata]:
    """A configuration as it is. What is asked for all symbols for the first time stores the defaults."""
    records = desk.known()
    if records is None:
        return view(scope, NOTHING), Metadata(action="read", note=UNREADABLE)
    if scope.symbol is None and records.get(scope) is None:
        desk.first_use(scope, defaults_of(str(scope.strategy_id)), records)
        records = desk.known() or records
    resolved = resolve_strategy(str(scope.strategy_id), scope.symbol, records.by_scope)
    note = f"not in force: {'; '.join(resolved.unusable)}"[:1000] if resolved.unusable else None
    return _view(scope, resolved.config, records), Metadata(action="read", note=note)


def view(scope: Scope, records: Records) -> Config:
    """A configuration as clients see it."""
    return _view(scope, resolve_strategy(str(scope.strategy_id), scope.symbol, records.by_scope).config, records)


def _view(scope: Scope, config: StrategyConfig, records: Records) -> Config:
    record = records.get(scope)
    return Config(
        strategy_id=str(scope.strategy_id),
        symbol=scope.symbol,
        parameters=dict(config.parameters),
        stored_parameters=record.parameters if record else None,
        changed_parameters=changed_parameters(config.parameters),
        version=version_of(record),
        source=config.applied.source,
        is_override=config.applied.is_override,
    )


def plan_change(scope: Scope, given: Mapping[str, Any], records: Records, wanted: Wanted) -> Planned:
    """What a change of some values comes to.

    Raises:
        ApiError: 409, the version is another one; 422, the values are not possible.
    """
    version = check_expected(scope, records.get(scope), wanted)
    strategy_id, stored = str(scope.strategy_id), records.by_scope
    model = STRATEGIES[strategy_id].parameters
    before = in_force(strategy_id, scope.symbol, stored)
    after = _fitting(model, dict(before), given)
    record = records.get(scope)
    held = record.parameters if record else None
    if scope.symbol is None:
        parameters = dict(after)
        changes = held is None or after != before
    else:
        parameters = _own_values(held, after, given)
        changes = parameters != (held or {})
    plan = Planned(scope, parameters, version, changes)
    check_symbols(plan, records)
    return plan


def _own_values(held: Values | None, after: Parameters, given: Mapping[str, Any]) -> Values:
    """What a symbol is to hold: what it held, and what is given now, which is to hold whatever holds for all."""
    values = dict(after)
    return {name: values[name] for name in {**(held or {}), **given} if name in values}


def plan_rollback(scope: Scope, parameters: Values | None, records: Records, wanted: Wanted) -> Planned:
    """What going back to earlier values comes to.

    Raises:
        ApiError: 409, the version is another one; 422, the values are not possible any more.
    """
    record = records.get(scope)
    version = check_expected(scope, record, wanted)
    if parameters is not None:
        parameters = _as_today(scope, parameters, records.by_scope)
    held = record.parameters if record else None
    plan = Planned(scope, parameters, version, changes=parameters != held)
    check_symbols(plan, records)
    return plan


def _as_today(scope: Scope, parameters: Values, stored: Stored) -> Values:
    """Earlier values as today's model takes them: all of them for all symbols, the symbol's own for one."""
    strategy_id = str(scope.strategy_id)
    model = STRATEGIES[strategy_id].parameters
    if scope.symbol is None:
        return dict(_fitting(model, {}, parameters))
    values = dict(_fitting(model, dict(in_force(strategy_id, None, stored)), parameters))
    return {name: values[name] for name in parameters}


def plan_deletion(scope: Scope, records: Records, wanted: Wanted) -> Planned:
    """What deleting comes to.

    Raises:
        ApiError: 404, there is nothing to delete; 409, the version is another one; 422, symbols' own values do not go
            with the defaults.
    """
    record = records.get(scope)
    if record is None or record.parameters is None:
        raise not_found("config", f"nothing is stored for {scope}")
    plan = Planned(scope, None, check_expected(scope, record, wanted), changes=True)
    check_symbols(plan, records)
    return plan


def check_symbols(plan: Planned, records: Records) -> None:
    """Let no change for all symbols break the values of one.

    Raises:
        ApiError: 422, it would.
    """
    if plan.scope.symbol is None:
        findings = list(_broken(plan, records.by_scope))
        if findings:
            raise invalid(findings)


def _broken(plan: Planned, stored: Stored) -> Iterator[Finding]:
    strategy_id = str(plan.scope.strategy_id)
    model = STRATEGIES[strategy_id].parameters
    lower = plan.parameters or defaults_of(strategy_id)
    for scope, record in stored.items():
        is_own = scope.strategy_id == strategy_id and scope.symbol is not None
        # What could not be used before is not this change's fault.
        if is_own and record.parameters and not resolve_strategy(strategy_id, scope.symbol, stored).unusable:
            try:
                checked(model, lower, record.parameters, scope.symbol)
            except Unfit as unfit:
                for finding in unfit.findings:
                    yield finding.model_copy(
                        update={"message": f"with the values of {scope.symbol}: {finding.message}"}
                    )


def carry_out(desk: Desk, plan: Planned, records: Records, wanted: Wanted) -> tuple[Config, Metadata]:
    """Make a change, unless it changes nothing."""
    if not plan.changes:
        return view(plan.scope, records), Metadata(action="unchanged")
    record, metadata = desk.write(plan.scope, plan.parameters, plan.version, wanted)
    return view(plan.scope, with_record(records, record)), metadata


def tried(plan: Planned, records: Records) -> Records:
    """What would be stored."""
    version = plan.version + plan.changes
    return with_record(records, ConfigRecord(plan.scope, plan.parameters, version, 0, 0, "", records.source))


def _fitting(model: type[Parameters], lower: Mapping[str, Any], values: Mapping[str, Any]) -> Parameters:
    try:
        return checked(model, lower, values)
    except Unfit as unfit:
        raise invalid(unfit.findings) from unfit
