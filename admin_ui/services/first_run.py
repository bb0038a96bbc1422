"""The first run: the generated password, and whether somebody has set the node up."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.db import transaction

from admin_ui.models import Standing
from admin_ui.roles import Role, ensure_groups
from chain.core.errors import RequestError
from chain.models import NodeSetting
from chain.services import audit
from chain.services.network import now_ms

OPERATOR = "operator"
SETUP_KEY = "setup.done"


def new_password() -> str:
    """Sixteen characters that can be read aloud from a terminal."""
    return secrets.token_urlsafe(12)


def is_set_up() -> bool:
    """Whether the first-run screen has been finished."""
    return NodeSetting.objects.filter(key=SETUP_KEY).exists()


def finish_setup(by: str) -> None:
    """Never show the first-run screen again."""
    with audit.operation("setup.finish", by=by):
        NodeSetting.objects.update_or_create(
            key=SETUP_KEY, defaults={"value": True, "updated_by": by[:150], "updated_ms": now_ms()}
        )


def carry(user: Any) -> dict[str, Any]:
    """What a database that holds nothing yet shall begin with: this admin, by his password's hash, and all settings."""
    settings = dict(NodeSetting.objects.values_list("key", "value"))
    return {"name": user.get_username(), "password": user.password, "settings": settings}


def ensure_operator(given: str = "", carried: Mapping[str, Any] | None = None) -> str | None:
    """Make the first user where there is none; the password to print, if there is one.

    A generated password is kept nowhere in the clear.  Until somebody has used it to choose another, each start
    makes and prints a new one: so a start that died before it printed costs nothing.

    Parameters
    ----------
    given : str
        ``MDS_OPERATOR_PASSWORD``; used for the first user only, and not to be changed at once.
    carried : Mapping, optional
        What ``carry`` said in the database that the node worked with before; it wins.
    """
    ensure_groups()
    users = get_user_model().objects
    with transaction.atomic():
        if not users.exists():
            if carried is not None:
                _settle(carried)
                return None
            password = given or new_password()
            user = users.create_superuser(OPERATOR, password=password)
            Standing.objects.create(user=user, must_change=not given)
            return None if given else password
        waiting = Standing.objects.filter(user__username=OPERATOR, user__is_active=True, must_change=True).first()
        if waiting is None or is_set_up():
            return None
        return _give_new(waiting.user)


def _settle(carried: Mapping[str, Any]) -> None:
    """Begin with what came along."""
    with audit.operation("setup.carry", str(carried["name"])[:150]) as trail:
        user = get_user_model().objects.create_superuser(carried["name"])
        user.password = carried["password"]
        user.save(update_fields=["password"])
        Standing.objects.create(user=user, must_change=False)
        for key, value in carried["settings"].items():
            NodeSetting.objects.update_or_create(
                key=key, defaults={"value": value, "updated_by": user.username, "updated_ms": now_ms()}
            )
        trail.after = sorted(carried["settings"])


def reset_password(name: str) -> str:
    """Give a user a new password that must be changed at the next login.

    Raises
    ------
    RequestError
        ``not_found``.
    """
    with audit.operation("user.reset_password", name[:150]):
        user = get_user_model().objects.filter(username=name).first()
        if user is None:
            raise RequestError("not_found", "no such user", got=name[:150])
        return _give_new(user)


def restore_operator() -> str:
    """For who has lost every way in: the user ``operator`` exists, is active, an admin, with a new password."""
    with audit.operation("user.restore_operator", OPERATOR):
        ensure_groups()
        users = get_user_model().objects
        user, _ = users.get_or_create(username=OPERATOR)
        user.is_active = user.is_superuser = user.is_staff = True
        user.save()
        user.groups.add(Group.objects.get(name=Role.ADMIN.group))
        return _give_new(user)


def _give_new(user: object) -> str:
    password = new_password()
    user.set_password(password)
    user.save(update_fields=["password"])
    Standing.objects.update_or_create(user=user, defaults={"must_change": True})
    return password
