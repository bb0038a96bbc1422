"""Django app configuration of the node."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django.apps import AppConfig


class ChainConfig(AppConfig):
    """Names the app that holds blocks, transactions and state."""

    name = "chain"
    label = "chain"
    default_auto_field = "django.db.models.BigAutoField"

    def ready_checks(self) -> dict[str, Callable[[], Mapping[str, Any]]]:
        """What ``/ready`` asks of the chain, by name."""
        from chain.services.readiness import checks

        return checks()
