"""Tokens as their events tell: transfers, and who holds what by the sum of them."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import Q

from chain.fields import AddressField, Uint256Field

_PLACE_OF_A_STANDARD = ("standard", "number", "log_index", "ordinal")
UNBOUNDED = {"max_digits": 160, "decimal_places": 0}


class Token(models.Model):
    """A contract that has told of transfers.

    ``standard`` is 20, 721 or 1155 by its first transfer, at (``number``, ``log_index``); ``supply`` what was sent
    from the zero address less what was sent there.  Name, symbol and decimals are what calls answered in the state
    after the epoch ``number``; ``is_described``: they have been asked for.  ``searched`` and ``pieces`` are what they
    are found by (``explorer.words``).
    """

    address = AddressField(primary_key=True)
    standard = models.PositiveSmallIntegerField()
    number = models.PositiveBigIntegerField()
    log_index = models.PositiveIntegerField()
    transfers = models.PositiveBigIntegerField()
    holders = models.PositiveBigIntegerField()
    supply = models.DecimalField(**UNBOUNDED)
    is_described = models.BooleanField(default=False)
    name = models.CharField(max_length=64, default="")
    symbol = models.CharField(max_length=32, default="")
    decimals = models.PositiveSmallIntegerField(null=True)
    searched = models.TextField(default="", db_default="")
    pieces = ArrayField(models.TextField(), default=list, db_default=[])

    class Meta:
        db_table = "explorer_token"
        indexes = [
            models.Index(fields=["holders", "address"], name="token_holders"),
            models.Index(fields=["standard", "holders", "address"], name="token_standard"),
            models.Index(fields=["number"], name="token_number"),
            models.Index(fields=["number"], condition=Q(is_described=False), name="token_undescribed"),
            # written once a token: what waits in a list would be read by every search
            GinIndex(fields=["pieces"], name="token_pieces", fastupdate=False),
        ]

    def __str__(self) -> str:
        return f"token {self.address.hex()}"


class TokenTotal(models.Model):
    """How many tokens of a standard there are, and how often they moved; no row of a standard without tokens."""

    standard = models.PositiveSmallIntegerField(primary_key=True)
    tokens = models.BigIntegerField()
    transfers = models.BigIntegerField()

    class Meta:
        db_table = "explorer_token_total"

    def __str__(self) -> str:
        return f"ERC-{self.standard}: {self.tokens}"


class TokenTransfer(models.Model):
    """One movement of one token; ``ordinal`` counts those of a batch.  ``token_id`` is null for ERC-20."""

    pk = models.CompositePrimaryKey("number", "log_index", "ordinal")
    number = models.PositiveBigIntegerField()
    log_index = models.PositiveIntegerField()
    ordinal = models.PositiveIntegerField()
    tx_index = models.PositiveIntegerField()
    token = AddressField()
    standard = models.PositiveSmallIntegerField()
    sender = AddressField()
    recipient = AddressField()
    token_id = Uint256Field(null=True)
    amount = Uint256Field()

    class Meta:
        db_table = "explorer_token_transfer"
        indexes = [
            models.Index(fields=["token", "number", "log_index", "ordinal"], name="token_transfer_token"),
            models.Index(fields=["sender", *_PLACE_OF_A_STANDARD], name="token_transfer_sender"),
            models.Index(fields=["recipient", *_PLACE_OF_A_STANDARD], name="token_transfer_recipient"),
        ]

    def __str__(self) -> str:
        return f"{self.amount} of {self.token.hex()} in #{self.number}"


class TokenHolding(models.Model):
    """What an address holds of a token, over all ids, by the sum of its transfers; never 0.

    Negative where a contract hands out what it never told of.
    """

    pk = models.CompositePrimaryKey("token", "address")
    token = AddressField()
    address = AddressField()
    amount = models.DecimalField(**UNBOUNDED)

    class Meta:
        db_table = "explorer_token_holding"
        indexes = [
            models.Index(fields=["token", "amount", "address"], name="token_holding_rank"),
            models.Index(fields=["address", "token"], name="token_holding_address"),
        ]

    def __str__(self) -> str:
        return f"{self.address.hex()} holds {self.amount}"


class TokenItem(models.Model):
    """What an address holds of one id of an ERC-721 or ERC-1155 token; never 0."""

    pk = models.CompositePrimaryKey("token", "token_id", "address")
    token = AddressField()
    token_id = Uint256Field()
    address = AddressField()
    amount = models.DecimalField(**UNBOUNDED)

    class Meta:
        db_table = "explorer_token_item"
        indexes = [models.Index(fields=["address", "token", "token_id"], name="token_item_address")]

    def __str__(self) -> str:
        return f"{self.address.hex()} holds {self.amount} of {self.token_id}"
