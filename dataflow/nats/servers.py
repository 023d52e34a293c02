"""Where NATS is, as a setting says it."""

from __future__ import annotations

from urllib.parse import urlsplit

from state.errors import StopProgram

_SCHEMES = ("nats", "tls")


def servers_of(text: str) -> list[str]:
    """The servers that `text` names, with commas between them.

    Raises:
        StopProgram: there is none, or one is not possible. The message never quotes it, since it may hold a password.

    >>> servers_of("nats://one:4222, two:4222")
    ['nats://one:4222', 'two:4222']
    """
    servers = [server.strip() for server in text.split(",") if server.strip()]
    if not servers or not all(map(_is_possible, servers)):
        raise StopProgram(
            "NATS servers: expected nats://host:4222 or tls://host:4222, also with user:password@ before the host,"
            " commas between several; user and password percent-encoded"
        )
    return servers


def _is_possible(server: str) -> bool:
    try:
        parts = urlsplit(server if "://" in server else f"nats://{server}")
        return parts.scheme in _SCHEMES and bool(parts.hostname) and parts.port != 0 and not set(server) & set(" \t")
    except ValueError:
        return False
