"""Transactions, where they lie and what they did."""

from __future__ import annotations

from django.contrib.postgres.indexes import HashIndex
from django.db import models
from django.db.models import Q

from chain.core.types import Phase
from chain.fields import AddressField, HashField, Uint64Field, Uint256Field


class Transaction(models.Model):
    """A transaction as it was signed.

    Everything but the sender is in ``raw``; the sender is kept because recovering it is the costly part.
    """

    hash = HashField(primary_key=True)
    sender = AddressField()
    nonce = Uint64Field()
    raw = models.BinaryField()

    class Meta:
        db_table = "chain_transaction"
        indexes = [models.Index(fields=["sender", "nonce"], name="transaction_sender_nonce")]

    def __str__(self) -> str:
        return f"transaction {self.hash.hex()}"


class BlockTransaction(models.Model):
    """A transaction's place in one of the blocks that carry it."""

    pk = models.CompositePrimaryKey("block", "position")
    block = HashField()
    position = models.PositiveIntegerField()
    tx = HashField()

    class Meta:
        db_table = "chain_block_transaction"
        indexes = [HashIndex(fields=["tx"], name="block_transaction_tx")]

    def __str__(self) -> str:
        return f"{self.tx.hex()} in {self.block.hex()}"


class Acceptance(models.Model):
    """The fact that the epoch of a number made a transaction take effect, with its receipt.

    ``index`` is its place in the canonical order, ``position`` the one in epoch order, ``lane`` its
    sender's shard, ``block`` the first block that carried it, ``first_log`` its first log's index.
    """

    pk = models.CompositePrimaryKey("number", "index")
    number = models.PositiveBigIntegerField()
    index = models.PositiveIntegerField()
    tx = HashField(unique=True)
    block = HashField()
    position = models.PositiveIntegerField()
    phase = models.PositiveSmallIntegerField()
    lane = models.PositiveSmallIntegerField()
    status = models.PositiveSmallIntegerField()
    gas_used = models.PositiveBigIntegerField()
    cumulative_gas_used = models.PositiveBigIntegerField()
    effective_gas_price = Uint256Field()
    contract_address = AddressField(null=True)
    first_log = models.PositiveIntegerField()
    log_count = models.PositiveIntegerField()

    class Meta:
        db_table = "chain_acceptance"
        constraints = [
            models.CheckConstraint(condition=Q(status__lte=1), name="acceptance_status"),
            models.CheckConstraint(
                condition=Q(phase__gte=int(Phase.LOCAL), phase__lte=int(Phase.CROSS)), name="acceptance_phase"
            ),
            models.CheckConstraint(
                condition=Q(gas_used__lte=models.F("cumulative_gas_used")), name="acceptance_gas_cumulates"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.tx.hex()} in #{self.number}"


class Log(models.Model):
    """An EVM log; ``index`` counts within its epoch, ``tx_index`` is its acceptance's index."""

    pk = models.CompositePrimaryKey("number", "index")
    number = models.PositiveBigIntegerField()
    index = models.PositiveIntegerField()
    tx_index = models.PositiveIntegerField()
    address = AddressField()
    topic0 = HashField(null=True)
    topic1 = HashField(null=True)
    topic2 = HashField(null=True)
    topic3 = HashField(null=True)
    data = models.BinaryField()

    class Meta:
        db_table = "chain_log"
        indexes = [
            models.Index(fields=["address", "number"], name="log_address"),
            models.Index(fields=["topic0", "number"], condition=Q(topic0__isnull=False), name="log_topic0"),
            models.Index(fields=["topic1", "number"], condition=Q(topic1__isnull=False), name="log_topic1"),
            models.Index(fields=["topic2", "number"], condition=Q(topic2__isnull=False), name="log_topic2"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(topic0__isnull=False) | Q(topic1__isnull=True), name="log_topic1_after_topic0"
            ),
            models.CheckConstraint(
                condition=Q(topic1__isnull=False) | Q(topic2__isnull=True), name="log_topic2_after_topic1"
            ),
            models.CheckConstraint(
                condition=Q(topic2__isnull=False) | Q(topic3__isnull=True), name="log_topic3_after_topic2"
            ),
        ]

    def __str__(self) -> str:
        return f"log {self.index} of #{self.number}"


class UndoneLog(models.Model):
    """A log of an epoch that was taken off the selected chain, kept a while for those who were told of it.

    ``block`` is the selected-chain block that it was told under.  Executing a block again gives the same
    logs, so a block that comes and goes twice needs them once.
    """

    pk = models.CompositePrimaryKey("block", "index")
    block = HashField()
    index = models.PositiveIntegerField()
    number = models.PositiveBigIntegerField()
    tx_index = models.PositiveIntegerField()
    tx = HashField()
    address = AddressField()
    topic0 = HashField(null=True)
    topic1 = HashField(null=True)
    topic2 = HashField(null=True)
    topic3 = HashField(null=True)
    data = models.BinaryField()
    undone_ms = models.PositiveBigIntegerField()

    class Meta:
        db_table = "chain_undone_log"
        indexes = [models.Index(fields=["undone_ms"], name="undone_log_age")]

    def __str__(self) -> str:
        return f"undone log {self.index} of {self.block.hex()}"


class Skipped(models.Model):
    """A transaction that an epoch left out; ``reason`` is a place in ``stores.rows.SKIP_REASONS``."""

    pk = models.CompositePrimaryKey("number", "ordinal")
    number = models.PositiveBigIntegerField()
    ordinal = models.PositiveIntegerField()
    tx = HashField()
    block = HashField()
    reason = models.PositiveSmallIntegerField()

    class Meta:
        db_table = "chain_skipped"
        indexes = [HashIndex(fields=["tx"], name="skipped_tx")]

    def __str__(self) -> str:
        return f"{self.tx.hex()} skipped by #{self.number}"
