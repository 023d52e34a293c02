"""What is counted about the lease, for `/metrics`."""

from __future__ import annotations

from prometheus_client import Counter, Gauge

HELD = Gauge("ta_lease_held", "1 while this instance is the active one", ["lease"])
TOKEN = Gauge("ta_lease_token", "Token of this instance's last term, higher for each while the bucket lasts", ["lease"])
SIGNALS_HELD = Gauge("ta_signals_held", "Signals that this instance would publish if it were the active one")
FENCED = Counter("ta_signals_fenced", "Signals that NATS refused since another instance had become the active one")
DROPPED = Counter("ta_signals_held_dropped", "Held signals that were given up, too old or too many")
