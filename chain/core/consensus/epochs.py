"""From a selected-chain block to its epoch: environment, input, execution, summary (protocol §7, §8)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from chain.core.base_fee import next_base_fee
from chain.core.room import gas_room, tx_room
from chain.core.rules.header_in_context import commitments_match
from chain.core.spec import ChainSpec
from chain.core.types import EpochBlock, EpochEnv, EpochSummary, Stream, Transaction

if TYPE_CHECKING:
    from chain.core.consensus.model import BlockRecord
    from chain.core.types import EpochResult

SummaryOnChain = Callable[["BlockRecord"], "EpochSummary | None"]


def epoch_env(record: BlockRecord, parent: BlockRecord, parent_summary: EpochSummary, spec: ChainSpec) -> EpochEnv:
    """The environment of X's epoch; it depends on X and its selected parent's epoch alone."""
    header = record.header
    delta = header.timestamp_ms - parent.header.timestamp_ms
    rules = spec.at(parent.work_score)
    return EpochEnv(
        number=header.number,
        timestamp_ms=header.timestamp_ms,
        prevrandao=record.lot,
        base_fee=header.base_fee,
        coinbase=header.coinbase,
        gas_room=gas_room(parent_summary.gas_left, delta, rules.epoch_call_gas, rules.call_gas_per_s),
        tx_room=tx_room(parent_summary.tx_left, delta, rules.epoch_max_txs, rules.tx_per_s),
        minted=parent_summary.minted,
    )


def epoch_blocks(
    record: BlockRecord,
    merged: Sequence[BlockRecord],
    bodies: dict[bytes, tuple[Transaction, ...]],
    parent_summary_on_chain: SummaryOnChain,
    spec: ChainSpec,
) -> list[EpochBlock]:
    """Input of X's epoch: mergeset without the selected parent ascending, then X.

    Parameters
    ----------
    record : BlockRecord
        X.
    merged : sequence of BlockRecord
        mergeset(X) \\ {SP}, ascending.
    bodies : dict
        Transactions by block hash; those of red C blocks are not asked for.
    parent_summary_on_chain : callable
        The epoch summary of a merged block's selected parent where that lies on X's selected chain,
        else None: such a block is paid unjudged.
    """
    blues = frozenset(record.blues)
    blocks = []
    for part in (*merged, record):
        is_blue = part is record or part.hash in blues
        earns = is_blue
        if is_blue and part is not record:
            summary = parent_summary_on_chain(part)
            earns = summary is None or commitments_match(part.header, summary)
        red_c = not is_blue and part.header.stream == Stream.C
        blocks.append(
            EpochBlock(
                hash=part.hash,
                stream=part.header.stream,
                coinbase=part.header.coinbase,
                is_blue=is_blue,
                earns=earns,
                reward=spec.stream(part.header.stream).reward,
                transactions=() if red_c else bodies[part.hash],
            )
        )
    return blocks


def summarise(
    record: BlockRecord, parent: BlockRecord, env: EpochEnv, result: EpochResult, spec: ChainSpec
) -> EpochSummary:
    """What children of X need to remember of its epoch."""
    rules = spec.at(record.work_score)
    header = record.header
    return EpochSummary(
        state_root=result.state_root,
        receipts_root=result.receipts_root,
        gas_used=result.gas_used,
        minted=result.minted,
        gas_left=env.gas_room - result.admitted_gas,
        tx_left=env.tx_room - result.admitted_count,
        admitted_gas=result.admitted_gas,
        admitted_count=result.admitted_count,
        next_base_fee=next_base_fee(
            header.base_fee,
            header.timestamp_ms - parent.header.timestamp_ms,
            result.admitted_gas,
            result.admitted_count,
            call_gas_per_s=rules.call_gas_per_s,
            tx_per_s=rules.tx_per_s,
            min_base_fee=rules.min_base_fee,
        ),
    )
