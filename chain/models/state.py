"""The state: flat, versioned by number, split by shard; and one row per executed epoch.

The four tables by shard are partitioned; ``init_chain`` makes one partition a shard of the network.
"""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import Q

from chain.fields import AddressField, FixedBytesField, HashField, Uint256Field


class Epoch(models.Model):
    """What executing a selected-chain block gave.

    ``supply`` is the wei in existence after it, ``minted`` the wei ever created.  ``lattice_digests``
    is 32 bytes a shard; ``lane_txs`` counts accepted transactions by source shard, ``phase_txs`` by phase.
    """

    hash = HashField(primary_key=True)
    number = models.PositiveBigIntegerField()
    parent = HashField(null=True)
    timestamp_ms = models.PositiveBigIntegerField()
    base_fee = Uint256Field()
    state_root = HashField()
    receipts_root = HashField()
    gas_used = models.PositiveBigIntegerField()
    logs_bloom = FixedBytesField(256)
    gas_left = models.PositiveBigIntegerField()
    tx_left = models.PositiveBigIntegerField()
    admitted_gas = models.PositiveBigIntegerField()
    admitted_count = models.PositiveBigIntegerField()
    reserved_gas = models.PositiveBigIntegerField()
    next_base_fee = Uint256Field()
    minted = Uint256Field()
    supply = Uint256Field()
    rewards = Uint256Field()
    base_fees_burned = Uint256Field()
    tips_burned = Uint256Field()
    destroyed = Uint256Field()
    reward_to = ArrayField(AddressField())
    reward_wei = ArrayField(Uint256Field())
    lattice_digests = models.BinaryField()
    tx_count = models.PositiveIntegerField()
    skipped_count = models.PositiveIntegerField()
    log_count = models.PositiveIntegerField()
    lane_txs = ArrayField(models.IntegerField())
    phase_txs = ArrayField(models.IntegerField(), size=3)

    class Meta:
        db_table = "chain_epoch"
        constraints = [
            models.CheckConstraint(condition=Q(supply__lte=models.F("minted")), name="epoch_supply_within_minted"),
        ]

    def __str__(self) -> str:
        return f"epoch #{self.number} {self.hash.hex()}"


class ShardLattice(models.Model):
    """The LtHash of a shard after the epoch of ``number``, the sink's."""

    shard = models.PositiveSmallIntegerField(primary_key=True)
    lattice = FixedBytesField(2048)
    number = models.PositiveBigIntegerField()

    class Meta:
        db_table = "chain_shard_lattice"

    def __str__(self) -> str:
        return f"lattice of shard {self.shard}"


class AccountVersion(models.Model):
    """An account after the epoch of ``number``; no nonce and no balance: it is gone from then on.

    ``code_hash`` is null where there is no code.
    """

    pk = models.CompositePrimaryKey("shard", "address", "number")
    shard = models.PositiveSmallIntegerField()
    address = AddressField()
    number = models.PositiveBigIntegerField()
    nonce = models.PositiveBigIntegerField(null=True)
    balance = Uint256Field(null=True)
    code_hash = HashField(null=True)

    class Meta:
        db_table = "chain_account_version"
        indexes = [BrinIndex(fields=["number"], name="account_version_number", pages_per_range=16, autosummarize=True)]
        constraints = [
            models.CheckConstraint(
                condition=Q(nonce__isnull=False, balance__isnull=False)
                | Q(nonce__isnull=True, balance__isnull=True, code_hash__isnull=True),
                name="account_version_whole_or_gone",
            )
        ]

    def __str__(self) -> str:
        return f"{self.address.hex()} at #{self.number}"


class AccountCurrent(models.Model):
    """An account at the sink."""

    pk = models.CompositePrimaryKey("shard", "address")
    shard = models.PositiveSmallIntegerField()
    address = AddressField()
    nonce = models.PositiveBigIntegerField()
    balance = Uint256Field()
    code_hash = HashField(null=True)

    class Meta:
        db_table = "chain_account_current"

    def __str__(self) -> str:
        return self.address.hex()


class SlotVersion(models.Model):
    """A storage slot after the epoch of ``number``; a null value is zero."""

    pk = models.CompositePrimaryKey("shard", "address", "slot", "number")
    shard = models.PositiveSmallIntegerField()
    address = AddressField()
    slot = HashField()
    number = models.PositiveBigIntegerField()
    value = HashField(null=True)

    class Meta:
        db_table = "chain_slot_version"
        indexes = [BrinIndex(fields=["number"], name="slot_version_number", pages_per_range=16, autosummarize=True)]

    def __str__(self) -> str:
        return f"{self.address.hex()}[{self.slot.hex()}] at #{self.number}"


class SlotCurrent(models.Model):
    """A non-zero storage slot at the sink."""

    pk = models.CompositePrimaryKey("shard", "address", "slot")
    shard = models.PositiveSmallIntegerField()
    address = AddressField()
    slot = HashField()
    value = HashField()

    class Meta:
        db_table = "chain_slot_current"

    def __str__(self) -> str:
        return f"{self.address.hex()}[{self.slot.hex()}]"


class Code(models.Model):
    """Contract code by its keccak-256; never deleted, since another branch may name it."""

    hash = HashField(primary_key=True)
    code = models.BinaryField()

    class Meta:
        db_table = "chain_code"

    def __str__(self) -> str:
        return f"code {self.hash.hex()}"
