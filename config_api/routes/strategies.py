"""What strategies there are, what they can be told, and what they are told."""

from __future__ import annotations

from fastapi import APIRouter

from config_api import strategies as configs
from config_api.desk import NOTHING, UNREADABLE, Desk, Wanted
from config_api.envelope import READ, WRITE, answers
from config_api.guarded import GuardedRoute
from config_api.requests import Change, StrategyRollback
from config_api.routes.parts import ADeletion, AStrategyPage, Deletion, StrategyId, Symbol, TheDesk, audit_items
from config_api.views import (
    AuditAnswer,
    Config,
    ConfigAnswer,
    Defaults,
    DefaultsAnswer,
    Metadata,
    Parameter,
    ParameterList,
    Refreshed,
    RefreshedAnswer,
    SchemaMetadata,
    StrategyItem,
    StrategyList,
)
from state.configs.records import Scope
from state.configs.store import Records
from strategies.registry import STRATEGIES
from strategies.schema import ParameterSchema, rules_of, schema_of

router = APIRouter(prefix="/strategies", tags=["strategies"], route_class=GuardedRoute)


@router.get("", summary="All strategies", responses=answers(*READ))
def list_strategies(desk: TheDesk) -> StrategyList:
    """All strategies, and for which of them something is stored."""
    records = desk.known()
    note = UNREADABLE if records is None else None
    items = [_item(strategy_id, records or NOTHING) for strategy_id in STRATEGIES]
    return StrategyList(data=items, metadata=Metadata(action="read", note=note))


def _item(strategy_id: str, records: Records) -> StrategyItem:
    strategy = STRATEGIES[strategy_id]
    live = [scope for scope, record in records.by_scope.items() if record.parameters is not None]
    return StrategyItem(
        id=strategy_id,
        strategy_id=strategy_id,
        name=strategy.name,
        description=strategy.description,
        category=strategy.category,
        has_global_config=Scope(strategy_id) in live,
        symbol_overrides=sorted(scope.symbol for scope in live if scope.strategy_id == strategy_id and scope.symbol),
        parameter_count=len(strategy.parameters.model_fields),
    )


@router.post("/cache/refresh", summary="Read all that is stored anew", responses=answers(*READ, 429))
def refresh(desk: TheDesk) -> RefreshedAnswer:
    """Read what is stored now, instead of when what was read last is too old.

    This sidecar's answers follow what others wrote into the stores without asking it. Bots look by themselves.
    """
    records = desk.fresh()
    live = [record for record in records.by_scope.values() if record.parameters is not None]
    data = Refreshed(source=records.source, records=len(live))
    return RefreshedAnswer(data=data, metadata=Metadata(action="refreshed"))


@router.get("/{strategy_id}/schema", summary="A strategy's parameters", responses=answers(*READ, 404))
def schema(strategy_id: StrategyId) -> ParameterList:
    """What a strategy can be told: its parameters, their ranges, and what must hold between them."""
    strategy = configs.strategy_of(strategy_id)
    parameters = [_parameter(parameter) for parameter in schema_of(strategy)]
    return ParameterList(data=parameters, metadata=SchemaMetadata(action="read", rules=rules_of(strategy)))


def _parameter(found: ParameterSchema) -> Parameter:
    return Parameter(
        name=found.name,
        type="int" if found.type == "int" else "float",
        description=found.description,
        default=found.default,
        min=found.minimum,
        max=found.maximum,
        example=found.example,
    )


@router.get("/{strategy_id}/defaults", summary="A strategy's defaults", responses=answers(*READ, 404))
def defaults(strategy_id: StrategyId) -> DefaultsAnswer:
    """What a strategy does where nothing is stored."""
    configs.strategy_of(strategy_id)
    data = Defaults(strategy_id=strategy_id, parameters=configs.defaults_of(strategy_id))
    return DefaultsAnswer(data=data, metadata=Metadata(action="read"))


@router.get("/{strategy_id}/config", summary="A configuration for all symbols", responses=answers(*READ, 404))
def read_global(strategy_id: StrategyId, desk: TheDesk) -> ConfigAnswer:
    """What is in force for all symbols that have no values of their own.

    Asked for the first time, the defaults are stored as version 1, by `system`.
    """
    return _answer(*configs.read(desk, configs.scope_of(strategy_id, None)))


