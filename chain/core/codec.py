"""Canonical bytes of headers and blocks, both ways, and the hashes over them (protocol §4).

Decoding refuses non-canonical bytes, wrong lengths and kinds, and integers out of range; rules that
compare fields with each other or with a chain spec live in ``chain.core.rules``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from blake3 import blake3

from chain.core import rlp
from chain.core.errors import RuleCode, RuleViolation
from chain.core.merkle import merkle_root
from chain.core.rlp import RLP, Encodable
from chain.core.types import UINT64_MAX, UINT256_MAX, Block, Header

HEADER_FIELDS = 19
# what any decoder accepts at most, before it looks: the largest stream body, its header and slack
MAX_BLOCK_BYTES = 9_000_000
MAX_HEADER_BYTES = 4_096
MAX_ENVELOPES_DECODED = 1 << 16
MAX_PARENTS_DECODED = 64
MAX_SEAL_ITEMS = 2
MAX_SEAL_ITEM_BYTES = 80


def blake3_hash(data: bytes) -> bytes:
    """BLAKE3-256, the protocol's hash without a name."""
    return blake3(data).digest()


def _header_items(header: Header) -> list[Encodable]:
    return [
        header.version,
        header.chain_id,
        header.stream,
        header.parents,
        header.timestamp_ms,
        header.target,
        header.stream_counts,
        header.blue_score,
        header.blue_work,
        header.number,
        header.coinbase,
        header.vrf_key,
        header.tx_root,
        header.state_root,
        header.receipts_root,
        header.gas_used,
        header.base_fee,
        header.extra,
    ]


def _payload(header: Header) -> bytes:
    """The header's RLP payload without seal and list prefix; kept on the frozen instance."""
    kept = header.__dict__.get("_payload")
    if kept is None:
        kept = b"".join([rlp.encode(item) for item in _header_items(header)])
        object.__setattr__(header, "_payload", kept)
    return cast(bytes, kept)


def pre_hash(header: Header) -> bytes:
    """Hash of the header's RLP list without the seal: what work and signatures are done over."""
    kept = header.__dict__.get("_pre_hash")
    if kept is None:
        kept = blake3_hash(rlp.wrap_list(_payload(header)))
        object.__setattr__(header, "_pre_hash", kept)
    return cast(bytes, kept)


def header_hash(header: Header) -> bytes:
    """The block hash: over the whole header, seal included."""
    kept = header.__dict__.get("_hash")
    if kept is None:
        kept = blake3_hash(encode_header(header))
        object.__setattr__(header, "_hash", kept)
    return cast(bytes, kept)


def encode_header(header: Header) -> bytes:
    """RLP of a header, seal last."""
    return rlp.wrap_list(_payload(header) + rlp.encode(header.seal))


def decode_header(data: bytes) -> Header:
    """Read a header.

    Raises
    ------
    RuleViolation
        RLP_*, FIELD_COUNT, FIELD_KIND, FIELD_LENGTH or FIELD_RANGE.
    """
    _check_size(data, MAX_HEADER_BYTES, "header")
    return _header_of(rlp.decode(data))


def encode_body(transactions: Sequence[bytes]) -> bytes:
    """RLP list of envelopes; its length is what a stream's max bytes bounds."""
    return rlp.encode(transactions)


def encode_block(block: Block) -> bytes:
    """RLP list [header, body]: how blocks travel and are stored in files."""
    return rlp.wrap_list(encode_header(block.header) + encode_body(block.transactions))


def decode_block(data: bytes) -> Block:
    """Read a block; see ``decode_header`` for the errors."""
    _check_size(data, MAX_BLOCK_BYTES, "block")
    start, stop = rlp.list_span(data, 0, len(data))
    if stop != len(data):
        raise RuleViolation(RuleCode.RLP_MALFORMED, len(data), stop, "trailing bytes")
    if start == stop:
        raise RuleViolation(RuleCode.FIELD_COUNT, 0, 2, field="block")
    middle = rlp.item_end(data, start, stop)
    header = decode_header(data[start:middle])
    if middle == stop or rlp.item_end(data, middle, stop) != stop:
        raise RuleViolation(RuleCode.FIELD_COUNT, 1 if middle == stop else "more", 2, field="block")
    return Block(header, tuple(rlp.decode_strings(data, middle, stop, MAX_ENVELOPES_DECODED)))


