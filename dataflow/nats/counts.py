"""What is counted about NATS, for `/metrics`."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

CONNECTED = Gauge("ta_nats_connected", "1 while NATS is connected")
UP = Gauge("ta_nats_up", "1 while JetStream answers when it is asked, every 2 seconds")
MESSAGES_READ = Counter("ta_messages_read", "Messages read from the kline streams")
MESSAGES_GONE = Counter("ta_messages_gone", "Messages that a stream had dropped before they could be read")
MESSAGES_SKIPPED = Counter("ta_messages_skipped", "Messages not for us, by what they lack", ["lacks"])
PUBLISHED = Counter("ta_published", "Messages stored by NATS, by stream", ["stream"])
REPEATED = Counter("ta_published_again", "Messages that NATS had already stored, by stream", ["stream"])
PUBLISH_RETRIES = Counter("ta_publish_retries", "Attempts to publish that failed and were repeated")
CONSUMERS_MADE = Counter("ta_consumers_made", "Times that reading a stream began anew")
DEAD_LETTERS = Counter("ta_dead_letters", "Messages, and signals for REST, that became dead letters")
SIGNALS = Counter(
    "ta_signals",
    "Signals, and alerts (action hold), that NATS stored, each once",
    ["strategy", "symbol", "timeframe", "action"],
)
LATENCY = Histogram(
    "ta_signal_latency_seconds",
    "Time from a bar's close until its signal was stored, while that bar was the newest",
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300),
)
OVERDUE = Counter(
    "ta_signals_overdue", "Signals stored more than 5 minutes after their bar's close, or after the next one's"
)
