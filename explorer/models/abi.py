"""ABIs that operators have published."""

from __future__ import annotations

from django.db import models

from chain.fields import AddressField, HashField


class PublishedAbi(models.Model):
    """What a contract's functions, events and errors are called, for everybody who reads the explorer.

    No projection of the chain: an operator's word, kept until it is withdrawn.  ``code_hash`` is of the contract that
    was meant; of another one at the address (after a reorganisation) nothing is said.  ``matched`` of ``functions``
    selectors are in its code.
    """

    address = AddressField(primary_key=True)
    name = models.CharField(max_length=64)
    abi = models.TextField()
    code_hash = HashField()
    functions = models.PositiveIntegerField()
    matched = models.PositiveIntegerField()
    published_by = models.CharField(max_length=150)
    published_ms = models.PositiveBigIntegerField()

    class Meta:
        db_table = "explorer_published_abi"
        indexes = [models.Index(fields=["-published_ms"], name="published_abi_newest")]

    def __str__(self) -> str:
        return f"ABI of {self.address.hex()}"
