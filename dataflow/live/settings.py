"""What the environment says about a live bot, checked before anything starts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import Field, field_validator

from dataflow.lease.lease import LeaseOptions, check_name, holder_here
from dataflow.nats.klines import PARTITIONS
from dataflow.nats.settings import NatsSettings
from dataflow.nats.streams import DEFAULT_SUBJECTS, StreamSettings
from dataflow.nats.subjects import subjects_of
from dataflow.settings import SECRETS, StoreSettings, passes, settings_from
from operators.live import Selection, selection_of


class Settings(NatsSettings, StoreSettings):
    """Everything that a live bot is told by its environment; each field is a variable of the same name.

    Variables that are empty count as unset.
    """

    supported_symbols: str = Field(default="BTCUSDT,ETHUSDT,ADAUSDT", description="Symbols to analyze, * for all")
    supported_timeframes: str = Field(default="15m,1h", description="Timeframes to analyze, * for all")
    klines_subjects: str = Field(default=",".join(DEFAULT_SUBJECTS), description="Subjects that klines arrive on")
    klines_shards: int = Field(default=1, ge=1, le=PARTITIONS, description="Parts that klines are read in")
    warm_up_bars: int = Field(default=500, ge=500, le=100_000, description="Bars of history for each key")
    max_signal_age_bars: int = Field(
        default=1, ge=0, le=100_000, description="Bars that a missed bar may lie back for its signals still to go out"
    )
    max_signal_age_seconds: float | None = Field(
        default=None, gt=0, le=10**9, description="Signals later than this after their bar's close go to signals.late"
    )
    api_endpoint: str | None = Field(default=None, repr=False, description="URL that signals are POSTed to as well")
    api_endpoint_ca_file: Path | None = Field(default=None, description="Certificates to trust there")
    api_give_up_seconds: float = Field(
        default=300.0, gt=0, le=86_400, description="After how long a signal that cannot be POSTed is a dead letter"
    )
    config_refresh_interval_seconds: float = Field(
        default=60.0,
        ge=0.1,
        le=86_400.0,
        description="Seconds between looks into the configuration's stores",
    )
    snapshot_seconds: float = Field(default=10.0, ge=0.01, le=3600, description="Seconds between snapshots")
    recovery_dir: Path | None = Field(default=None, description="Folder for snapshots")
    lease: str | None = Field(default=None, description="Lease that several instances share; one of them is active")
    lease_seconds: float = Field(
        default=10.0, ge=1.0, le=60.0, description="How long a lease lasts that is not renewed, when it is first used"
    )
    health_host: str = Field(default="127.0.0.1", description="Address of /health, /ready, /live and /metrics")
    health_port: int = Field(
        default=8081, ge=0, le=65_535, description="Port of /health, /ready, /live and /metrics; 0 for none"
    )

    @field_validator("supported_symbols")
    @classmethod
    def _are_symbols(cls, text: str) -> str:
        return passes(text, lambda: selection_of(text, "*"))

    @field_validator("supported_timeframes")
    @classmethod
    def _are_timeframes(cls, text: str) -> str:
        return passes(text, lambda: selection_of("*", text))

    @field_validator("klines_subjects")
    @classmethod
    def _are_subjects(cls, text: str) -> str:
        return passes(text, lambda: StreamSettings(kline_subjects=subjects_of(text)))

    @field_validator("lease")
    @classmethod
    def _is_lease(cls, text: str) -> str:
        return passes(text, lambda: check_name(text))

    @field_validator("api_endpoint")
    @classmethod
    def _is_endpoint(cls, text: str) -> str:
        from dataflow.rest.endpoint import url_of  # who has none need not wait for the HTTP client

        return passes(text, lambda: url_of(text))

    def selection(self) -> Selection:
        """The keys to analyze. Raises `StopProgram` where they cannot be."""
        return selection_of(self.supported_symbols, self.supported_timeframes)

    def lease_options(self) -> LeaseOptions | None:
        """The lease to ask for, None where there is but one instance."""
        return (
            None
            if self.lease is None
            else LeaseOptions(self.lease, self.lease_seconds, holder_here(), self.nats_replicas)
        )

    def stream_settings(self) -> StreamSettings:
        """The streams to use. Raises `StopProgram` where they cannot be."""
        return StreamSettings(kline_subjects=subjects_of(self.klines_subjects), replicas=self.nats_replicas)


def settings_of(**given: Any) -> Settings:
    """The environment's settings, with those that were `given` (and are not None) instead.

    Raises:
        StopProgram: a variable is not usable. The message names it, and never quotes what may hold a password.
    """
    return settings_from(Settings, given, SECRETS)
