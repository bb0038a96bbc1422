"""Django app of the composition root: its commands, checks and the Celery app."""

from __future__ import annotations

from django.apps import AppConfig

# before anything else makes an instrument: it says how the files of values are named
from chain import metrics  # noqa: F401


class MondoshawanConfig(AppConfig):
    """Registers the system checks and makes our Celery app the current one."""

    name = "mondoshawan"
    label = "mondoshawan"

    def ready(self) -> None:
        """Import what registers itself."""
        from mondoshawan import celery, checks  # noqa: F401
        from mondoshawan.metrics import tasks  # noqa: F401
