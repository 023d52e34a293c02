"""What docker-compose.yml says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

COMPOSE = Path(__file__).resolve().parents[1] / "docker-compose.yml"

OURS = ("flow", "sidecar")
"""The services that run the project's image."""


def services() -> dict[str, dict[str, Any]]:
    """The services by name, what they share filled in."""
    found: dict[str, dict[str, Any]] = yaml.safe_load(COMPOSE.read_text())["services"]
    return found


def health_check(service: str, port: int, default_port: int) -> list[str]:
    """The command that tells how a service is, which listens at another port than its default."""
    how, *words = services()[service]["healthcheck"]["test"]
    assert how == "CMD", "a shell would be needed"
    assert any(str(default_port) in word for word in words)
    return [word.replace(str(default_port), str(port)) for word in words]
