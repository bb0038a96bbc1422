"""Three roles, each with all that the one before may: Django groups with permissions.

viewer sees, operator runs the node, admin decides about it.  Superusers are admins.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Any

APP = "admin_ui"


class Role(IntEnum):
    """Ordered: a higher one includes the lower."""

    NOBODY = 0
    VIEWER = 1
    OPERATOR = 2
    ADMIN = 3

    @property
    def group(self) -> str:
        """Name of its group."""
        return self.name.lower()


PERMISSIONS = {Role.VIEWER: "view_node", Role.OPERATOR: "operate_node", Role.ADMIN: "administer_node"}
MEANING = {
    Role.VIEWER: "sees every page of the operator's web but users and secrets, changes nothing",
    Role.OPERATOR: "also runs the node: mining, pool, ordering, processes, alerts",
    Role.ADMIN: "also changes settings, API keys and users, makes backups, sees Django's admin",
}


def role_of(user: Any) -> Role:
    """The highest role whose permission the user has; asked of the database once for each user object."""
    if not getattr(user, "is_authenticated", False) or not user.is_active:
        return Role.NOBODY
    for role in (Role.ADMIN, Role.OPERATOR, Role.VIEWER):
        if user.has_perm(f"{APP}.{PERMISSIONS[role]}"):
            return role
    return Role.NOBODY


def ensure_groups(**_: Any) -> None:
    """Make the groups and give each its permissions; connected to ``post_migrate``, safe to repeat."""
    from django.apps import apps
    from django.contrib.auth.management import create_permissions
    from django.contrib.auth.models import Group, Permission

    create_permissions(apps.get_app_config(APP), verbosity=0)
    found = {item.codename: item for item in Permission.objects.filter(content_type__app_label=APP)}
    for role, _codename in PERMISSIONS.items():
        group, _made = Group.objects.get_or_create(name=role.group)
        group.permissions.set([found[code] for held, code in PERMISSIONS.items() if held <= role])
