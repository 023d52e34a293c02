"""Where the API is below its host."""

from __future__ import annotations

PREFIX = "/api/v1"
