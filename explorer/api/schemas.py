"""What ``/api/v1/`` answers.  Amounts are decimal strings of wei, hashes and addresses 0x hex, times ms since 1970."""

from __future__ import annotations

from typing import Generic, Literal, TypeVar

from ninja import Schema
from pydantic import Field

Item = TypeVar("Item")

HASH = r"^0x[0-9a-f]{64}$"
ADDRESS = r"^0x[0-9a-f]{40}$"
WEI = r"^-?[0-9]+$"

Wei = str
Colour = Literal["blue", "red"]
Stream = Literal["genesis", "A", "B", "C"]
Phase = Literal["local", "transfer", "cross"]


class PageOf(Schema, Generic[Item]):
    """A page: its items, and the cursor of the next one, null at the end."""

    items: list[Item]
    next: str | None = Field(description="goes into `before` for the next page")


class ErrorBody(Schema):
    """What went wrong: a stable code, words, and data."""

    code: str
    message: str
    data: dict[str, object] = {}


class ErrorAnswer(Schema):
    """The shape of every error."""

    error: ErrorBody


class Status(Schema):
    """Which network this is and where its chain stands."""

    network: str
    chain_id: int
    genesis: str = Field(pattern=HASH)
    head: int
    head_hash: str = Field(pattern=HASH)
    head_timestamp_ms: int
    blue_score: int
    work_score: int
    finalized: int
    tips: int
    blocks: dict[str, int]
    transactions: int
    reorganisations: int
    deepest_reorganisation: int
    base_fee: Wei
    index_lag: int = Field(description="blocks that the explorer's index is behind")


class ChainBlock(Schema):
    """A block of the selected chain with its epoch."""

    number: int
    hash: str = Field(pattern=HASH)
    stream: Stream
    coinbase: str = Field(pattern=ADDRESS)
    timestamp_ms: int
    transactions: int
    gas_used: int
    base_fee: Wei
    merged: int
    size: int


class DagBlock(Schema):
    """A block of the DAG; colour and merged_by are null until the selected chain has merged it."""

    hash: str = Field(pattern=HASH)
    stream: Stream
    blue_score: int
    timestamp_ms: int
    coinbase: str = Field(pattern=ADDRESS)
    status: str
    transactions: int
    size: int
    parents: int
    chain_number: int | None
    merged_by: int | None
    colour: Colour | None


class Block(Schema):
    """One block in full; `epoch` where it is on the selected chain."""

    hash: str = Field(pattern=HASH)
    stream: Stream
    colour: Colour | None
    status: str
    chain_number: int | None
    merged_by: int | None
    confirmations: int | None
    is_final: bool
    timestamp_ms: int
    received_ms: int
    coinbase: str = Field(pattern=ADDRESS)
    blue_score: int
    blue_work: str
    work_score: int
    size: int
    transactions: int
    parents: list[str]
    children: list[str]
    mergeset_blue: list[str]
    mergeset_red: list[str]
    seal_valid: bool
    extra: str
    epoch: Epoch | None


class Epoch(Schema):
    """What a chain block executed."""

    transactions: int
    skipped: int
    logs: int
    gas_used: int
    base_fee: Wei
    next_base_fee: Wei
    issued: Wei
    burned: Wei
    supply: Wei
    state_root: str = Field(pattern=HASH)
    receipts_root: str = Field(pattern=HASH)


class TransactionItem(Schema):
    """An accepted transaction in a list; `to` is the contract where it made one."""

    hash: str = Field(pattern=HASH)
    number: int
    index: int
    timestamp_ms: int
    sender: str = Field(pattern=ADDRESS)
    to: str | None
    is_creation: bool
    value: Wei
    fee: Wei
    success: bool
    phase: Phase
    method: str
    nonce: int


class Argument(Schema):
    """A decoded argument."""

    name: str
    type: str
    value: str


class Call(Schema):
    """A call or event by name."""

    name: str
    signature: str
    arguments: list[Argument]


