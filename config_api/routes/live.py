"""The running market: bars, signals, how everything is, and all of it as it happens."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Header, Path, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from config_api.envelope import READ, answers
from config_api.errors import ApiError
from config_api.guarded import GuardedRoute
from config_api.live.status import StatusAnswer, status_of
from config_api.live.stream import EventStream
from config_api.live.views import Key, Keys, Klines, Signals, Told, kline_of
from config_api.requests import AStrategy, ASymbol
from config_api.routes.parts import Symbol, TheMarket
from config_api.strategies import checked_symbol, strategy_of
from config_api.trials import checked_timeframe
from state.key import key_of, split_key
from state.timeframe import TIMEFRAMES

router = APIRouter(tags=["live"], route_class=GuardedRoute)

ATimeframe = Annotated[str, Field(json_schema_extra={"enum": list(TIMEFRAMES)})]

TimeframeName = Annotated[
    str, Path(description="A timeframe", examples=["15m"], json_schema_extra={"enum": list(TIMEFRAMES)})
]


class KlinesPage(BaseModel):
    """How many bars are wanted."""

    model_config = ConfigDict(extra="forbid")

    limit: int = Field(default=500, ge=1, le=2_000, description="How many of the last bars at most")


class SignalsPage(BaseModel):
    """How many signals are wanted, and which."""

    model_config = ConfigDict(extra="forbid")

    limit: int = Field(default=100, ge=1, le=1_000, description="How many of the latest signals at most")
    symbol: ASymbol | None = Field(default=None, description="Only those of this symbol", examples=["BTCUSDT"])
    timeframe: ATimeframe | None = Field(default=None, description="Only those of this timeframe", examples=["15m"])
    strategy: AStrategy | None = Field(
        default=None, description="Only those of this strategy", examples=["momentum_pulse"]
    )


@router.get("/klines", summary="All symbols and timeframes", responses=answers(*READ))
def list_keys(market: TheMarket) -> Keys:
    """The symbols and timeframes that there are bars of: in the history, or heard since."""
    note = None
    try:
        keys = market.latest.keys()
    except ApiError as error:
        keys, note = market.latest.heard_keys(), error.message
    found = [Key(symbol=symbol, timeframe=timeframe.name) for symbol, timeframe in map(split_key, keys)]
    return Keys(data=found, metadata=Told(note=note))


@router.get("/klines/{symbol}/{timeframe}", summary="The last bars", responses=answers(*READ, 422))
def klines(symbol: Symbol, timeframe: TimeframeName, page: Annotated[KlinesPage, Query()], market: TheMarket) -> Klines:
    """The last closed bars of a symbol and timeframe: of the history, and those that have arrived since."""
    key, note = key_of(checked_symbol(symbol), checked_timeframe(timeframe)), None
    try:
        bars = market.latest.of(key, page.limit)
    except ApiError as error:
        bars, note = market.latest.heard_of(key, page.limit), error.message
        if not bars:
            raise
    return Klines(data=list(map(kline_of, bars)), metadata=Told(note=note))


@router.get("/signals", summary="The latest signals", responses=answers(*READ, 404, 422))
def signals(page: Annotated[SignalsPage, Query()], market: TheMarket) -> Signals:
    """The latest signals and alerts that were published, the newest first."""
    symbol = None if page.symbol is None else checked_symbol(page.symbol)
    timeframe = None if page.timeframe is None else checked_timeframe(page.timeframe).name
    if page.strategy is not None:
        strategy_of(page.strategy)
    found = [
        signal
        for signal in market.heard.signals()
        if symbol in {None, signal.symbol}
        and timeframe in {None, signal.timeframe}
        and page.strategy in {None, signal.strategy_id}
    ]
    note = None if market.ear.hearing().signals else "signals are not heard at the moment"
    return Signals(data=found[: page.limit], metadata=Told(note=note))


@router.get("/status", summary="How the bot and its sidecar are", responses=answers(*READ))
async def status(request: Request, market: TheMarket) -> StatusAnswer:
    """How the sidecar and its stores are, how the bot is that it asks, and how old the newest bars are."""
    return StatusAnswer(data=await status_of(request, market), metadata=Told())


@router.get(
    "/events",
    status_code=200,
    summary="What happens, as it happens",
    responses={**answers(*READ), 200: {"description": "Events", "content": {"text/event-stream": {}}}},
    response_class=EventStream,
)
async def events(
    request: Request,
    market: TheMarket,
    last_event_id: Annotated[str | None, Header(description="The id of the last event that was seen")] = None,
) -> Response:
    """Server-sent events: `signal`, `bar` and `config`, and every five seconds `health`.

    The first is a `hello`, which says whether anything was missed since `Last-Event-ID`: then what is known has to be
    read anew. A client that does not read what it is sent is disconnected.
    """

    async def health_now() -> bytes:
        found = await status_of(request, market)
        return found.model_dump_json().encode()

    return EventStream(market.feed, last_event_id, health_now)
