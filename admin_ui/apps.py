"""Django app configuration of admin_ui."""

from __future__ import annotations

from django.apps import AppConfig


class AdminUiConfig(AppConfig):
    """Names the app."""

    name = "admin_ui"
    label = "admin_ui"
