"""Django app of the composition root: its commands, checks and the Celery app."""

from __future__ import annotations

from django.apps import AppConfig


class MondoshawanConfig(AppConfig):
    """Registers the system checks and makes our Celery app the current one."""

    name = "mondoshawan"
    label = "mondoshawan"

    def ready(self) -> None:
        """Import what registers itself."""
        from mondoshawan import celery, checks  # noqa: F401
