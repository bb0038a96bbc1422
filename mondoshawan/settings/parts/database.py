"""PostgreSQL: the embedded server on its Unix socket, or an external one by URL."""

from __future__ import annotations

from typing import Any

import dj_database_url

from mondoshawan.appliance import keys
from mondoshawan.appliance.folder import DataFolder
from mondoshawan.env import Environment

# Django's own, which counts and times what pages ask; the chain's stores speak to the driver itself
ENGINE = "django_prometheus.db.backends.postgresql"


def databases(env: Environment, folder: DataFolder) -> dict[str, dict[str, Any]]:
    """The ``DATABASES`` setting."""
    timeouts = {
        "statement_timeout": env.db_statement_timeout_ms,
        "lock_timeout": env.db_lock_timeout_ms,
        "idle_in_transaction_session_timeout": env.db_idle_timeout_ms,
    }
    if env.database_url:
        default: dict[str, Any] = {**dj_database_url.parse(env.database_url)}
        if default["ENGINE"] == "django.db.backends.postgresql":
            default["ENGINE"] = ENGINE
    else:
        default = {
            "ENGINE": ENGINE,
            "NAME": "mondoshawan",
            "USER": "mondoshawan",
            "PASSWORD": keys.read_text(folder.keys, keys.DATABASE_PASSWORD) or "",
            "HOST": str(folder.postgres_sockets),
            "PORT": "5432",
        }
    options = default.setdefault("OPTIONS", {})
    ours = " ".join(f"-c {name}={value}" for name, value in timeouts.items())
    options["options"] = f"{options['options']} {ours}" if "options" in options else ours
    options.setdefault("connect_timeout", 10)
    if env.db_pool:
        # attempts to reconnect come ever more rarely, up to minutes apart; one that is given up early is begun anew by
        # the next who needs a connection, so that pages are back as soon as the server is
        options["pool"] = {"min_size": 1, "max_size": env.db_pool, "timeout": 10, "reconnect_timeout": 2}
        default["CONN_MAX_AGE"] = 0
    else:
        default["CONN_MAX_AGE"] = 60
    # a server that was restarted has closed them all
    default["CONN_HEALTH_CHECKS"] = True
    return {"default": default}
