"""Users and their roles; the last admin can neither be taken away nor take himself away."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from axes.models import AccessAttempt
from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.contrib.auth.password_validation import validate_password
from django.contrib.sessions.models import Session
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from admin_ui.models import Standing
from admin_ui.roles import Role, role_of
from admin_ui.services.first_run import new_password
from chain.core.errors import RequestError
from chain.services import audit

_NAME = re.compile(r"[A-Za-z0-9._@+-]{1,64}")


@dataclass(frozen=True, slots=True)
class UserLine:
    """One user as the page of users shows it."""

    name: str
    role: Role
    active: bool
    must_change: bool
    last_login: Any
    made: Any


def users() -> list[UserLine]:
    """Everybody, by name."""
    found = get_user_model().objects.select_related("standing").prefetch_related("groups").order_by("username")
    return [
        UserLine(
            user.username,
            _stored_role(user),
            user.is_active,
            bool(getattr(user, "standing", None) and user.standing.must_change),
            user.last_login,
            user.date_joined,
        )
        for user in found
    ]


def create_user(name: str, role: Role) -> str:
    """Make a user; the password to hand over, which must be changed at the first login.

    Raises
    ------
    RequestError
        ``invalid_params`` for a name that is taken or none.
    """
    with audit.operation("user.create", name[:64]) as trail:
        if not _NAME.fullmatch(name):
            raise RequestError("invalid_params", "a name is 1 to 64 letters, digits and . _ @ + -", got=name[:80])
        model = get_user_model()
        if model.objects.filter(username__iexact=name).exists():
            raise RequestError("invalid_params", "a user of this name exists", got=name)
        password = new_password()
        with transaction.atomic():
            user = model.objects.create_user(name, password=password)
            _give_role(user, role)
            Standing.objects.create(user=user, must_change=True)
        trail.after = {"role": role.group}
        return password


def set_role(name: str, role: Role) -> None:
    """Give a user another role.

    Raises
    ------
    RequestError
        ``not_found``, or ``forbidden`` where nobody could administer the node any more.
    """
    with audit.operation("user.set_role", name[:64]) as trail, transaction.atomic():
        user = _locked(name)
        trail.before, trail.after = {"role": _stored_role(user).group}, {"role": role.group}
        if role < Role.ADMIN:
            _keep_an_admin(user)
        _give_role(user, role)


def set_active(name: str, active: bool) -> None:
    """Let a user in, or keep him out at once: sessions of an inactive user end with their next request.

    Raises
    ------
    RequestError
        As ``set_role``.
    """
    with audit.operation("user.set_active", name[:64]) as trail, transaction.atomic():
        user = _locked(name)
        trail.before, trail.after = user.is_active, active
        if not active:
            _keep_an_admin(user)
        user.is_active = active
        user.save(update_fields=["is_active"])


def change_own_password(user: Any, old: str | None, new: str) -> None:
    """Choose a new password; ``old`` is checked unless None (the one of the first run has just been used).

    Raises
    ------
    RequestError
        ``forbidden`` for a wrong old one, ``invalid_params`` for a weak or unchanged new one.
    """
    with audit.operation("user.change_password", user.get_username()):
        if old is not None and not user.check_password(old):
            raise RequestError("forbidden", "the present password is another one")
        if user.check_password(new):
            raise RequestError("invalid_params", "the new password must differ from the present one")
        try:
            validate_password(new, user)
        except ValidationError as error:
            raise RequestError("invalid_params", " ".join(error.messages)) from None
        user.set_password(new)
        user.save(update_fields=["password"])
        Standing.objects.update_or_create(user=user, defaults={"must_change": False})


def sweep() -> tuple[int, int]:
    """Delete sessions that have ended, and failed logins that no longer close any door; how many of each."""
    now = timezone.now()
    ended, _ = Session.objects.filter(expire_date__lt=now).delete()
    over, _ = AccessAttempt.objects.filter(attempt_time__lt=now - 2 * settings.AXES_COOLOFF_TIME).delete()
    return ended, over


def must_change(user: Any) -> bool:
    """Whether the user has a password that somebody else has seen."""
    return Standing.objects.filter(user_id=user.pk, must_change=True).exists()


def _stored_role(user: Any) -> Role:
    if user.is_superuser:
        return Role.ADMIN
    held = {group.name for group in user.groups.all()}
    return max((role for role in Role if role.group in held), default=Role.NOBODY)


def _give_role(user: Any, role: Role) -> None:
    user.groups.remove(*Group.objects.filter(name__in=[known.group for known in Role]))
    if role > Role.NOBODY:
        user.groups.add(Group.objects.get(name=role.group))
    # superusers are admins whatever their groups say, so a lower role ends that too
    user.is_superuser = user.is_superuser and role is Role.ADMIN
    user.is_staff = role is Role.ADMIN
    user.save(update_fields=["is_superuser", "is_staff"])


def _locked(name: str) -> Any:
    user = get_user_model().objects.select_for_update().filter(username=name).first()
    if user is None:
        raise RequestError("not_found", "no such user", got=name[:64])
    return user


def _keep_an_admin(user: Any) -> None:
    others = get_user_model().objects.select_for_update(of=("self",)).filter(is_active=True).exclude(pk=user.pk)
    admins = others.filter(Q(is_superuser=True) | Q(groups__name=Role.ADMIN.group))
    if role_of(user) is Role.ADMIN and not list(admins):
        raise RequestError("forbidden", "the node would have no admin any more", user=user.username)
