"""What this node keeps about itself and its work."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from chain.fields import HashField

CANDIDATE_STATES = ("received", "validated", "parked", "refused")


class Candidate(models.Model):
    """A block that is not in the DAG yet: the writer's work list, in order of arrival.

    ``senders`` is 20 bytes a transaction once isolation rules passed.  A refused one keeps its code and
    loses its bytes.  ``missing`` and ``until_ms`` say what a parked one waits for.
    """

    id = models.BigAutoField(primary_key=True)
    hash = HashField(unique=True)
    state = models.CharField(max_length=9)
    raw = models.BinaryField(null=True)
    senders = models.BinaryField(null=True)
    missing = ArrayField(HashField(), default=list)
    until_ms = models.PositiveBigIntegerField(null=True)
    code = models.CharField(max_length=64, null=True)  # noqa: DJ001 - no error is not an empty one
    source = models.CharField(max_length=16)
    # who brought it, for bounds: "ip:…", "key:…"; empty for what this node itself brought
    origin = models.CharField(max_length=80, default="", db_default="")
    received_ms = models.PositiveBigIntegerField()
    size = models.PositiveIntegerField()

    class Meta:
        db_table = "chain_candidate"
        indexes = [
            models.Index(fields=["state", "id"], condition=~Q(state="refused"), name="candidate_work_list"),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(state__in=CANDIDATE_STATES), name="candidate_state_known"),
            models.CheckConstraint(
                condition=Q(state="refused", raw__isnull=True, code__isnull=False)
                | (~Q(state="refused") & Q(raw__isnull=False)),
                name="candidate_bytes_unless_refused",
            ),
            models.CheckConstraint(
                condition=~Q(state="validated") | Q(senders__isnull=False), name="candidate_validated_has_senders"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.state} candidate {self.hash.hex()}"


class NodeState(models.Model):
    """One row: where the chain stands, as of the last commit, for a warm start and for readers."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    sequence = models.PositiveBigIntegerField()
    sink = HashField()
    sink_number = models.PositiveBigIntegerField()
    finality_point = HashField()
    tips = ArrayField(HashField())
    virtual = models.BinaryField(null=True)
    blocks_by_stream = ArrayField(models.BigIntegerField(), size=4)
    accepted = models.PositiveBigIntegerField()
    reorgs = models.PositiveBigIntegerField()
    deepest_reorg = models.PositiveIntegerField()
    finality_conflicts = models.PositiveBigIntegerField(default=0, db_default=0)
    updated_ms = models.PositiveBigIntegerField()

    class Meta:
        db_table = "chain_node_state"
        constraints = [models.CheckConstraint(condition=Q(id=1), name="node_state_one_row")]

    def __str__(self) -> str:
        return f"sink {self.sink.hex()}"


class WriterTerm(models.Model):
    """One row: the term of the process that may write the chain (a fencing token)."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    term = models.PositiveBigIntegerField()
    holder = models.CharField(max_length=128)
    since_ms = models.PositiveBigIntegerField()

    class Meta:
        db_table = "chain_writer_term"
        constraints = [models.CheckConstraint(condition=Q(id=1), name="writer_term_one_row")]

    def __str__(self) -> str:
        return f"term {self.term} of {self.holder}"


class NodeSetting(models.Model):
    """A setting that an operator changed; the environment wins over it, it wins over the default."""

    key = models.CharField(max_length=64, primary_key=True)
    value = models.JSONField()
    updated_by = models.CharField(max_length=150)
    updated_ms = models.PositiveBigIntegerField()

    class Meta:
        db_table = "chain_node_setting"

    def __str__(self) -> str:
        return self.key


class ChainIdentity(models.Model):
    """One row: the network that this database belongs to."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    network = models.CharField(max_length=32)
    genesis_hash = HashField()
    shard_count = models.PositiveSmallIntegerField()
    layout = models.PositiveIntegerField()
    created_ms = models.PositiveBigIntegerField()

    class Meta:
        db_table = "chain_identity"
        constraints = [models.CheckConstraint(condition=Q(id=1), name="chain_identity_one_row")]

    def __str__(self) -> str:
        return f"{self.network} {self.genesis_hash.hex()}"
