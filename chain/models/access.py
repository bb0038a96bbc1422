"""Who may operate the node over RPC."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models

from chain.fields import HashField


class ApiKey(models.Model):
    """A key with scopes.  Only the digest of its secret is kept; the secret is shown once, when it is made.

    ``name`` says whose it is and appears in the trail of what was changed; ``revoked_ms`` ends it.
    """

    id = models.BigAutoField(primary_key=True)
    name = models.CharField(max_length=64, unique=True)
    digest = HashField(unique=True)
    scopes = ArrayField(models.CharField(max_length=32))
    created_ms = models.PositiveBigIntegerField()
    expires_ms = models.PositiveBigIntegerField(null=True)
    revoked_ms = models.PositiveBigIntegerField(null=True)

    class Meta:
        db_table = "chain_api_key"

    def __str__(self) -> str:
        return f"key {self.name}"
