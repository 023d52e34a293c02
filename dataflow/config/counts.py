"""What is counted about the configuration, for `/metrics`."""

from __future__ import annotations

from prometheus_client import Counter, Gauge

CHANGES = Counter("ta_config_changes", "Records of the configuration taken, by how they came", ["how"])
KEYS_TOLD = Counter("ta_config_keys_told", "Times that a key was told what to go by, for each change that concerns it")
STORES_REACHABLE = Gauge("ta_config_stores_reachable", "1 while the configuration can be read from a store")
