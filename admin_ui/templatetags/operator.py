"""Template filters of the operator's web."""

from __future__ import annotations

import json
import re
from datetime import datetime
from typing import Any

from django import template
from django.utils.safestring import SafeString

from admin_ui.roles import Role, role_of
from explorer.amounts import span
from explorer.templatetags.mds import ago, badge

register = template.Library()
_LINK = re.compile(r"\[([^]]*)\]\([^)]*\)")

_KINDS = {
    "RUNNING": "ok", "STARTING": "warn", "STOPPING": "warn", "mining": "ok", "waiting": "ok", "starting": "warn",
    "stopping": "warn", "unpaid": "bad", "stopped": "", "done": "ok", "refused": "warn", "failed": "bad",
    "critical": "bad", "warning": "warn", "valid": "ok", "expired": "warn", "revoked": "",
    "ok": "ok", "bad": "bad", "warn": "warn", "off": "",
}  # fmt: skip
# the rooms of the operator's web: label, route, role that sees it
ROOMS = (
    ("Overview", "overview", Role.VIEWER),
    ("Mining", "mining", Role.VIEWER),
    ("Ordering", "ordering", Role.VIEWER),
    ("Pool", "pool", Role.VIEWER),
    ("Shards", "shards", Role.VIEWER),
    ("Processes", "processes", Role.VIEWER),
    ("Settings", "settings", Role.VIEWER),
    ("API keys", "keys", Role.VIEWER),
    ("ABIs", "abis", Role.VIEWER),
    ("Alerts", "alerts", Role.VIEWER),
    ("Audit", "audit", Role.VIEWER),
    ("Users", "users", Role.ADMIN),
    ("Logs", "logs", Role.VIEWER),
    ("Backups", "backups", Role.VIEWER),
)


@register.simple_tag(takes_context=True)
def operator_rooms(context: Any) -> list[dict[str, Any]]:
    """Links of the navigation that the user may follow; its pages belong to a room by the start of their names."""
    request = context["request"]
    role = role_of(request.user)
    here = (request.resolver_match.url_name if request.resolver_match else None) or ""
    return [
        {"label": label, "route": f"operator:{name}", "is_here": here == name or here.startswith(f"{name}-")}
        for label, name, needed in ROOMS
        if role >= needed
    ]


@register.filter
def may(user: Any, role: str) -> bool:
    """Whether the user has this role or a higher one."""
    return role_of(user) >= Role[role.upper()]


@register.filter
def role_name(user: Any) -> str:
    """The user's role, for people."""
    return role_of(user).group


@register.filter
def kind(word: Any) -> str:
    """What a badge or dot is coloured by."""
    return _KINDS.get(str(word), "bad")


@register.filter
def duration(seconds: Any) -> str:
    """Seconds in at most two units."""
    return "–" if seconds is None else span(float(seconds))


@register.simple_tag
def state(word: Any) -> SafeString:
    """Badge of a state by its own word."""
    return badge(word, kind(word))


@register.simple_tag
def since(moment: datetime | None) -> SafeString:
    """How long ago a datetime was."""
    return ago(int(moment.timestamp() * 1000) if moment else None)


@register.filter
def plain(text: str) -> str:
    """A sentence of the documentation without its marks."""
    return _LINK.sub(r"\1", text).replace("`", "")


@register.filter
def told(value: Any) -> str:
    """A JSON value for people: ``rate 200, scopes log and mining``; a dash for none."""
    if value is None or value in ({}, []):
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        return ", ".join(f"{str(name).replace('_', ' ')} {told(part)}" for name, part in value.items())
    if isinstance(value, list):
        return " and ".join(map(told, value))
    return str(value)


@register.filter
def as_json(value: Any) -> str:
    """A JSON value in one line; nothing for None."""
    return "" if value is None else value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
