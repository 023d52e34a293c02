"""How the keys of this process are when `/metrics` is asked."""

from __future__ import annotations

from collections.abc import Iterable

from prometheus_client import REGISTRY
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from dataflow.live.status import Status


class KeyGauges(Collector):
    """Reads off a status what would cost too much to keep up to date bar by bar."""

    def __init__(self) -> None:
        self.status: Status | None = None
        """Of the flow that runs."""

    def collect(self) -> Iterable[Metric]:
        """All of them; without a flow there are no values."""
        keys = GaugeMetricFamily("ta_keys", "Keys, by state: starting, seeded or cold", labels=["state"])
        newest = GaugeMetricFamily(
            "ta_last_bar_timestamp_seconds", "When the newest bar that was analyzed closed", labels=["timeframe"]
        )
        overdue = GaugeMetricFamily(
            "ta_bars_overdue", "Bars closed since the newest one analyzed", labels=["timeframe"]
        )
        due = GaugeMetricFamily("ta_bars_due_seconds", "For how long the next bar has been due", labels=["timeframe"])
        lagging = GaugeMetricFamily(
            "ta_keys_overdue", "Keys that lack a bar which has been due for 2 minutes", labels=["timeframe"]
        )
        behind = GaugeMetricFamily(
            "ta_keys_behind_config", "Keys yet to go by what is known of their configuration", labels=["timeframe"]
        )
        if self.status is not None:
            for state, count in self.status.keys().items():
                keys.add_metric([state], count)
            for name, group in self.status.groups().items():
                if group.newest_close_ms is not None:
                    newest.add_metric([name], group.newest_close_ms / 1000)
                overdue.add_metric([name], group.overdue_bars)
                due.add_metric([name], group.due_secs)
                lagging.add_metric([name], group.overdue_keys)
                behind.add_metric([name], group.keys_behind)
        return [keys, newest, overdue, due, lagging, behind]


KEYS = KeyGauges()
REGISTRY.register(KEYS)
