"""What is counted about the REST endpoint, for `/metrics`."""

from __future__ import annotations

import math

from prometheus_client import Counter, Gauge

UP = Gauge("ta_rest_up", "1 while somebody answers at the REST endpoint; NaN where none is set")
UP.set(math.nan)
AWAY = Gauge("ta_rest_away", "1 while the REST endpoint does not take signals")
SENT = Counter("ta_rest_sent", "Signals that the REST endpoint took")
RETRIES = Counter("ta_rest_retries", "Attempts to send a signal to the REST endpoint that were repeated")
GIVEN_UP = Counter("ta_rest_given_up", "Signals for the REST endpoint that became dead letters")
