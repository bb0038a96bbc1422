"""Blocks of the DAG, and the two orders over them."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from chain.core.types import BlockStatus
from chain.fields import AddressField, HashField, Uint64Field, Uint256Field


class Block(models.Model):
    """One block that is in the DAG: its header, its place in the DAG and how it came.

    ``seq`` counts insertions, so it is a topological order.  ``gas_used``, ``state_root``,
    ``receipts_root`` and ``base_fee`` are the header's claims about its selected parent's epoch.
    """

    hash = HashField(primary_key=True)
    seq = models.PositiveBigIntegerField(unique=True)
    # header
    version = models.PositiveIntegerField()
    chain_id = Uint64Field()
    stream = models.PositiveSmallIntegerField()
    parents = ArrayField(HashField())
    timestamp_ms = models.PositiveBigIntegerField()
    target = models.PositiveBigIntegerField()
    count_a = models.PositiveBigIntegerField()
    count_b = models.PositiveBigIntegerField()
    count_c = models.PositiveBigIntegerField()
    blue_score = models.PositiveBigIntegerField()
    blue_work = Uint256Field()
    number = models.PositiveBigIntegerField()
    coinbase = AddressField()
    vrf_key = HashField()
    tx_root = HashField()
    state_root = HashField()
    receipts_root = HashField()
    gas_used = Uint64Field()
    base_fee = Uint256Field()
    extra = models.BinaryField()
    seal = ArrayField(models.BinaryField())
    # place in the DAG
    status = models.CharField(max_length=12)
    selected_parent = HashField(null=True)
    blues = ArrayField(HashField())
    reds = ArrayField(HashField())
    work_score = models.PositiveBigIntegerField()
    weight = Uint256Field()
    line = HashField()
    lot = HashField()
    drift_a = models.BigIntegerField()
    gap_a = models.PositiveBigIntegerField()
    drift_b = models.BigIntegerField()
    gap_b = models.PositiveBigIntegerField()
    # arrival
    source = models.CharField(max_length=16)
    received_ms = models.PositiveBigIntegerField()
    size = models.PositiveIntegerField()
    tx_count = models.PositiveIntegerField()

    class Meta:
        db_table = "chain_block"
        indexes = [
            models.Index(F("blue_score").desc(), name="block_blue_score"),
            models.Index(fields=["timestamp_ms"], name="block_timestamp"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=[str(status) for status in BlockStatus]), name="block_status_known"
            ),
            models.CheckConstraint(condition=Q(stream__lte=3), name="block_stream_known"),
            models.CheckConstraint(
                condition=Q(number=0, stream=0, selected_parent__isnull=True)
                | Q(number__gt=0, stream__gt=0, selected_parent__isnull=False),
                name="block_only_genesis_is_alone",
            ),
            models.CheckConstraint(
                condition=Q(work_score=F("count_a") + F("count_b")), name="block_work_score_is_a_plus_b"
            ),
        ]

    def __str__(self) -> str:
        return f"block {self.hash.hex()}"


class BlockParent(models.Model):
    """An edge of the DAG, keyed for finding children."""

    pk = models.CompositePrimaryKey("parent", "block")
    parent = HashField()
    block = HashField()

    class Meta:
        db_table = "chain_block_parent"

    def __str__(self) -> str:
        return f"{self.block.hex()} over {self.parent.hex()}"


class SelectedChain(models.Model):
    """The selected chain; the only table with one row per number."""

    number = models.PositiveBigIntegerField(primary_key=True)
    hash = HashField(unique=True)

    class Meta:
        db_table = "chain_selected_chain"

    def __str__(self) -> str:
        return f"#{self.number} {self.hash.hex()}"


class ConsensusOrder(models.Model):
    """Every block that the selected chain has merged: under which number, where, and its colour there.

    (number, position) is the consensus order; the chain block itself comes last in its number.
    """

    hash = HashField(primary_key=True)
    number = models.PositiveBigIntegerField()
    position = models.PositiveIntegerField()
    is_blue = models.BooleanField()

    class Meta:
        db_table = "chain_consensus_order"
        constraints = [models.UniqueConstraint(fields=["number", "position"], name="consensus_order_place")]

    def __str__(self) -> str:
        return f"({self.number}, {self.position}) {self.hash.hex()}"
