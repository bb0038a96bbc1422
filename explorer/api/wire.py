"""From the explorer's data to the API's answers."""

from __future__ import annotations

from typing import Any

from chain.core.spec import stream_name
from explorer.decoding import Decoded
from explorer.pages.address import AddressHead
from explorer.pages.block import BlockPage
from explorer.pages.lines import TransactionLine
from explorer.pages.streams import StreamFigures
from explorer.pages.transaction import TransactionPage
from explorer.selectors.internal import InternalView
from explorer.selectors.lists import ChainLine, DagLine
from explorer.selectors.miners import MinerView
from explorer.selectors.series import SeriesView
from explorer.selectors.tokens import HoldingView, TokenView, TransferView

Json = dict[str, Any]

_PHASES = {1: "local", 2: "transfer", 3: "cross"}


def hexed(value: bytes) -> str:
    """0x hex."""
    return "0x" + bytes(value).hex()


def maybe(value: bytes | None) -> str | None:
    """0x hex or null."""
    return None if value is None else hexed(value)


def stream_of(stream: int) -> str:
    """A stream's letter, or ``genesis``."""
    return stream_name(stream) if stream else "genesis"


def colour_of(is_blue: bool | None) -> str | None:
    """A colour's name."""
    return None if is_blue is None else "blue" if is_blue else "red"


def chain_block(row: ChainLine) -> Json:
    """A row of the chain."""
    return {
        "number": row.number,
        "hash": hexed(row.hash),
        "stream": stream_of(row.stream),
        "coinbase": hexed(row.coinbase),
        "timestamp_ms": row.timestamp_ms,
        "transactions": row.tx_count,
        "gas_used": row.gas_used,
        "base_fee": str(row.base_fee),
        "merged": row.merged,
        "size": row.size,
    }


def dag_block(row: DagLine) -> Json:
    """A row of the DAG."""
    return {
        "hash": hexed(row.hash),
        "stream": stream_of(row.stream),
        "blue_score": row.blue_score,
        "timestamp_ms": row.timestamp_ms,
        "coinbase": hexed(row.coinbase),
        "status": row.status,
        "transactions": row.tx_count,
        "size": row.size,
        "parents": row.parents,
        "chain_number": row.chain_number,
        "merged_by": row.merged_by,
        "colour": colour_of(row.is_blue),
    }


def block(page: BlockPage) -> Json:
    """One block."""
    view, record, header = page.view, page.view.record, page.header
    epoch = page.epoch
    return {
        "hash": hexed(record.hash),
        "stream": stream_of(header.stream),
        "colour": colour_of(view.is_blue),
        "status": str(view.status),
        "chain_number": view.chain_number,
        "merged_by": view.merged_by,
        "confirmations": page.confirmations,
        "is_final": page.is_final,
        "timestamp_ms": header.timestamp_ms,
        "received_ms": view.received_ms,
        "coinbase": hexed(header.coinbase),
        "blue_score": header.blue_score,
        "blue_work": str(header.blue_work),
        "work_score": record.work_score,
        "size": view.size,
        "transactions": view.tx_count,
        "parents": [hexed(parent) for parent in header.parents],
        "children": [hexed(row.hash) for row in page.children],
        "mergeset_blue": [hexed(one) for one in record.blues[1:]],
        "mergeset_red": [hexed(one) for one in record.reds],
        "seal_valid": page.is_sealed,
        "extra": hexed(header.extra),
        "epoch": None
        if epoch is None
        else {
            "transactions": epoch.tx_count,
            "skipped": epoch.skipped_count,
            "logs": epoch.log_count,
            "gas_used": epoch.summary.gas_used,
            "base_fee": str(epoch.base_fee),
            "next_base_fee": str(epoch.summary.next_base_fee),
            "issued": str(epoch.change.rewards),
            "burned": str(epoch.change.base_fees_burned + epoch.change.tips_burned),
            "supply": str(epoch.supply),
            "state_root": hexed(epoch.summary.state_root),
            "receipts_root": hexed(epoch.summary.receipts_root),
        },
    }


def transaction_item(row: TransactionLine) -> Json:
    """A row of transactions."""
    return {
        "hash": hexed(row.hash),
        "number": row.number,
        "index": row.index,
        "timestamp_ms": row.timestamp_ms,
        "sender": hexed(row.sender),
        "to": maybe(row.to),
        "is_creation": row.is_creation,
        "value": str(row.value),
        "fee": str(row.fee),
        "success": row.is_success,
        "phase": _PHASES[row.phase],
        "method": row.method,
        "nonce": row.nonce,
    }


def call(found: Decoded | None) -> Json | None:
    """A decoded call or event."""
    if found is None:
        return None
    arguments = [{"name": part.name, "type": part.type, "value": part.text} for part in found.arguments]
    return {"name": found.name, "signature": found.canonical, "arguments": arguments}


