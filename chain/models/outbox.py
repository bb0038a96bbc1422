"""Facts that leave a database transaction."""

from __future__ import annotations

from django.db import models


class OutboxEvent(models.Model):
    """A committed event.  Only the writer inserts, so ``sequence`` is the order of commits."""

    sequence = models.BigAutoField(primary_key=True)
    kind = models.CharField(max_length=32)
    payload = models.JSONField()
    created_ms = models.PositiveBigIntegerField()

    class Meta:
        db_table = "chain_outbox_event"

    def __str__(self) -> str:
        return f"{self.kind} {self.sequence}"
