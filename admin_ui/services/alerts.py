"""Alerts: opened and closed by what the node finds wrong with itself, acknowledged by people."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import transaction

from admin_ui.models import Alert
from admin_ui.services.health import Finding
from chain.core.errors import RequestError
from chain.locks import Lock, hold_until_commit
from chain.services import audit
from chain.services.network import now_ms
from chain.stores.connection import raw_connection

KEPT = 200


def refresh(found: Iterable[Finding]) -> tuple[int, int]:
    """Open what is new, close what is right again, keep at most ``KEPT`` closed ones; how many opened and closed.

    Several processes may do so at once: the second waits for the first and finds its work done.
    """
    now = now_ms()
    wanted = {finding.key: finding for finding in found}
    with transaction.atomic():
        _alone()
        standing = {alert.key: alert for alert in Alert.objects.filter(cleared_ms=None)}
        fresh = [
            Alert(
                key=finding.key,
                level=finding.level,
                title=finding.title[:200],
                detail=finding.detail[:500],
                page=finding.page,
                since_ms=now,
                seen_ms=now,
            )
            for key, finding in wanted.items()
            if key not in standing
        ]
        Alert.objects.bulk_create(fresh)
        kept = [alert for key, alert in standing.items() if key in wanted]
        for alert in kept:
            alert.seen_ms, alert.detail = now, wanted[alert.key].detail[:500]
        Alert.objects.bulk_update(kept, ["seen_ms", "detail"])
        over = [alert.pk for key, alert in standing.items() if key not in wanted]
        if over:
            Alert.objects.filter(pk__in=over).update(cleared_ms=now)
            old = Alert.objects.exclude(cleared_ms=None).order_by("-id").values_list("id", flat=True)[KEPT:]
            Alert.objects.filter(id__in=list(old)).delete()
    return len(fresh), len(over)


def open_alerts() -> list[Alert]:
    """What is wrong now, the unacknowledged first, then the newest."""
    return list(Alert.objects.filter(cleared_ms=None).order_by("acknowledged_ms", "-since_ms"))


def past_alerts(limit: int = 50) -> list[Alert]:
    """What was wrong."""
    return list(Alert.objects.exclude(cleared_ms=None).order_by("-cleared_ms")[:limit])


def acknowledge(alert_id: int) -> None:
    """Say that somebody knows.

    Raises
    ------
    RequestError
        ``not_found`` for one that is closed or was acknowledged before.
    """
    with audit.operation("alert.acknowledge", str(alert_id)) as trail:
        alert = Alert.objects.filter(pk=alert_id, cleared_ms=None, acknowledged_ms=None).first()
        if alert is None:
            raise RequestError("not_found", "this alert is over, or acknowledged already")
        trail.target = alert.key
        alert.acknowledged_by, alert.acknowledged_ms = audit.current_actor().name, now_ms()
        alert.save(update_fields=["acknowledged_by", "acknowledged_ms"])


def _alone() -> None:
    """Until the transaction ends; a row lock would not keep out another's insert."""
    hold_until_commit(raw_connection(), Lock.ALERTS)
