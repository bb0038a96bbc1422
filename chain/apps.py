"""Django app configuration of the node."""

from __future__ import annotations

from django.apps import AppConfig


class ChainConfig(AppConfig):
    """Names the app that holds blocks, transactions and state."""

    name = "chain"
    label = "chain"
    default_auto_field = "django.db.models.BigAutoField"
