"""How the sidecar is, for who looks after it."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from pydantic import BaseModel, Field

from config_api.desk import Desk
from config_api.routes.parts import Parts

router = APIRouter(tags=["health"])


class Announcing(BaseModel):
    """Whether bots are told of changes at once."""

    connected: bool = Field(description="Whether NATS is there")
    trouble: str | None = Field(description="What is wrong with it; null where nothing is")


class Health(BaseModel):
    """How everything behind the API is."""

    status: Literal["healthy", "degraded", "unhealthy"] = Field(
        description="healthy when all is well, unhealthy when no store can be used"
    )
    stores: dict[str, str | None] = Field(
        description="By kind of store what is wrong with it; null where nothing is", examples=[{"mongodb": None}]
    )
    history: str | None = Field(description="What is wrong with the klines that changes are tried out on, or null")
    cache_age_secs: float | None = Field(description="How long ago all was read; null where it never was")
    announcer: Announcing = Field(description="The announcing of changes")


class Ready(BaseModel):
    """Whether requests can be served."""

    ready: bool


class Live(BaseModel):
    """Whether the program runs."""

    live: Literal[True] = True


@router.get("/health", summary="How everything is")
async def health(request: Request) -> Health:
    """How the stores, what is known of them, and the announcing of changes are: what dies is told within 5 seconds."""
    parts: Parts = request.app.state.parts
    desk, watched = parts.desk, {name: watch.trouble for name, watch in parts.watches.items()}
    troubles = {kind: watched[kind] or trouble for kind, trouble in desk.stores.troubles().items()}
    usable = any(trouble is None for trouble in troubles.values())
    well = desk.announcer.connected and not any((*watched.values(), *troubles.values()))
    return Health(
        status="healthy" if well else "degraded" if usable else "unhealthy",
        stores=troubles,
        history=watched["history"],
        cache_age_secs=desk.cache.age_secs,
        announcer=Announcing(connected=desk.announcer.connected, trouble=watched["nats"]),
    )


@router.get(
    "/ready", summary="Whether requests can be served", responses={503: {"model": Ready, "description": "Not now"}}
)
async def ready(request: Request, response: Response) -> Ready:
    """Ready is who can read a store, or has read one and knows what was in it."""
    desk: Desk = request.app.state.parts.desk
    is_ready = desk.cache.age_secs is not None or any(one is None for one in desk.stores.troubles().values())
    response.status_code = 200 if is_ready else 503
    return Ready(ready=is_ready)


@router.get("/live", summary="Whether the program runs")
async def live() -> Live:
    """Always, when there is an answer."""
    return Live()


@router.get("/metrics", include_in_schema=False)
async def metrics() -> Response:
    """What is counted in this process, as Prometheus reads it."""
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)
