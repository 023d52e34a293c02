"""What the environment says about the sidecar, checked before anything starts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import Field, SecretStr, field_validator

from config_api.auth import Tokens, check_binding, tokens_of
from dataflow.nats.settings import NatsSettings
from dataflow.nats.streams import DEFAULT_SUBJECTS, StreamSettings
from dataflow.nats.subjects import subjects_of
from dataflow.settings import SECRETS, StoreSettings, passes, settings_from
from state.errors import StopProgram
from state.tls import TlsFiles

DEFAULT_API_PORT = 8080


class ApiSettings(NatsSettings, StoreSettings):
    """Everything that the sidecar is told by its environment; each field is a variable of the same name.

    Variables that are empty count as unset.
    """

    fastapi_host: str = Field(default="127.0.0.1", description="Address of the API")
    fastapi_port: int = Field(
        default=DEFAULT_API_PORT, ge=0, le=65_535, description="Port of the API; 0 for any that is free"
    )
    fastapi_cert_file: Path | None = Field(default=None, description="Certificate of the API, for HTTPS")
    fastapi_key_file: Path | None = Field(default=None, description="Its key")
    api_tokens: SecretStr | None = Field(default=None, description="write:TOKEN,read:TOKEN; without, this machine only")
    api_changes_per_minute: int = Field(default=60, ge=1, le=100_000, description="Changes a minute for each token")
    config_cache_ttl_seconds: float = Field(
        default=60.0, ge=0.0, le=86_400.0, description="How old what was read may be; 0 reads every time"
    )
    config_fallback_writes: bool = Field(default=False, description="Whether MySQL takes changes while MongoDB is away")
    klines_subjects: str = Field(default=",".join(DEFAULT_SUBJECTS), description="Subjects that klines arrive on")
    flow_health_url: str = Field(
        default="http://127.0.0.1:8081", repr=False, description="Where the bot says how it is, for the page"
    )

    @field_validator("klines_subjects")
    @classmethod
    def _are_subjects(cls, text: str) -> str:
        return passes(text, lambda: StreamSettings(kline_subjects=subjects_of(text)))

    @field_validator("flow_health_url")
    @classmethod
    def _is_url(cls, text: str) -> str:
        from dataflow.rest.endpoint import url_of  # who only reads settings need not wait for the HTTP client

        try:
            url_of(text)
        except StopProgram:
            raise ValueError("expected a URL such as http://127.0.0.1:8081") from None
        return text

    @field_validator("api_tokens")
    @classmethod
    def _are_tokens(cls, text: SecretStr) -> SecretStr:
        passes("", lambda: tokens_of(text.get_secret_value()))
        return text

    def tokens(self) -> Tokens:
        """The tokens that are accepted; none where none are set.

        Raises:
            StopProgram: none are set, and others could reach the API.
        """
        tokens = tokens_of(self.api_tokens.get_secret_value()) if self.api_tokens else Tokens()
        check_binding(self.fastapi_host, tokens)
        return tokens

    def tls(self) -> TlsFiles | None:
        """What the API is served with, None for plain HTTP."""
        return TlsFiles("FASTAPI", cert=self.fastapi_cert_file, key=self.fastapi_key_file) or None


def api_settings_of(**given: Any) -> ApiSettings:
    """The environment's settings, with those that were `given` (and are not None) instead.

    Raises:
        StopProgram: a variable is not usable. The message names it, and never quotes what may hold a password or token.
    """
    return settings_from(ApiSettings, given, secret={*SECRETS, "api_tokens", "flow_health_url"})