def transaction(page: TransactionPage) -> Json:
    """One transaction."""
    tx, taken = page.tx, page.acceptance
    return {
        "hash": hexed(tx.hash),
        "state": str(page.state),
        "type": tx.type,
        "sender": hexed(tx.sender),
        "to": maybe(tx.to),
        "created": maybe(taken.contract_address) if taken and tx.to is None else None,
        "nonce": tx.nonce,
        "value": str(tx.value),
        "gas_limit": tx.gas_limit,
        "max_fee": str(tx.max_fee),
        "max_priority_fee": str(tx.max_priority_fee),
        "input": hexed(tx.data),
        "call": call(page.call),
        "source_shard": page.lane,
        "target_shard": page.to_shard,
        "number": taken.number if taken else None,
        "index": taken.index if taken else None,
        "timestamp_ms": taken.timestamp_ms if taken else None,
        "success": page.is_success if taken else None,
        "phase": _PHASES[taken.phase] if taken else None,
        "gas_used": taken.gas_used if taken else None,
        "gas_price": str(taken.effective_gas_price) if taken else None,
        "fee": str(page.fee) if taken else None,
        "burned": str(page.burned) if taken else None,
        "confirmations": page.confirmations,
        "is_final": page.is_final,
        "logs": [
            {
                "index": item.index,
                "address": hexed(item.log.address),
                "topics": [hexed(topic) for topic in item.log.topics],
                "data": hexed(item.log.data),
                "event": call(item.decoded),
            }
            for item in page.logs
        ],
        "blocks": [hexed(row.hash) for row in page.blocks],
        "skips": [{"number": skip.number, "reason": str(skip.reason)} for skip in page.skips],
        "replaced_by": maybe(page.replaced_by),
    }


def address(head: AddressHead) -> Json:
    """One address."""
    account, contract, totals, miner = head.account, head.contract, head.totals, head.miner
    return {
        "address": hexed(head.address),
        "shard": head.shard,
        "balance": str(head.balance),
        "nonce": account.nonce if account else 0,
        "transactions": totals.txs if totals else 0,
        "sent": totals.sent if totals else 0,
        "is_contract": head.is_contract,
        "delegate": maybe(account.delegate) if account else None,
        "code_hash": hexed(account.code_hash) if account and account.is_contract else None,
        "created_in": contract.number if contract else None,
        "created_by": maybe(contract.creator) if contract else None,
        "creation_transaction": maybe(head.maker),
        "mined_blocks": miner.blocks if miner else 0,
        "mining_income": str(miner.income if miner else 0),
    }


def token(row: TokenView) -> Json:
    """A token."""
    return {
        "address": hexed(row.address),
        "standard": row.standard,
        "name": row.name,
        "symbol": row.symbol,
        "decimals": row.decimals,
        "holders": row.holders,
        "transfers": row.transfers,
        "supply": str(row.supply),
        "first_number": row.number,
    }


def transfer(row: TransferView) -> Json:
    """A movement."""
    return {
        "transaction": hexed(row.tx),
        "number": row.number,
        "log_index": row.log_index,
        "timestamp_ms": row.timestamp_ms,
        "token": hexed(row.token),
        "standard": row.standard,
        "sender": hexed(row.sender),
        "recipient": hexed(row.recipient),
        "token_id": None if row.token_id is None else str(row.token_id),
        "amount": str(row.amount),
    }


def internal(row: InternalView) -> Json:
    """A call inside a transaction."""
    return {
        "transaction": hexed(row.tx),
        "number": row.number,
        "index": row.index,
        "ordinal": row.ordinal,
        "timestamp_ms": row.timestamp_ms,
        "depth": row.depth,
        "type": row.name,
        "sender": hexed(row.sender),
        "recipient": hexed(row.recipient),
        "selector": hexed(row.selector) if row.selector else None,
        "method": row.method or None,
        "value": str(row.value),
    }


def holding(row: HoldingView) -> Json:
    """What an address holds."""
    return {
        "token": hexed(row.token),
        "standard": row.standard,
        "name": row.name,
        "symbol": row.symbol,
        "decimals": row.decimals,
        "amount": str(row.amount),
    }


def stream(row: StreamFigures) -> Json:
    """A stream."""
    paid, newest = row.paid, row.newest
    return {
        "stream": row.name,
        "wanted_interval_ms": round(row.wanted_s * 1000),
        "blocks": row.total,
        "blocks_ten_minutes": row.window.blocks if row.window else 0,
        "red_ten_minutes": row.window.red if row.window else 0,
        "difficulty": None if row.difficulty is None else str(row.difficulty),
        "hashrate": row.hashrate,
        "rewards_hour": str(paid.rewards if paid else 0),
        "tips_hour": str(paid.tips if paid else 0),
        "last_block": maybe(newest.hash if newest else None),
        "last_timestamp_ms": newest.timestamp_ms if newest else None,
    }


def miner(row: MinerView) -> Json:
    """A coinbase."""
    return {
        "coinbase": hexed(row.coinbase),
        "blocks": {"A": row.blocks_a, "B": row.blocks_b, "C": row.blocks_c},
        "reds": row.reds,
        "rewards": str(row.rewards),
        "tips": str(row.tips),
        "income": str(row.income),
    }


def point(row: SeriesView) -> Json:
    """A point of a chart."""
    return {
        "start": row.start,
        "epochs": row.epochs,
        "transactions": row.txs,
        "gas_used": row.gas_used,
        "blocks": {"A": row.blocks_a, "B": row.blocks_b, "C": row.blocks_c},
        "reds": row.reds,
        "mean_base_fee": str(row.base_fee),
        "burned": str(row.burned),
        "fees": str(row.fees),
        "issued": str(row.rewards),
    }
