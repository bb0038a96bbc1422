"""Tables of the node, split by subject (house rules: hashes are ``bytea``, nothing is unique by height)."""

from __future__ import annotations

from chain.models.access import ApiKey, OperatorAction
from chain.models.block import Block, BlockParent, ConsensusOrder, SelectedChain
from chain.models.node import Candidate, ChainIdentity, NodeSetting, NodeState, WriterTerm
from chain.models.outbox import OutboxEvent
from chain.models.pruned import Pruned
from chain.models.state import (
    AccountCurrent,
    AccountVersion,
    Code,
    Epoch,
    ShardLattice,
    SlotCurrent,
    SlotVersion,
)
from chain.models.transaction import Acceptance, BlockTransaction, Log, Skipped, Transaction, UndoneLog

__all__ = [
    "Acceptance",
    "AccountCurrent",
    "AccountVersion",
    "ApiKey",
    "Block",
    "BlockParent",
    "BlockTransaction",
    "Candidate",
    "ChainIdentity",
    "Code",
    "ConsensusOrder",
    "Epoch",
    "Log",
    "NodeSetting",
    "NodeState",
    "OperatorAction",
    "OutboxEvent",
    "Pruned",
    "SelectedChain",
    "ShardLattice",
    "Skipped",
    "SlotCurrent",
    "SlotVersion",
    "Transaction",
    "UndoneLog",
    "WriterTerm",
]
