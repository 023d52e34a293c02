"""The commands `ta-bot config`: the configuration read and changed through its API."""

from __future__ import annotations

import sys
from getpass import getuser
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import orjson
import typer

from dataflow.commands.config_paths import APPLICATION, path_of
from dataflow.commands.config_values import values_of
from dataflow.commands.options import API_CA_VARIABLE, API_URL_VARIABLE, DEFAULT_API_URL, console_beside
from state.errors import StopProgram

config_app = typer.Typer(
    help="Read and change the configuration of a bot that runs, through `ta-bot api`."
    " A token comes from TA_BOT_API_TOKEN.",
    no_args_is_help=True,
)

Strategy = Annotated[
    str, typer.Argument(help="A strategy, or application for the application's settings", show_default=False)
]
SymbolOption = Annotated[str | None, typer.Option(help="A symbol, for its own values")]
UrlOption = Annotated[str, typer.Option(help="Where the API is", envvar=API_URL_VARIABLE)]
CaOption = Annotated[
    Path | None, typer.Option(help="Certificates to trust at a URL of https, in PEM", envvar=API_CA_VARIABLE)
]
ByOption = Annotated[str | None, typer.Option(help="Who changes it: the login name unless told", show_default=False)]
ReasonOption = Annotated[str | None, typer.Option(help="Why")]
VersionOption = Annotated[
    int | None, typer.Option(min=0, help="Change nothing unless this is the version there is; 0 for none")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Write the API's answer as a JSON line, and nothing else")]


class Api(NamedTuple):
    """Where the API is, and who says that it is the one."""

    url: str
    ca_file: Path | None


@config_app.command("get")
def get(
    strategy: Strategy,
    symbol: SymbolOption = None,
    url: UrlOption = DEFAULT_API_URL,
    ca_file: CaOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what is in force."""
    content = _ask(Api(url, ca_file), "GET", path_of(strategy, symbol))
    _show_config(strategy, symbol, content, as_json=as_json)


@config_app.command("set")
def set_(  # noqa: PLR0913, PLR0917  # typer makes options of parameters
    strategy: Strategy,
    values: Annotated[list[str], typer.Argument(help="parameter=value", metavar="NAME=VALUE...", show_default=False)],
    symbol: SymbolOption = None,
    by: ByOption = None,
    reason: ReasonOption = None,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Change nothing; say if it is possible, and for a symbol what it does"),
    ] = False,
    timeframe: Annotated[str, typer.Option(help="Timeframe of the bars of a dry run")] = "15m",
    bars: Annotated[int, typer.Option(min=1, max=2000, help="Bars of a dry run")] = 200,
    expected_version: VersionOption = None,
    url: UrlOption = DEFAULT_API_URL,
    ca_file: CaOption = None,
    as_json: JsonOption = False,
) -> None:
    """Change some values; the others stay as they are."""
    parameters = values_of(strategy, values)
    if dry_run:
        _try(Api(url, ca_file), strategy, parameters, symbol, {"timeframe": timeframe, "bars": bars}, as_json=as_json)
        return
    body = {"parameters": parameters, **_who(by, reason, expected_version)}
    content = _ask(Api(url, ca_file), "POST", path_of(strategy, symbol), body=body)
    _show_config(strategy, symbol, content, as_json=as_json)


@config_app.command("delete")
def delete(  # noqa: PLR0913, PLR0917  # typer makes options of parameters
    strategy: Strategy,
    symbol: SymbolOption = None,
    by: ByOption = None,
    reason: ReasonOption = None,
    expected_version: VersionOption = None,
    url: UrlOption = DEFAULT_API_URL,
    ca_file: CaOption = None,
    as_json: JsonOption = False,
) -> None:
    """Delete what is stored for a strategy, or for a symbol of it."""
    if strategy == APPLICATION:
        raise StopProgram("the application's settings cannot be deleted: set others, or roll back to a version")
    query = _who(by, reason, expected_version)
    content = _ask(Api(url, ca_file), "DELETE", path_of(strategy, symbol), query=query)
    _show_config(strategy, symbol, content, as_json=as_json)


@config_app.command("audit")
def audit(
    strategy: Strategy,
    symbol: SymbolOption = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many changes at most")] = 50,
    url: UrlOption = DEFAULT_API_URL,
    ca_file: CaOption = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Write each change as a JSON line, as `ta-bot replay --changes` takes them")
    ] = False,
) -> None:
    """Show who changed what, when and why, newest first."""
    path = path_of(strategy, symbol, "audit")
    content = _ask(Api(url, ca_file), "GET", path, query={"limit": limit, "symbol": symbol})
    if as_json:
        for entry in content["data"]:
            _write_json(entry)
        return
    from dataflow.commands.config_tables import audit_table

    console_beside().print(audit_table(f"Changes of {_name(strategy, symbol)}", content["data"]))


@config_app.command("rollback")
def rollback(  # noqa: PLR0913, PLR0917  # typer makes options of parameters
    strategy: Strategy,
    version: Annotated[int, typer.Argument(min=1, help="The version whose values are to hold again")],
    symbol: SymbolOption = None,
    by: ByOption = None,
    reason: ReasonOption = None,
    expected_version: VersionOption = None,
    url: UrlOption = DEFAULT_API_URL,
    ca_file: CaOption = None,
    as_json: JsonOption = False,
) -> None:
    """Go back to the values of an earlier version, in a new one."""
    path = path_of(strategy, symbol, "rollback")
    body = {"version": version, **_who(by, reason, expected_version)}
    if symbol is not None:
        body["symbol"] = symbol
    _show_config(strategy, symbol, _ask(Api(url, ca_file), "POST", path, body=body), as_json=as_json)


def _ask(api: Api, method: str, path: str, **more: Any) -> dict[str, Any]:
    from dataflow.commands.config_client import ConfigClient

    return ConfigClient(*api).ask(method, path, **more)


def _try(
    api: Api,
    strategy: str,
    parameters: dict[str, Any],
    symbol: str | None,
    more: dict[str, Any],
    *,
    as_json: bool,
) -> None:
    is_strategy = strategy != APPLICATION
    what = {"strategy_id": strategy, "parameters": parameters} if is_strategy else {"application": parameters}
    content = _ask(api, "POST", "/config/validate", body={**what, "symbol": symbol, **more})
    verdict = content["data"]
    if not verdict["valid"]:
        raise StopProgram("; ".join(f"{one['parameter']}: {one['message']}" for one in verdict["errors"]))
    if as_json:
        _write_json(content)
        return
    from dataflow.commands.config_tables import dry_run_line, dry_run_table

    console = console_beside()
    console.print("possible; nothing was changed")
    found = verdict["dry_run"]
    if found:
        console.print(dry_run_line(found), highlight=False, soft_wrap=True)
        if found["appear"] or found["disappear"] or found["changed"]:
            console.print(dry_run_table(found))


def _who(by: str | None, reason: str | None, expected_version: int | None) -> dict[str, Any]:
    return {"changed_by": by or _login(), "reason": reason, "expected_version": expected_version}


def _login() -> str:
    try:
        return getuser()
    except (OSError, KeyError) as error:  # a user without a name, as in some containers
        raise StopProgram("--by: expected who changes it, since this user has no name") from error


def _show_config(strategy: str, symbol: str | None, content: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        _write_json(content)
        return
    from dataflow.commands.config_tables import config_table, done_line

    console, metadata = console_beside(), content["metadata"]
    if metadata["action"] != "read":
        console.print(done_line(metadata, content["data"]), highlight=False, soft_wrap=True)
    console.print(config_table(_name(strategy, symbol), content["data"]))
    if metadata["note"]:
        console.print(metadata["note"], highlight=False, soft_wrap=True, markup=False)


def _name(strategy: str, symbol: str | None) -> str:
    return strategy if symbol is None else f"{strategy} on {symbol.upper()}"


def _write_json(content: dict[str, Any]) -> None:
    sys.stdout.write(f"{orjson.dumps(content).decode()}\n")
