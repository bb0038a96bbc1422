"""The stored state at the sink against the replayed one, row by row, and the lattices from nothing."""

from __future__ import annotations

from chain.core import lthash
from chain.core.shards import shard_of
from chain.core.spec import ChainSpec
from chain.core.transactions import keccak
from chain.core.types import StateDiff
from chain.pipeline.replay import Replay
from chain.services.verify.findings import Findings
from chain.stores import audit, load
from chain.stores.connection import Connection
from chain.stores.rows import account_of


def check_state(conn: Connection, spec: ChainSpec, replay: Replay, findings: Findings) -> None:
    """Compare current accounts, slots, codes and lattices."""
    _accounts(conn, spec, replay, findings)
    _slots(conn, spec, replay, findings)
    _codes(conn, replay, findings)
    # twice: as the epochs moved them, and summed up anew over the state that the epochs left
    from_state = lattices_of(replay.state.as_diff(), spec.shard_count)
    stored = load.load_lattices(conn)
    findings.equal("verify_lattice", len(stored), spec.shard_count, field="count")
    for shard, (got, ours, summed) in enumerate(zip(stored, replay.engine.state.lattices, from_state)):
        findings.equal("verify_lattice", lthash.digest(got), lthash.digest(ours), shard=shard)
        findings.equal("verify_lattice_sum", lthash.digest(ours), lthash.digest(summed), shard=shard)


def lattices_of(state: StateDiff, shard_count: int) -> tuple[bytes, ...]:
    """The lattice of every shard over a whole state."""
    empty = (lthash.EMPTY_LATTICE,) * shard_count
    return lthash.update_lattices(empty, StateDiff({}, {}, {}), state, shard_count)


def _accounts(conn: Connection, spec: ChainSpec, replay: Replay, findings: Findings) -> None:
    expected, seen = replay.state.accounts, 0
    for shard, address, nonce, balance, code_hash in audit.stream_accounts(conn):
        place = {"table": "chain_account_current", "address": address}
        findings.equal("verify_state", shard, shard_of(address, spec.shard_count), field="shard", **place)
        account = expected.get(address)
        if account is None:
            findings.add("verify_state", "an account that is not there", **place)
            continue
        seen += 1
        findings.equal("verify_state", account_of(nonce, balance, code_hash), account, **place)
    if seen != len(expected):
        findings.add("verify_state", "accounts are missing", table="chain_account_current", got=seen,
                     expected=len(expected))  # fmt: skip


def _slots(conn: Connection, spec: ChainSpec, replay: Replay, findings: Findings) -> None:
    expected, seen = replay.state.storage, 0
    total = sum(len(slots) for slots in expected.values())
    for shard, address, slot, value in audit.stream_slots(conn):
        place = {"table": "chain_slot_current", "address": address, "slot": slot}
        findings.equal("verify_state", shard, shard_of(address, spec.shard_count), field="shard", **place)
        ours = expected.get(address, {}).get(int.from_bytes(slot, "big"))
        if ours is None:
            findings.add("verify_state", "a slot that is not there", **place)
            continue
        seen += 1
        findings.equal("verify_state", int.from_bytes(value, "big"), ours, **place)
    if seen != total:
        findings.add("verify_state", "slots are missing", table="chain_slot_current", got=seen, expected=total)


def _codes(conn: Connection, replay: Replay, findings: Findings) -> None:
    """Codes of branches that were taken back may be there too, but each under its own hash."""
    wanted = {account.code_hash for account in replay.state.accounts.values()}
    wanted = {code_hash for code_hash in wanted if replay.state.codes[code_hash]}
    for code_hash, code in audit.stream_codes(conn):
        wanted.discard(code_hash)
        findings.equal("verify_code", code_hash, keccak(code), table="chain_code")
    for code_hash in sorted(wanted):
        findings.add("verify_code", "a code is missing", table="chain_code", expected=code_hash)
