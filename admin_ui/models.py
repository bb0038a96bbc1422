"""What the operator's web keeps beside Django's users: their standing, alerts, the permissions behind the roles."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q


class NodePermission(models.Model):
    """No table: it carries the permissions that the roles are made of."""

    class Meta:
        managed = False
        default_permissions = ()
        permissions = [
            ("view_node", "See the operator's pages"),
            ("operate_node", "Run the node: mining, pool, processes, alerts"),
            ("administer_node", "Change settings, keys, users; make backups"),
        ]

    def __str__(self) -> str:
        return "permissions of the node"


class Standing(models.Model):
    """Of one user: whether a password that others have seen must be changed first."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, primary_key=True, related_name="standing"
    )
    must_change = models.BooleanField(default=False)

    class Meta:
        db_table = "admin_ui_standing"

    def __str__(self) -> str:
        return f"standing of {self.user_id}"


class Alert(models.Model):
    """Something that is or was wrong: one open row for each ``key``, closed when it is right again."""

    id = models.BigAutoField(primary_key=True)
    key = models.CharField(max_length=64)
    level = models.CharField(max_length=8)
    title = models.CharField(max_length=200)
    detail = models.CharField(max_length=500)
    page = models.CharField(max_length=32)
    since_ms = models.PositiveBigIntegerField()
    seen_ms = models.PositiveBigIntegerField()
    cleared_ms = models.PositiveBigIntegerField(null=True)
    acknowledged_by = models.CharField(max_length=150, default="")
    acknowledged_ms = models.PositiveBigIntegerField(null=True)

    class Meta:
        db_table = "admin_ui_alert"
        constraints = [
            models.UniqueConstraint(fields=["key"], condition=Q(cleared_ms__isnull=True), name="alert_one_open")
        ]

    def __str__(self) -> str:
        return f"{self.level} {self.key}"