class LogItem(Schema):
    """A log, and its event where that is known."""

    index: int
    address: str = Field(pattern=ADDRESS)
    topics: list[str]
    data: str
    event: Call | None


class Skip(Schema):
    """An epoch that left it out, and why."""

    number: int
    reason: str


class Transaction(Schema):
    """One transaction in whatever state; what is known of its effect only where it is accepted."""

    hash: str = Field(pattern=HASH)
    state: Literal["accepted", "pending", "skipped", "carried", "replaced"]
    type: int
    sender: str = Field(pattern=ADDRESS)
    to: str | None
    created: str | None
    nonce: int
    value: Wei
    gas_limit: int
    max_fee: Wei
    max_priority_fee: Wei
    input: str
    call: Call | None
    source_shard: int
    target_shard: int | None
    number: int | None
    index: int | None
    timestamp_ms: int | None
    success: bool | None
    phase: Phase | None
    gas_used: int | None
    gas_price: Wei | None
    fee: Wei | None
    burned: Wei | None
    confirmations: int
    is_final: bool
    logs: list[LogItem]
    blocks: list[str] = Field(description="blocks that carry it")
    skips: list[Skip]
    replaced_by: str | None


class Address(Schema):
    """What an address has and is."""

    address: str = Field(pattern=ADDRESS)
    shard: int
    balance: Wei
    nonce: int
    transactions: int
    sent: int
    is_contract: bool
    delegate: str | None
    code_hash: str | None
    created_in: int | None
    created_by: str | None
    creation_transaction: str | None
    mined_blocks: int
    mining_income: Wei


class Token(Schema):
    """A token; name, symbol and decimals are what it says of itself."""

    address: str = Field(pattern=ADDRESS)
    standard: Literal[20, 721, 1155]
    name: str
    symbol: str
    decimals: int | None
    holders: int
    transfers: int
    supply: str = Field(pattern=WEI)
    first_number: int


class Transfer(Schema):
    """A movement of a token in its smallest unit."""

    transaction: str = Field(pattern=HASH)
    number: int
    log_index: int
    timestamp_ms: int
    token: str = Field(pattern=ADDRESS)
    standard: Literal[20, 721, 1155]
    sender: str = Field(pattern=ADDRESS)
    recipient: str = Field(pattern=ADDRESS)
    token_id: str | None
    amount: str


class Holder(Schema):
    """What an address holds of a token."""

    address: str = Field(pattern=ADDRESS)
    amount: str = Field(pattern=WEI)


class Holding(Schema):
    """A token that an address holds."""

    token: str = Field(pattern=ADDRESS)
    standard: Literal[20, 721, 1155]
    name: str
    symbol: str
    decimals: int | None
    amount: str = Field(pattern=WEI)


class Shard(Schema):
    """A shard over the newest epochs."""

    shard: int
    accounts: int
    transactions: int
    crossing: int
    state_commitment: str = Field(pattern=HASH)


class Miner(Schema):
    """A coinbase's sums."""

    coinbase: str = Field(pattern=ADDRESS)
    blocks: dict[str, int]
    reds: int
    rewards: Wei
    tips: Wei
    income: Wei


class Fees(Schema):
    """The fee market; tips in wei per gas, null where none was paid lately."""

    base_fee: Wei
    next_base_fee: Wei
    tip_low: Wei | None
    tip_usual: Wei | None
    tip_high: Wei | None
    pending: int | None


class Supply(Schema):
    """The supply."""

    supply: Wei
    minted: Wei
    burned: Wei
    genesis: Wei
    cap: Wei


class Point(Schema):
    """Figures of a stretch of time from `start`, in s."""

    start: int
    epochs: int
    transactions: int
    gas_used: int
    blocks: dict[str, int]
    reds: int
    mean_base_fee: Wei
    burned: Wei
    fees: Wei
    issued: Wei


class Hit(Schema):
    """What a search found."""

    kind: Literal["block", "transaction", "address", "token"]
    ref: str
    title: str


Block.model_rebuild()
