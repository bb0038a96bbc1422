#!/usr/bin/env python
"""Command line of the node."""

from __future__ import annotations

import os
import sys


def main() -> int:
    """Run one management command; what is wrong is one line, exit code 2 for the configuration and 1 for the rest."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mondoshawan.settings.prod")
    try:
        from django.core.management import execute_from_command_line
    except ImportError as error:
        sys.stderr.write(f"{error}: install requirements.txt, or use `make run`, which does\n")
        return 2
    from django.db import OperationalError
    from redis.exceptions import ConnectionError as RedisConnectionError

    from chain.core.errors import BlockchainError, ConfigError

    try:
        execute_from_command_line(sys.argv)
    except ConfigError as error:
        hint = error.data.get("hint")
        sys.stderr.write(f"mondoshawan: {error.message}" + (f" - {hint}" if hint else "") + "\n")
        return 2
    except BlockchainError as error:
        sys.stderr.write(f"mondoshawan: {error}\n")
        return 1
    except (OperationalError, RedisConnectionError) as error:
        server, variable = ("PostgreSQL", "DATABASE") if isinstance(error, OperationalError) else ("Redis", "REDIS")
        reason = str(error).strip().partition("\n")[0]
        sys.stderr.write(
            f"mondoshawan: {server} cannot be used: {reason} - start the node, or check MDS_{variable}_URL\n"
        )
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
