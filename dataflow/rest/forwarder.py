"""Signals and alerts to a REST endpoint, beside NATS and never in its way."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable
from concurrent.futures import CancelledError, Future
from concurrent.futures import TimeoutError as WaitedTooLong
from contextlib import suppress
from itertools import count
from time import monotonic, time
from typing import Any

import orjson

from dataflow.nats.connection import Connection
from dataflow.nats.dead_letters import dead_letter
from dataflow.nats.durable import Durable, DurableReader
from dataflow.nats.publisher import Publisher, wall_clock_ms
from dataflow.nats.streams import ALERTS, FENCES, SIGNALS, Streams
from dataflow.rest import counts
from dataflow.rest.endpoint import ATTEMPT_SECS, Answer, Endpoint, Post
from dataflow.stopping import Stop
from dataflow.tracing.traces import FlowTraces
from operators.live import BadMessage, RawMessage
from state.errors import RetryLater, SkipInput
from state.tls import TlsFiles

log = logging.getLogger(__name__)

CONSUMER = "ta-bot-rest"
STREAMS = (SIGNALS, ALERTS)

# Of each stream, so that alerts never hold signals back.
AT_ONCE = 16

_FIRST_PAUSE_SECS, _LONGEST_PAUSE_SECS = 0.25, 15.0

_CLOSE_SECS = 4.0
_LOOK_SECS = 0.1


class RestForwarder:
    """POSTs what NATS has stored of signals and alerts; those that are late are not sent.

    It reads the streams like any subscriber, so whatever happens to the endpoint, publishing to NATS does not notice.
    All processes share one consumer per stream, and each signal is sent by one of them. It is done when the endpoint
    took it, or when it is stored as a dead letter: at once where the endpoint refuses it, or where it was stored more
    than `max_age_secs` before anybody could try; else `give_up_secs` after its first attempt. Until then it comes again
    after a restart, in case of doubt once more than needed, with its `signal_id` as the idempotency key. Order is not
    kept. When forwarding is switched on for the first time, it begins with what is stored from then on.

    Raises:
        StopProgram: the endpoint's URL is not possible, or a file of `tls` not usable.
    """

    def __init__(
        self,
        connection: Connection,
        streams: Streams,
        endpoint: str,
        give_up_secs: float,
        max_age_secs: float | None = None,
        may_send: Callable[[], bool] = lambda: True,
        tls: TlsFiles | None = None,
    ) -> None:
        self.connection = connection
        self.may_send = may_send
        """Whether anything may be sent now; what waits for it is given back by `pause`."""
        self.give_up_secs = give_up_secs
        self.max_age_secs = max_age_secs
        self.endpoint = Endpoint(endpoint, AT_ONCE * len(STREAMS), tls)
        self.traces = FlowTraces()
        self._publisher = Publisher(connection, streams, Stop())
        durable = Durable(CONSUMER, wall_clock_ms())
        self._readers = [DurableReader(streams, name, durable, self._forward, AT_ONCE) for name in STREAMS]
        self._reading: Future[None] | None = None
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def away(self) -> bool:
        """Whether the endpoint did not take what it was sent last."""
        return self.endpoint.away

    @property
    def refused(self) -> bool:
        """Whether the endpoint answered last that it will never take what it was sent."""
        return self.endpoint.refuses

    def check(self) -> None:
        """See whether anybody answers there; no signal is sent.

        Raises:
            RetryLater: nobody does.
        """
        reason = self.connection.submit(self.endpoint.look()).result(2 * ATTEMPT_SECS)
        if reason:
            raise RetryLater(f"{self.endpoint.address}: {reason}")

    def start(self) -> None:
        """Begin, in the background; NATS and the endpoint may be away."""
        if self._reading is None:
            self._reading = self.connection.submit(self._read())
            log.info("signals are sent to %s", self.endpoint.address)

    async def pause(self) -> None:
        """Leave the signals to others, until it is started again: on the connection's loop."""
        if self._reading is not None:
            self._reading = None
            await self._end()

    def close(self) -> None:
        """End without waiting for the endpoint; what is not done comes again after a restart."""
        reading, self._reading = self._reading, None
        if reading is not None and not reading.done():
            with suppress(WaitedTooLong, CancelledError):
                self.connection.submit(self._end()).result(_CLOSE_SECS)
        self.endpoint.close()

    async def _read(self) -> None:
        self._tasks = [asyncio.create_task(_keep_reading(reader)) for reader in self._readers]
        await asyncio.gather(*self._tasks)

    async def _end(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _forward(self, message: RawMessage) -> None:
        """Send one, or make it a dead letter."""
        if message.subject.startswith(FENCES):
            return
        try:
            signal_id, body = _request(message.payload)
        except SkipInput as error:
            reason = str(error)
        else:
            with self.traces.posting(message) as traceparent:
                reason = await self._send(Post(signal_id, body, traceparent), message.time_ns)
        if not reason:
            counts.SENT.inc()
            return
        bad = BadMessage(f"{message.stream}:{message.seq}", f"REST: {reason}", message)
        await self._publisher.publish_all([dead_letter(bad, given_up_by="REST")])
        counts.GIVEN_UP.inc()

    async def _send(self, post: Post, stored_ns: int) -> str:
        """Try until it is taken, or given up for the reason that is returned."""
        first_secs, age_secs = monotonic(), time() - stored_ns / 1e9
        if self.max_age_secs is not None and age_secs > self.max_age_secs:
            return f"not sent {age_secs:.0f} s after it was stored, at most {self.max_age_secs:g} s are allowed"
        for attempts in count(1):
            while not self.may_send():  # noqa: ASYNC110  # a lease ends by the clock, without an event
                await asyncio.sleep(_LOOK_SECS)
            answer = await self.endpoint.post(post)
            if not answer.again:
                return answer.reason
            left_secs = self.give_up_secs - self._waited_secs(first_secs, stored_ns)
            if left_secs <= 0:
                return f"{answer.reason} after {attempts} attempt{'s' * (attempts > 1)}"
            counts.RETRIES.inc()
            await asyncio.sleep(min(left_secs, _pause_secs(attempts, answer)))
        return ""

    def _waited_secs(self, first_secs: float, stored_ns: int) -> float:
        """How long a signal has waited for an endpoint that did not take it.

        While it is away only so many are tried; for the rest its whole absence counts, so that what piled up does
        not take turns in waiting.
        """
        stored_secs_ago = time() - stored_ns / 1e9
        return max(monotonic() - first_secs, min(stored_secs_ago, self.endpoint.away_secs))


async def _keep_reading(reader: DurableReader) -> None:
    while True:
        try:
            await reader.read()
        except Exception:  # nobody waits for this task: it would end in silence
            about = {"stream": reader.stream}
            log.exception("stream %s: sending broke off, beginning anew", reader.stream, extra=about)
        await asyncio.sleep(_LONGEST_PAUSE_SECS)


def _pause_secs(attempts: int, answer: Answer) -> float:
    """Longer every time, and anywhere up to that, so that many that fail together do not return together."""
    longest_secs = min(_LONGEST_PAUSE_SECS, _FIRST_PAUSE_SECS * 2 ** min(attempts - 1, 30))
    return max(answer.after_secs, random.uniform(0, longest_secs))


def _request(payload: bytes) -> tuple[str, bytes]:
    """A signal's id, and what is sent: the signal, and two fields for older consumers.

    Raises:
        SkipInput: it is no signal.
    """
    try:
        signal: dict[str, Any] = orjson.loads(payload)
        signal_id, period, action = signal["signal_id"], signal["timeframe"], signal["action"].upper()
    except (orjson.JSONDecodeError, TypeError, KeyError, AttributeError) as error:
        raise SkipInput("not a signal") from error
    if not (isinstance(signal_id, str) and signal_id.isascii() and signal_id.isprintable()):
        raise SkipInput("a signal_id that no header can hold")
    return signal_id, orjson.dumps({**signal, "period": period, "signal": action})
