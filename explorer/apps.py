"""Django app configuration of explorer."""

from __future__ import annotations

from django.apps import AppConfig


class ExplorerConfig(AppConfig):
    """Names the app."""

    name = "explorer"
    label = "explorer"
