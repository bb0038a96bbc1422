"""Who may operate the node over RPC."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models

from chain.fields import HashField


class ApiKey(models.Model):
    """A key with scopes.  Only the digest of its secret is kept; the secret is shown once, when it is made.

    ``name`` says whose it is and appears in the trail of what was changed; ``revoked_ms`` ends it.  ``rate`` and
    ``burst`` are its own limits in points a second and points; null means those of the node.
    """

    id = models.BigAutoField(primary_key=True)
    name = models.CharField(max_length=64, unique=True)
    digest = HashField(unique=True)
    scopes = ArrayField(models.CharField(max_length=32))
    created_ms = models.PositiveBigIntegerField()
    expires_ms = models.PositiveBigIntegerField(null=True)
    revoked_ms = models.PositiveBigIntegerField(null=True)
    rate = models.PositiveIntegerField(null=True)
    burst = models.PositiveIntegerField(null=True)

    class Meta:
        db_table = "chain_api_key"

    def __str__(self) -> str:
        return f"key {self.name}"


class OperatorAction(models.Model):
    """The trail: who did or tried what, when, from where, with which outcome; rows are only ever added.

    ``door`` is web, rpc, cli or system; ``before`` and ``after`` are JSON values without secrets.
    """

    id = models.BigAutoField(primary_key=True)
    at_ms = models.PositiveBigIntegerField()
    actor = models.CharField(max_length=150)
    door = models.CharField(max_length=8)
    address = models.GenericIPAddressField(null=True)
    action = models.CharField(max_length=64)
    target = models.CharField(max_length=200)
    before = models.JSONField(null=True)
    after = models.JSONField(null=True)
    outcome = models.CharField(max_length=8)
    detail = models.CharField(max_length=500)

    class Meta:
        db_table = "chain_operator_action"
        indexes = [
            models.Index(fields=["actor", "-id"], name="operator_action_actor"),
            models.Index(fields=["action", "-id"], name="operator_action_action"),
        ]

    def __str__(self) -> str:
        return f"{self.actor} {self.action}"
