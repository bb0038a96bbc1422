"""Value that moved inside transactions, as traces tell."""

from __future__ import annotations

from django.db import models

from chain.fields import AddressField, Uint256Field


class InternalCall(models.Model):
    """A call with value, a creation or a destruction inside an accepted transaction, that took effect.

    ``kind`` is Otterscan's number: 0 a call, 1 a destruction, 2 and 3 creations by CREATE and CREATE2; ``ordinal``
    counts those of one transaction in the order in which they began.
    """

    pk = models.CompositePrimaryKey("number", "index", "ordinal")
    number = models.PositiveBigIntegerField()
    index = models.PositiveIntegerField()
    ordinal = models.PositiveIntegerField()
    kind = models.PositiveSmallIntegerField()
    sender = AddressField()
    recipient = AddressField()
    value = Uint256Field()

    class Meta:
        db_table = "explorer_internal_call"
        indexes = [
            models.Index(fields=["sender", "number", "index", "ordinal"], name="internal_call_sender"),
            models.Index(fields=["recipient", "number", "index", "ordinal"], name="internal_call_recipient"),
        ]

    def __str__(self) -> str:
        return f"({self.number}, {self.index}, {self.ordinal}) {self.value}"


class UntracedEpoch(models.Model):
    """An epoch that could not be traced within the bounds; ``reason`` is the refusal's code."""

    number = models.PositiveBigIntegerField(primary_key=True)
    reason = models.CharField(max_length=40)

    class Meta:
        db_table = "explorer_untraced_epoch"

    def __str__(self) -> str:
        return f"#{self.number}: {self.reason}"
