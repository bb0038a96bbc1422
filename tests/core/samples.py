"""Well-formed headers, blocks and signed transactions to start from, and strategies that spoil their bytes."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

from eth_account import Account as Signer
from hypothesis import strategies as st

from chain.core import codec
from chain.core.difficulty import compact
from chain.core.genesis import network_spec
from chain.core.spec import ChainSpec
from chain.core.transactions import decode_transaction, keccak
from chain.core.types import UINT64_MAX, UINT256_MAX, Block, Header, Transaction

SECRET = b"\x46" * 32
SIGNER = Signer.from_key(SECRET)
SENDER = bytes.fromhex(SIGNER.address[2:])
RECIPIENT = b"\x35" * 20
TO = "0x" + RECIPIENT.hex()
GWEI = 10**9
SEAL_SHAPES = {1: (8,), 2: (8,), 3: (80, 64)}


@cache
def spec() -> ChainSpec:
    return network_spec("devnet")


def signed(type: int = 0, **fields: Any) -> bytes:
    """An envelope signed by eth_account; a plain transfer unless ``fields`` say otherwise (None leaves one out)."""
    body: dict[str, Any] = {"chainId": spec().chain_id, "nonce": 0, "gas": 21_000, "to": TO, "value": 1, "data": b""}
    if type < 2:
        body["gasPrice"] = 2 * GWEI
    else:
        body.update(maxFeePerGas=2 * GWEI, maxPriorityFeePerGas=GWEI)
    if type:
        body.update(type=type, accessList=[])
    if type == 4:
        body["authorizationList"] = [authorization()]
        body["gas"] = 46_000
    body.update(fields)
    body = {name: value for name, value in body.items() if value is not None}
    return bytes(SIGNER.sign_transaction(body).raw_transaction)


def authorization(nonce: int = 0, chain_id: int | None = None) -> Any:
    """An EIP-7702 tuple signed by eth_account."""
    chain = spec().chain_id if chain_id is None else chain_id
    return SIGNER.sign_authorization({"chainId": chain, "address": TO, "nonce": nonce})


def decoded(type: int = 0, **fields: Any) -> Transaction:
    return decode_transaction(signed(type, **fields))


def header(stream: int = 2, **changes: Any) -> Header:
    """A header that is right in isolation."""
    base = Header(
        version=1,
        chain_id=spec().chain_id,
        stream=stream,
        parents=(b"\x01" * 32, b"\x02" * 32),
        timestamp_ms=1_793_491_300_050,
        target=0 if stream in (0, 3) else compact(2**230),
        stream_counts=(1, 20, 3),
        blue_score=25,
        blue_work=10**12,
        number=17,
        coinbase=b"\x0c" * 20,
        vrf_key=b"\x0f" * 32,
        tx_root=codec.tx_root([]),
        state_root=b"\x11" * 32,
        receipts_root=b"\x12" * 32,
        gas_used=63_000,
        base_fee=GWEI,
        extra=b"made by hand",
        seal=tuple([bytes(length) for length in SEAL_SHAPES.get(stream, ())]),
    )
    return replace(base, **changes)


def block(*envelopes: bytes, stream: int = 2, **changes: Any) -> Block:
    """A block whose header names its body."""
    root = codec.tx_root([keccak(envelope) for envelope in envelopes])
    return Block(header(stream, **{"tx_root": root, **changes}), envelopes)


u64 = st.integers(0, UINT64_MAX)
u256 = st.integers(0, UINT256_MAX)
hash32 = st.binary(min_size=32, max_size=32)


@st.composite
def headers(draw: st.DrawFn) -> Header:
    """Any header that has an encoding."""
    return Header(
        version=draw(u64),
        chain_id=draw(u64),
        stream=draw(u64),
        parents=tuple(draw(st.lists(hash32, max_size=4))),
        timestamp_ms=draw(u64),
        target=draw(u64),
        stream_counts=draw(st.tuples(u64, u64, u64)),
        blue_score=draw(u64),
        blue_work=draw(u256),
        number=draw(u64),
        coinbase=draw(st.binary(min_size=20, max_size=20)),
        vrf_key=draw(hash32),
        tx_root=draw(hash32),
        state_root=draw(hash32),
        receipts_root=draw(hash32),
        gas_used=draw(u64),
        base_fee=draw(u256),
        extra=draw(st.binary(max_size=32)),
        seal=tuple(draw(st.lists(st.binary(max_size=80), max_size=2))),
    )


@st.composite
def spoiled(draw: st.DrawFn, originals: st.SearchStrategy[bytes]) -> bytes:
    """Bytes that were good until some were cut, changed, doubled or put in."""
    data = bytearray(draw(originals))
    for _ in range(draw(st.integers(1, 3))):
        place = draw(st.integers(0, len(data)))
        kind = draw(st.sampled_from(("cut", "flip", "drop", "insert", "repeat", "replace")))
        if kind == "cut":
            del data[place:]
        elif kind == "flip" and place < len(data):
            data[place] ^= draw(st.integers(1, 255))
        elif kind == "drop":
            del data[place : place + draw(st.integers(1, 40))]
        elif kind == "insert":
            data[place:place] = draw(st.binary(min_size=1, max_size=12))
        elif kind == "repeat":
            data[place:place] = data[place : place + 60]
        else:
            prefix = draw(st.sampled_from((0x00, 0x80, 0x81, 0xB7, 0xB8, 0xBF, 0xC0, 0xC1, 0xF7, 0xF8, 0xFF)))
            data[place : place + 1] = bytes((prefix,))
    return bytes(data)
