"""Host names, origins and cookies."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from chain.core.errors import ConfigError
from mondoshawan.env import Environment


def allowed_hosts(env: Environment) -> list[str]:
    """The ``ALLOWED_HOSTS`` setting: the configured names and those of the public origins."""
    names = [*env.allowed_hosts, *(urlsplit(origin).hostname or "" for origin in trusted_origins(env))]
    return list(dict.fromkeys(name for name in names if name))


def trusted_origins(env: Environment) -> list[str]:
    """The ``CSRF_TRUSTED_ORIGINS`` setting.

    Raises
    ------
    ConfigError
        ``config_value`` for something that is no origin.
    """
    for origin in env.public_origins:
        parts = urlsplit(origin)
        if parts.scheme not in ("http", "https") or not parts.netloc or parts.path or parts.query:
            raise ConfigError(
                "config_value",
                f"MDS_PUBLIC_ORIGINS cannot hold {origin!r}",
                hint="an origin is scheme and host, such as https://node.example",
            )
    return list(env.public_origins)


def only_https(env: Environment) -> bool:
    """Whether every public origin is https, so that cookies may be marked secure."""
    return bool(env.public_origins) and all(origin.startswith("https://") for origin in env.public_origins)


def content_policy() -> dict[str, Any]:
    """The ``CONTENT_SECURITY_POLICY`` setting: our own files only, nothing inline, nobody frames us."""
    return {
        "DIRECTIVES": {
            "default-src": ["'none'"],
            "script-src": ["'self'"],
            "style-src": ["'self'"],
            "img-src": ["'self'", "data:"],
            "font-src": ["'self'"],
            # the JSON-RPC and the sockets of this origin
            "connect-src": ["'self'"],
            "manifest-src": ["'self'"],
            "form-action": ["'self'"],
            "base-uri": ["'none'"],
            "frame-ancestors": ["'none'"],
            "object-src": ["'none'"],
        }
    }
