"""What the environment says of NATS, for every program that connects to it."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings

from dataflow.nats.connection import NatsOptions
from dataflow.nats.servers import servers_of
from dataflow.settings import ENVIRONMENT, passes
from state.tls import TlsFiles


class NatsSettings(BaseSettings):
    """Where NATS is, and what opens it; each field is a variable of the same name."""

    model_config = ENVIRONMENT

    nats_url: str = Field(
        default="nats://localhost:4222", repr=False, description="NATS servers, with commas between them"
    )
    nats_ca_file: Path | None = Field(default=None, description="Certificates to trust; makes TLS a must")
    nats_cert_file: Path | None = Field(default=None, description="Certificate to show to NATS; makes TLS a must")
    nats_key_file: Path | None = Field(default=None, description="Its key")
    nats_creds_file: Path | None = Field(default=None, description="User JWT and seed, as nsc and nk write them")

    nats_replicas: int = Field(
        default=1, ge=1, le=5, description="Servers that keep a copy of each stream, for streams that are made"
    )

    @field_validator("nats_url")
    @classmethod
    def _are_servers(cls, text: str) -> str:
        return passes(text, lambda: servers_of(text))

    def nats_options(self, name: str = "ta-bot") -> NatsOptions:
        """How to connect to NATS. Raises `StopProgram` where a file is not usable."""
        tls = TlsFiles("NATS", self.nats_ca_file, self.nats_cert_file, self.nats_key_file)
        return NatsOptions(self.nats_url, name=name, tls=tls, creds_file=self.nats_creds_file)
