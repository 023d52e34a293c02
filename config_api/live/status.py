"""How the bot and its sidecar are, taken together."""

from __future__ import annotations

from typing import Literal

from fastapi import Request
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel, Field

from config_api.envelope import Success, example
from config_api.live.market import Market, lags_of
from config_api.live.views import Flow, Hearing, Lag, Told
from config_api.routes.health import Health, health

Rank = Literal["healthy", "degraded", "unhealthy"]

_RANKS: tuple[Rank, ...] = ("healthy", "degraded", "unhealthy")


class Status(BaseModel):
    """How the bot and its sidecar are."""

    status: Rank = Field(description="The worst of both")
    sidecar: Health = Field(description="The sidecar and its stores")
    flow: Flow = Field(description="The bot")
    hearing: Hearing = Field(description="What the sidecar hears")
    lags: list[Lag] = Field(description="The newest bars by timeframe, the shortest one first")
    watchers: int = Field(description="How many clients watch")


class StatusAnswer(Success[Status, Told]):
    """How the bot and its sidecar are."""

    model_config = example(
        {
            "status": "healthy",
            "sidecar": {
                "status": "healthy",
                "stores": {"sqlite": None},
                "history": None,
                "cache_age_secs": 1.5,
                "announcer": {"connected": True, "trouble": None},
            },
            "flow": {"reachable": True, "ready": True, "trouble": None, "details": {"ready": True}},
            "hearing": {"signals": True, "klines": True, "changes": True},
            "lags": [
                {
                    "timeframe": "15m",
                    "keys": 3,
                    "newest_close": "2024-01-01T00:15:00.000Z",
                    "age_secs": 4.2,
                    "heard_secs_ago": 4.1,
                    "late": False,
                    "behind": [],
                }
            ],
            "watchers": 1,
        },
        {"note": None},
    )


async def status_of(request: Request, market: Market) -> Status:
    """How everything is now."""
    sidecar, flow = await health(request), await run_in_threadpool(market.ask_flow)
    flows: Rank = "healthy" if flow.trouble is None else "unhealthy" if flow.ready is False else "degraded"
    return Status(
        status=max((sidecar.status, flows), key=_RANKS.index),
        sidecar=sidecar,
        flow=flow,
        hearing=market.ear.hearing(),
        lags=lags_of(market.heard.newest()),
        watchers=market.feed.watchers,
    )
