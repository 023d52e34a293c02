"""The API as a whole."""

from __future__ import annotations

from fastapi import APIRouter, FastAPI, Security
from fastapi.security import HTTPBearer

from config_api.auth import Tokens
from config_api.counts import Counted
from config_api.gate import Gate
from config_api.guarded import Guard, add_error_answers
from config_api.limits import ChangeLimit
from config_api.paths import PREFIX
from config_api.routes import application, health, live, page, strategies, validation
from config_api.routes.parts import Parts

_DESCRIPTION = """\
Reads and changes the configuration of petrosa-ta-bot while it runs.

What is in force for a strategy on a symbol is, parameter by parameter, the default, over it what is stored for all
symbols, over that what is stored for the symbol. Every change makes a version, and an entry in the audit; versions
only ever rise. Bots are told of changes at once.
"""

# Only for the documentation: who may what is decided by the routes, before anything else is read.
_BEARER = HTTPBearer(auto_error=False, description="A token of API_TOKENS; reads need any, changes a write token")


def create_app(parts: Parts, tokens: Tokens, changes_per_minute: int, version: str) -> FastAPI:
    """The API on these parts; without tokens it answers this machine only."""
    app = FastAPI(
        title="petrosa-ta-bot configuration",
        version=version,
        description=_DESCRIPTION,
        docs_url=None,  # it loads scripts of others into the origin that tokens are typed into
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.parts = parts
    app.state.guard = Guard(tokens, ChangeLimit(changes_per_minute))
    api = APIRouter(prefix=PREFIX, dependencies=[Security(_BEARER)])
    for routes in (strategies, application, validation, live):
        api.include_router(routes.router)
    app.include_router(api)
    app.include_router(health.router)
    app.include_router(page.router)
    add_error_answers(app)
    app.add_middleware(Gate, local_only=not tokens)
    app.add_middleware(Counted, prefix=PREFIX)
    return app
