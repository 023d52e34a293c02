"""What is counted about NATS, for `/metrics`."""

from __future__ import annotations

from prometheus_client import Counter, Gauge

CONNECTED = Gauge("ta_nats_connected", "1 while NATS is connected")
MESSAGES_READ = Counter("ta_messages_read", "Messages read from the kline streams")
MESSAGES_GONE = Counter("ta_messages_gone", "Messages that a stream had dropped before they could be read")
MESSAGES_SKIPPED = Counter("ta_messages_skipped", "Messages not for us, by what they lack", ["lacks"])
PUBLISHED = Counter("ta_published", "Messages stored by NATS, by stream", ["stream"])
REPEATED = Counter("ta_published_again", "Messages that NATS had already stored, by stream", ["stream"])
PUBLISH_RETRIES = Counter("ta_publish_retries", "Attempts to publish that failed and were repeated")
CONSUMERS_MADE = Counter("ta_consumers_made", "Times that reading a stream began anew")
