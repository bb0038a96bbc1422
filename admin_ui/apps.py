"""Django app configuration of admin_ui."""

from __future__ import annotations

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class AdminUiConfig(AppConfig):
    """The operator's web: its roles exist wherever its tables do."""

    name = "admin_ui"
    label = "admin_ui"
    verbose_name = "operator's web"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Connect what makes roles and what records logins."""
        from admin_ui import roles, trail  # noqa: F401 - trail connects itself

        post_migrate.connect(roles.ensure_groups, sender=self)
