"""Blocks by miner, and the chain's figures by block, minute, hour and day."""

from __future__ import annotations

from django.db import models

from chain.fields import AddressField, HashField, Uint256Field


class MinedBlock(models.Model):
    """A block in the consensus order with what its coinbase got for it, in wei: reward, and tips of transactions."""

    pk = models.CompositePrimaryKey("number", "position")
    number = models.PositiveBigIntegerField()
    position = models.PositiveIntegerField()
    hash = HashField()
    coinbase = AddressField()
    stream = models.PositiveSmallIntegerField()
    is_blue = models.BooleanField()
    reward = Uint256Field()
    tips = Uint256Field()

    class Meta:
        db_table = "explorer_mined_block"
        indexes = [models.Index(fields=["coinbase", "number", "position"], name="mined_block_coinbase")]

    def __str__(self) -> str:
        return f"({self.number}, {self.position}) {self.hash.hex()}"


class MinerTotal(models.Model):
    """Sums over a coinbase's blocks, counts and wei; ``income`` is rewards and tips, ``reds`` are of all streams."""

    coinbase = AddressField(primary_key=True)
    blocks_a = models.PositiveBigIntegerField()
    blocks_b = models.PositiveBigIntegerField()
    blocks_c = models.PositiveBigIntegerField()
    reds = models.PositiveBigIntegerField()
    rewards = Uint256Field()
    tips = Uint256Field()
    income = Uint256Field()

    class Meta:
        db_table = "explorer_miner_total"
        indexes = [models.Index(fields=["income", "coinbase"], name="miner_total_income")]

    def __str__(self) -> str:
        return f"miner {self.coinbase.hex()}"


class _Figures(models.Model):
    """What epochs did: counts, gas, and wei.  ``fees`` is all that senders paid, base fees and tips."""

    epochs = models.PositiveBigIntegerField()
    txs = models.PositiveBigIntegerField()
    gas_used = models.PositiveBigIntegerField()
    blocks_a = models.PositiveBigIntegerField()
    blocks_b = models.PositiveBigIntegerField()
    blocks_c = models.PositiveBigIntegerField()
    reds = models.PositiveBigIntegerField()
    base_fees = Uint256Field()
    burned = Uint256Field()
    fees = Uint256Field()
    rewards = Uint256Field()

    class Meta:
        abstract = True


class Point(_Figures):
    """An epoch's figures; ``base_fees`` is its base fee in wei per gas, ``fees`` what its senders paid."""

    number = models.PositiveBigIntegerField(primary_key=True)
    timestamp_ms = models.PositiveBigIntegerField()

    class Meta:
        db_table = "explorer_point"
        indexes = [models.Index(fields=["timestamp_ms"], name="point_timestamp")]

    def __str__(self) -> str:
        return f"point #{self.number}"


class Series(_Figures):
    """Sums over the epochs of ``width`` seconds from ``start`` (Unix s); ``base_fees`` / ``epochs`` is the mean."""

    pk = models.CompositePrimaryKey("width", "start")
    width = models.PositiveIntegerField()
    start = models.PositiveBigIntegerField()

    class Meta:
        db_table = "explorer_series"

    def __str__(self) -> str:
        return f"{self.width} s from {self.start}"
