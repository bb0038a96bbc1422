"""Which transactions concern an address, and where contracts come from."""

from __future__ import annotations

from django.db import models

from chain.fields import AddressField, HashField


class Activity(models.Model):
    """An accepted transaction, by its place in the chain, concerns an address.

    ``roles`` is a sum of ``explorer.indexers.addresses.Role``.
    """

    pk = models.CompositePrimaryKey("address", "number", "index")
    address = AddressField()
    number = models.PositiveBigIntegerField()
    index = models.PositiveIntegerField()
    roles = models.PositiveSmallIntegerField()

    class Meta:
        db_table = "explorer_activity"
        # grows at its end only and holds each number once; found by it in a reorganisation
        indexes = [models.Index(fields=["number"], name="activity_number")]

    def __str__(self) -> str:
        return f"{self.address.hex()} in #{self.number}.{self.index}"


class AddressTotal(models.Model):
    """Sums over an address's activity: transactions, and those that it sent."""

    address = AddressField(primary_key=True)
    txs = models.PositiveBigIntegerField()
    sent = models.PositiveBigIntegerField()

    class Meta:
        db_table = "explorer_address_total"

    def __str__(self) -> str:
        return f"{self.address.hex()}: {self.txs} transactions"


class Contract(models.Model):
    """An account that has code, and the epoch that gave it code.

    ``index`` and ``creator`` are those of the transaction that made it directly; null where a call made it,
    or genesis.
    """

    address = AddressField(primary_key=True)
    number = models.PositiveBigIntegerField()
    index = models.PositiveIntegerField(null=True)
    creator = AddressField(null=True)
    code_hash = HashField()
    code_size = models.PositiveIntegerField()

    class Meta:
        db_table = "explorer_contract"
        indexes = [
            models.Index(fields=["number", "address"], name="contract_number"),
            models.Index(
                fields=["creator", "number"], condition=models.Q(creator__isnull=False), name="contract_creator"
            ),
        ]

    def __str__(self) -> str:
        return f"contract {self.address.hex()} of #{self.number}"
