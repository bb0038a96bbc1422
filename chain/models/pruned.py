"""Below which number this node has let history go."""

from __future__ import annotations

from django.db import models

from chain.fields import HashField


class Pruned(models.Model):
    """One row, once something was pruned: bodies, receipts and old values of epochs up to ``number`` are gone.

    ``hash`` is the chain block of that number, ``state_root`` the state after its epoch, which is kept whole.
    """

    id = models.PositiveSmallIntegerField(primary_key=True)
    number = models.PositiveBigIntegerField()
    hash = HashField()
    state_root = HashField()
    pruned_ms = models.PositiveBigIntegerField()

    class Meta:
        db_table = "chain_pruned"
        constraints = [models.CheckConstraint(condition=models.Q(id=1), name="pruned_one_row")]

    def __str__(self) -> str:
        return f"pruned up to #{self.number}"
