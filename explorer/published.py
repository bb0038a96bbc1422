"""ABIs that operators publish for everybody: keeping them, and reading them for decoding."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from django.db import transaction

from chain.core.errors import RequestCode, RequestError
from chain.core.shards import shard_of
from chain.selectors.query import Query, columns_as, first
from chain.services import audit
from chain.services.network import current_spec, now_ms
from chain.stores.connection import Connection, database_errors, raw_connection
from explorer.contract_abi import ContractAbi, read_abi, stored_abi
from explorer.models import PublishedAbi
from explorer.selectors.accounts import ACCOUNT
from explorer.selectors.contracts import CONTRACT

MAX_NAME = 64
MAX_PUBLISHED = 10_000
# EIP-1167: a proxy that is nothing but the address of its implementation
_MINIMAL = (bytes.fromhex("363d3d373d3d3d363d73"), bytes.fromhex("5af43d82803e903d91602b57fd5bf3"))
# EIP-1967: where a proxy keeps its implementation
_SLOT_1967 = bytes.fromhex("360894a13ba1a3210667c828492db98dca3e2076cc3735a920a3ca505d382bbc")


@dataclass(frozen=True, slots=True)
class Published:
    """An ABI without its text; ``matched`` of ``functions`` selectors are in the contract's code."""

    address: bytes
    name: str
    functions: int
    matched: int
    published_by: str
    published_ms: int


_COLUMNS = "p.address, p.name, p.functions, p.matched, p.published_by, p.published_ms"
_OF_ITS_CODE = (
    " FROM explorer_published_abi p JOIN explorer_contract c ON c.address = p.address AND c.code_hash = p.code_hash "
)
# (addresses): what was published of the contracts that are there now
_PUBLISHED: Query[Published] = Query(
    f"SELECT {_COLUMNS}{_OF_ITS_CODE}WHERE p.address = ANY(%s)",
    columns_as(Published),
)
# (address)
_TEXT: Query[str] = Query("SELECT abi FROM explorer_published_abi WHERE address = %s", first)
# (limit): newest first, those of contracts that are gone too
_NEWEST: Query[Published] = Query(
    f"SELECT {_COLUMNS} FROM explorer_published_abi p ORDER BY p.published_ms DESC, p.address LIMIT %s",  # noqa: S608
    columns_as(Published),
)
# (shard, address, slot)
_SLOT: Query[bytes] = Query(
    "SELECT value FROM chain_slot_current WHERE shard = %s AND address = %s AND slot = %s", lambda row: bytes(row[0])
)


def published(conn: Connection, address: bytes) -> Published | None:
    """What is published of a contract."""
    return _PUBLISHED.one(conn, [address])


def newest(conn: Connection, limit: int) -> list[Published]:
    """What was published last."""
    return _NEWEST.all(conn, limit)


def abis_of(conn: Connection, addresses: Iterable[bytes | None]) -> dict[bytes, ContractAbi]:
    """The published ABIs of some contracts: one statement, and another for each that this process has not read yet."""
    wanted = sorted({address for address in addresses if address is not None})
    if not wanted:
        return {}
    found = {}
    for one in _PUBLISHED.all(conn, wanted):
        key = (one.address, one.published_ms)
        if key not in _read:
            text = _TEXT.one(conn, one.address)
            if text is None:
                continue
            if len(_read) >= _MAX_READ:
                _read.clear()
            _read[key] = _parsed(text)
        found[one.address] = _read[key]
    return found


_MAX_READ = 500
_read: dict[tuple[bytes, int], ContractAbi] = {}


@lru_cache(maxsize=64)
def _parsed(text: str) -> ContractAbi:
    return stored_abi(text)


def publish(address: bytes, name: str, text: str, *, is_unchecked: bool = False, by: str = audit.SYSTEM) -> Published:
    """Publish an ABI for a contract, in place of what was published before; recorded in the trail.

    Parameters
    ----------
    name : str
        What the contract is called, 1 to 64 characters.
    text : str
        As ``explorer.contract_abi.read_abi`` takes it.
    is_unchecked : bool
        Also where none of its functions is in the contract's code, nor in that of what it delegates to.

    Raises
    ------
    RequestError
        not_found where there is no such contract; invalid_params, limit_exceeded.
    """
    with audit.operation("abi.publish", "0x" + address.hex(), by) as trail, database_errors():
        name = name.strip()
        if not name or len(name) > MAX_NAME or not name.isprintable():
            raise RequestError(RequestCode.INVALID_PARAMS, f"a name has 1 to {MAX_NAME} characters")
        conn = raw_connection()
        contract = CONTRACT.one(conn, address)
        if contract is None:
            message = "no contract is known at this address; the index may be a moment behind"
            raise RequestError(RequestCode.NOT_FOUND, message)
        abi = read_abi(text)
        code = _code_of(conn, address)
        matched = sum(selector in code for selector in abi.functions)
        if abi.functions and not matched and not is_unchecked:
            message = "none of its functions is in the contract's code: it seems to be of another contract"
            raise RequestError(RequestCode.INVALID_PARAMS, message, functions=len(abi.functions))
        if PublishedAbi.objects.exclude(address=address).count() >= MAX_PUBLISHED:
            raise RequestError(RequestCode.LIMIT_EXCEEDED, f"at most {MAX_PUBLISHED} ABIs are kept")
        facts = {
            "name": name,
            "abi": abi.text,
            "code_hash": contract.code_hash,
            "functions": len(abi.functions),
            "matched": matched,
            "published_by": audit.current_actor(by).name[:150],
            "published_ms": now_ms(),
        }
        with transaction.atomic():
            before = PublishedAbi.objects.filter(address=address).first()
            PublishedAbi.objects.update_or_create(address=address, defaults=facts)
        trail.before = {"name": before.name, "functions": before.functions} if before else None
        trail.after = {"name": name, "functions": len(abi.functions), "matched": matched}
    return Published(address, name, len(abi.functions), matched, facts["published_by"], facts["published_ms"])


def withdraw(address: bytes, by: str = audit.SYSTEM) -> None:
    """Take a published ABI back.

    Raises
    ------
    RequestError
        not_found.
    """
    with audit.operation("abi.withdraw", "0x" + address.hex(), by) as trail:
        before = PublishedAbi.objects.filter(address=address).first()
        if before is None:
            raise RequestError(RequestCode.NOT_FOUND, "nothing is published for this address")
        trail.before = {"name": before.name, "functions": before.functions}
        before.delete()


def _code_of(conn: Connection, address: bytes) -> bytes:
    """A contract's code, with that of the implementation where it is a proxy of a known kind."""
    code = _account_code(conn, address)
    head, tail = _MINIMAL
    if code.startswith(head) and code.endswith(tail) and len(code) == len(head) + 20 + len(tail):
        return code + _account_code(conn, code[len(head) : len(head) + 20])
    kept = _SLOT.one(conn, shard_of(address, current_spec().shard_count), address, _SLOT_1967)
    return code + _account_code(conn, kept[12:]) if kept else code


def _account_code(conn: Connection, address: bytes) -> bytes:
    account = ACCOUNT.one(conn, shard_of(address, current_spec().shard_count), address)
    return account.code if account else b""