def decode_body(data: bytes) -> tuple[bytes, ...]:
    """Read a body: a list of byte strings."""
    _check_size(data, MAX_BLOCK_BYTES, "body")
    return tuple(rlp.decode_strings(data, 0, len(data), MAX_ENVELOPES_DECODED))


def tx_root(hashes: Sequence[bytes]) -> bytes:
    """Merkle root over transaction hashes in body order."""
    return merkle_root(hashes)


def _check_size(data: bytes, at_most: int, field: str) -> None:
    if len(data) > at_most:
        raise RuleViolation(RuleCode.FIELD_LENGTH, len(data), at_most, f"{field} too large", field=field)


def _header_of(item: RLP) -> Header:
    f = as_list(item, "header", HEADER_FIELDS)
    parents = as_list(f[3], "parents")
    if len(parents) > MAX_PARENTS_DECODED:
        raise RuleViolation(RuleCode.FIELD_COUNT, len(parents), MAX_PARENTS_DECODED, field="parents")
    counts = as_list(f[6], "stream_counts", 3)
    seal = as_list(f[18], "seal")
    if len(seal) > MAX_SEAL_ITEMS:
        raise RuleViolation(RuleCode.FIELD_COUNT, len(seal), MAX_SEAL_ITEMS, field="seal")
    return Header(
        version=as_int(f[0], "version"),
        chain_id=as_int(f[1], "chain_id"),
        stream=as_int(f[2], "stream"),
        parents=tuple([as_bytes(parent, "parents", 32) for parent in parents]),
        timestamp_ms=as_int(f[4], "timestamp_ms"),
        target=as_int(f[5], "target"),
        stream_counts=(
            as_int(counts[0], "stream_counts"),
            as_int(counts[1], "stream_counts"),
            as_int(counts[2], "stream_counts"),
        ),
        blue_score=as_int(f[7], "blue_score"),
        blue_work=as_int(f[8], "blue_work", UINT256_MAX),
        number=as_int(f[9], "number"),
        coinbase=as_bytes(f[10], "coinbase", 20),
        vrf_key=as_bytes(f[11], "vrf_key", 32),
        tx_root=as_bytes(f[12], "tx_root", 32),
        state_root=as_bytes(f[13], "state_root", 32),
        receipts_root=as_bytes(f[14], "receipts_root", 32),
        gas_used=as_int(f[15], "gas_used"),
        base_fee=as_int(f[16], "base_fee", UINT256_MAX),
        extra=as_bytes(f[17], "extra", None, 32),
        seal=tuple([as_bytes(part, "seal", None, MAX_SEAL_ITEM_BYTES) for part in seal]),
    )


def as_list(item: RLP, field: str, count: int | None = None) -> list[RLP]:
    """The item as a list, of exactly ``count`` parts where given."""
    if not isinstance(item, list):
        raise RuleViolation(RuleCode.FIELD_KIND, "bytes", "list", field=field)
    if count is not None and len(item) != count:
        raise RuleViolation(RuleCode.FIELD_COUNT, len(item), count, field=field)
    return item


def as_bytes(item: RLP, field: str, length: int | None = None, at_most: int | None = None) -> bytes:
    """The item as a byte string of exactly ``length`` or at most ``at_most`` bytes."""
    if not isinstance(item, bytes):
        raise RuleViolation(RuleCode.FIELD_KIND, "list", "bytes", field=field)
    if length is not None and len(item) != length:
        raise RuleViolation(RuleCode.FIELD_LENGTH, len(item), length, field=field)
    if at_most is not None and len(item) > at_most:
        raise RuleViolation(RuleCode.FIELD_LENGTH, len(item), at_most, field=field)
    return item


def as_int(item: RLP, field: str, at_most: int = UINT64_MAX) -> int:
    """The item as a minimal integer within range."""
    if not isinstance(item, bytes):
        raise RuleViolation(RuleCode.FIELD_KIND, "list", "bytes", field=field)
    if len(item) > 32:
        raise RuleViolation(RuleCode.FIELD_RANGE, len(item), 32, field=field)
    if item[:1] == b"\x00":
        raise RuleViolation(RuleCode.RLP_NON_CANONICAL, item, "no leading zero", field=field)
    value = int.from_bytes(item, "big")
    if value > at_most:
        raise RuleViolation(RuleCode.FIELD_RANGE, value, at_most, field=field)
    return value