@router.get(
    "/{strategy_id}/config/{symbol}", summary="A configuration for one symbol", responses=answers(*READ, 404, 422)
)
def read_symbol(strategy_id: StrategyId, symbol: Symbol, desk: TheDesk) -> ConfigAnswer:
    """What is in force for one symbol: its own values, over those for all symbols, over the defaults."""
    return _answer(*configs.read(desk, configs.scope_of(strategy_id, symbol)))


@router.post("/{strategy_id}/config", summary="Change a configuration for all symbols", responses=answers(*WRITE, 404))
def change_global(strategy_id: StrategyId, change: Change, desk: TheDesk) -> ConfigAnswer:
    """Change some values for all symbols; the others stay as they are.

    It must be possible together with what is in force, and with every symbol's own values. What changes nothing makes
    no version.
    """
    return _change(desk, configs.scope_of(strategy_id, None), change)


@router.post(
    "/{strategy_id}/config/{symbol}", summary="Change a configuration for one symbol", responses=answers(*WRITE, 404)
)
def change_symbol(strategy_id: StrategyId, symbol: Symbol, change: Change, desk: TheDesk) -> ConfigAnswer:
    """Change some values for one symbol.

    Only those that differ from what holds for all symbols are stored; all others go on following that. When none is
    left, nothing is stored for the symbol any more.
    """
    return _change(desk, configs.scope_of(strategy_id, symbol), change)


def _change(desk: Desk, scope: Scope, change: Change) -> ConfigAnswer:
    wanted = Wanted(change.changed_by, change.reason, change.expected_version)
    records = desk.fresh()
    plan = configs.plan_change(scope, change.parameters, records, wanted)
    if change.validate_only:
        return _answer(configs.view(scope, configs.tried(plan, records)), Metadata(action="validated"))
    return _answer(*configs.carry_out(desk, plan, records, wanted))


@router.delete(
    "/{strategy_id}/config", summary="Delete a configuration for all symbols", responses=answers(*WRITE, 404)
)
def delete_global(strategy_id: StrategyId, deletion: ADeletion, desk: TheDesk) -> ConfigAnswer:
    """Go back to the defaults, for all symbols that have no values of their own."""
    return _delete(desk, configs.scope_of(strategy_id, None), deletion)


@router.delete(
    "/{strategy_id}/config/{symbol}", summary="Delete a configuration for one symbol", responses=answers(*WRITE, 404)
)
def delete_symbol(strategy_id: StrategyId, symbol: Symbol, deletion: ADeletion, desk: TheDesk) -> ConfigAnswer:
    """Have a symbol follow what holds for all symbols."""
    return _delete(desk, configs.scope_of(strategy_id, symbol), deletion)


def _delete(desk: Desk, scope: Scope, deletion: Deletion) -> ConfigAnswer:
    wanted = Wanted(deletion.changed_by, deletion.reason, deletion.expected_version)
    records = desk.fresh()
    return _answer(*configs.carry_out(desk, configs.plan_deletion(scope, records, wanted), records, wanted))


@router.get("/{strategy_id}/audit", summary="Changes of a strategy", responses=answers(*READ, 404, 422))
def audit(strategy_id: StrategyId, page: AStrategyPage, desk: TheDesk) -> AuditAnswer:
    """Who changed what of a strategy's configuration, when and why, newest first."""
    scope = configs.scope_of(strategy_id, page.symbol)
    entries = desk.entries(strategy_id, scope.symbol, page.limit)
    return AuditAnswer(data=audit_items(entries), metadata=Metadata(action="read"))


@router.post("/{strategy_id}/rollback", summary="Go back to an earlier configuration", responses=answers(*WRITE, 404))
def roll_back(strategy_id: StrategyId, rollback: StrategyRollback, desk: TheDesk) -> ConfigAnswer:
    """Make a new version with the values of an earlier one; going back to a deletion deletes."""
    scope = configs.scope_of(strategy_id, rollback.symbol)
    wanted = Wanted(rollback.changed_by, rollback.reason, rollback.expected_version)
    entry, records = desk.entry_of(scope, rollback.version), desk.fresh()
    plan = configs.plan_rollback(scope, entry.new_parameters, records, wanted)
    config, metadata = configs.carry_out(desk, plan, records, wanted)
    return _answer(config, metadata.rolled_back())


def _answer(config: Config, metadata: Metadata) -> ConfigAnswer:
    return ConfigAnswer(data=config, metadata=metadata)
