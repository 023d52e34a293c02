"""What is counted about the configuration, for `/metrics`."""

from __future__ import annotations

import math

from prometheus_client import Counter, Gauge, Histogram

CHANGES = Counter("ta_config_changes", "Records of the configuration taken, by how they came", ["how"])
KEYS_TOLD = Counter("ta_config_keys_told", "Times that a key was told what to go by, for each change that concerns it")
STORES_REACHABLE = Gauge(
    "ta_config_stores_reachable", "1 while a store was there when it was last read; NaN where another process reads"
)
STORES_REACHABLE.set(math.nan)
VERSION = Gauge(
    "ta_config_version", "Version of what is known for all symbols, by strategy, or the application", ["strategy"]
)
PROPAGATION = Histogram(
    "ta_config_propagation_seconds",
    "Time from when a change was announced, or else stored, until the keys of this process were told",
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300),
)
