"""Transactions by source shard."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models


class ShardTotal(models.Model):
    """What the chain accepted of one shard's senders since genesis, and how much of it left the shard."""

    shard = models.PositiveSmallIntegerField(primary_key=True)
    txs = models.PositiveBigIntegerField()
    crossed = models.PositiveBigIntegerField()

    class Meta:
        db_table = "explorer_shard_total"

    def __str__(self) -> str:
        return f"shard {self.shard}: {self.txs}"


class ShardEpoch(models.Model):
    """What an epoch accepted of one shard's senders: how many, how many of them left it, and their places.

    Shards of which it accepted nothing have no row.  ``places`` are indexes in the canonical order, ascending.
    """

    pk = models.CompositePrimaryKey("shard", "number")
    shard = models.PositiveSmallIntegerField()
    number = models.PositiveBigIntegerField()
    txs = models.PositiveIntegerField()
    crossed = models.PositiveIntegerField()
    places = ArrayField(models.PositiveIntegerField())

    class Meta:
        db_table = "explorer_shard_epoch"
        indexes = [models.Index(fields=["number"], name="shard_epoch_number")]

    def __str__(self) -> str:
        return f"shard {self.shard} in #{self.number}"
