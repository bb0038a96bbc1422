"""How far each projection has come."""

from __future__ import annotations

from django.db import models

from chain.fields import HashField


class IndexerCursor(models.Model):
    """The newest epoch in a projection's tables; number -1 and no hash: none yet.

    ``sequence`` is the commit of the writer that it was read from.
    """

    projection = models.CharField(max_length=32, primary_key=True)
    number = models.BigIntegerField(default=-1)
    hash = HashField(null=True)
    sequence = models.BigIntegerField(default=0)
    updated_ms = models.PositiveBigIntegerField(default=0)

    class Meta:
        db_table = "explorer_cursor"

    def __str__(self) -> str:
        return f"{self.projection} at #{self.number}"
