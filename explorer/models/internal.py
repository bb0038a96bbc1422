"""Calls inside transactions, as traces tell."""

from __future__ import annotations

from django.db import models

from chain.fields import AddressField, Uint256Field

_MOVED = models.Q(moved=True)


class InternalCall(models.Model):
    """A call, creation or destruction inside an accepted transaction, that took effect.

    ``kind`` is Otterscan's number: 0 a call, 1 a destruction, 2 and 3 creations by CREATE and CREATE2; then 4
    DELEGATECALL, 5 STATICCALL, 6 CALLCODE.  ``ordinal`` counts those of one transaction in the order in which they
    began, ``depth`` is 1 for one that the transaction's own code made.  ``moved``: it sent value, made or ended a
    contract.
    """

    pk = models.CompositePrimaryKey("number", "index", "ordinal")
    number = models.PositiveBigIntegerField()
    index = models.PositiveIntegerField()
    ordinal = models.PositiveIntegerField()
    depth = models.PositiveSmallIntegerField()
    kind = models.PositiveSmallIntegerField()
    sender = AddressField()
    recipient = AddressField()
    value = Uint256Field()
    selector = models.BinaryField(max_length=4)
    moved = models.BooleanField()

    class Meta:
        db_table = "explorer_internal_call"
        indexes = [
            models.Index(fields=["sender", "number", "index", "ordinal"], name="internal_call_sender"),
            models.Index(fields=["recipient", "number", "index", "ordinal"], name="internal_call_recipient"),
            # among many calls without value those that moved something are few
            models.Index(
                fields=["sender", "number", "index", "ordinal"], name="internal_moved_sender", condition=_MOVED
            ),
            models.Index(
                fields=["recipient", "number", "index", "ordinal"], name="internal_moved_recipient", condition=_MOVED
            ),
            models.Index(fields=["number", "index", "ordinal"], name="internal_moved", condition=_MOVED),
        ]

    def __str__(self) -> str:
        return f"({self.number}, {self.index}, {self.ordinal}) {self.value}"


class LeftCalls(models.Model):
    """How many calls without value of a transaction were too many to be kept."""

    pk = models.CompositePrimaryKey("number", "index")
    number = models.PositiveBigIntegerField()
    index = models.PositiveIntegerField()
    count = models.PositiveIntegerField()

    class Meta:
        db_table = "explorer_left_calls"

    def __str__(self) -> str:
        return f"({self.number}, {self.index}): {self.count}"


class UntracedEpoch(models.Model):
    """An epoch that could not be traced within the bounds; ``reason`` is the refusal's code."""

    number = models.PositiveBigIntegerField(primary_key=True)
    reason = models.CharField(max_length=40)

    class Meta:
        db_table = "explorer_untraced_epoch"

    def __str__(self) -> str:
        return f"#{self.number}: {self.reason}"
