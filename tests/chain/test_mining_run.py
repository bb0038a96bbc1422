"""Leases, memory, settings and the chain of slices, on a real Redis and database."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import orjson
import pytest
from redis import Redis

from chain import locks
from chain.core.errors import ConfigError, RequestError
from chain.core.pool import BlockLimits, CodeKind, Ordering, PoolPolicy, SenderState, order_for_block, pool_entry
from chain.core.template import build_template
from chain.core.types import Stream
from chain.kick import TaskName
from chain.services import control, sweep
from chain.services.control import DEFAULT_SHARES, DEVNET_COINBASE, mining_status, resolve_settings
from chain.services.mining import lease, memory, run
from chain.services.mining.ground import NodeGround, SliceReport
from chain.services.pool import Pool
from chain.services.redis_client import redis_client
from chain.services.snapshot import publish_virtual
from chain.stores import candidates
from chain.stores.connection import raw_connection
from mondoshawan.env import read
from tests.chain.mining_fakes import EASY, SECRET, START_MS, virtual
from tests.chain.pool_model import make_tx, raw_of
from tests.factories.database import StoredChain, another_session


@pytest.fixture
def redis(redis_url: str) -> Iterator[Redis]:
    redis_client.cache_clear()
    yield redis_client()
    redis_client.cache_clear()


@pytest.fixture
def kicked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    sent: list[tuple[Any, ...]] = []
    for module in (run, control, sweep):
        monkeypatch.setattr(module, "kick", lambda *args, **_: sent.append(args))
    return sent


def test_a_lease_has_one_holder(redis: Redis) -> None:
    first = lease.take_lease(redis, "A", None)
    assert first is not None
    assert lease.take_lease(redis, "A", None) is None
    assert lease.take_lease(redis, "A", "another") is None
    assert lease.take_lease(redis, "B", None) is not None
    second = lease.take_lease(redis, "A", first)
    assert second is not None
    assert lease.take_lease(redis, "A", first) is None  # the message came twice
    assert 0 < redis.pttl(lease.lease_key("A")) <= lease.LIFE_MS
    assert not lease.release_lease(redis, "A", first)
    assert lease.is_leased(redis, "A")
    assert lease.release_lease(redis, "A", second)
    assert not lease.is_leased(redis, "A")
    assert lease.take_lease(redis, "A", second) is not None  # a free lease is anybody's


def test_memory_round_trip(redis: Redis) -> None:
    assert memory.read_memory(redis, "B") == memory.MiningMemory()
    memory.remember_attempt(redis, "B", 7, 70, 1_000_000)
    memory.remember_outcome(redis, "B", bytes([1]) * 32)
    memory.remember_outcome(redis, "B", None)
    memory.remember_slice(redis, "B", 3_000, 1.5, 1_000_500)
    kept = memory.read_memory(redis, "B")
    assert (kept.found, kept.refused, kept.hashes, kept.hashrate) == (1, 1, 3_000, 2000.0)
    assert (kept.last_sequence, kept.last_slot, kept.last_found_ms) == (7, 70, 1_000_000)
    assert kept.last_hash == bytes([1]) * 32
    assert kept.is_held(7, 1_000_000 + memory.HOLD_MS - 1)
    assert not kept.is_held(7, 1_000_000 + memory.HOLD_MS)
    assert not kept.is_held(8, 1_000_001)
    assert kept.rate_at(1_000_500) == 2000
    assert kept.rate_at(1_000_500 + memory.FRESH_MS) == 0
    memory.remember_slice(redis, "B", 6_000, 1.5, 1_002_000)
    assert memory.read_memory(redis, "B").hashrate == 2000 + 0.25 * 2000
    memory.remember_slice(redis, "B", 6_000, 1.5, 9_000_000)  # after a pause the old rate says nothing
    assert memory.read_memory(redis, "B").hashrate == 4000


def test_environment_over_database_over_default() -> None:
    plain = resolve_settings({}, {}, "devnet")
    assert plain.coinbase == DEVNET_COINBASE
    assert [plain.share(stream) for stream in (Stream.A, Stream.B, Stream.C)] == list(DEFAULT_SHARES.values())
    assert resolve_settings({}, {}, "testnet").coinbase is None
    stored = {"mining.a.on": False, "mining.b.share": 0.5, "mining.coinbase": "0x" + "11" * 20, "mining.old": 1}
    merged = resolve_settings(stored, {"mining.b.share": 0.3, "mining.a.on": True}, "testnet")
    assert merged.is_on(Stream.A)
    assert merged.share(Stream.B) == 0.3
    assert merged.coinbase == bytes([0x11]) * 20
    assert merged.fixed == ("mining.a.on", "mining.b.share")


@pytest.mark.django_db
def test_settings_change_at_run_time(redis: Redis, kicked: list[Any], settings: Any) -> None:
    assert control.mining_settings().is_on(Stream.B)
    control.stop_mining(Stream.B, by="operator")
    assert not control.mining_settings().is_on(Stream.B)
    redis.delete(control.SETTINGS_KEY)  # Redis lost: the database knows
    assert not control.mining_settings().is_on(Stream.B)
    control.start_mining(Stream.B)
    assert control.mining_settings().is_on(Stream.B)
    assert kicked == [(TaskName.MINE_B,)]
    control.set_share(Stream.A, 0.4)
    control.set_coinbase(bytes([5]) * 20)
    status = mining_status()
    assert status["streams"]["A"]["share"] == 0.4
    assert status["coinbase"] == "0x" + "05" * 20
    assert not status["streams"]["A"]["active"]
    for share in (0.0, 1.1, float("nan"), -1.0):
        with pytest.raises(RequestError):
            control.set_share(Stream.A, share)
    for coinbase in (b"", bytes(20), bytes(21)):
        with pytest.raises(RequestError):
            control.set_coinbase(coinbase)
    settings.MDS_MINING_FIXED = {"mining.a.share": 0.2}
    with pytest.raises(ConfigError) as fixed:
        control.set_share(Stream.A, 0.3)
    assert fixed.value.code == "setting_fixed"
    assert control.publish_settings().share(Stream.A) == 0.2


@pytest.mark.django_db
def test_miners_follow_the_ordering_policy_within_a_slice(redis: Redis, kicked: list[Any], settings: Any) -> None:
    assert control.ordering_policy()["policy"] == "fee"
    pool = Pool(redis, PoolPolicy())
    pool.clear()
    entries = []
    for n in range(12):
        tx = make_tx((n + 1).to_bytes(20, "big"), tip=(n * 5 % 12 + 1) * 10**9)
        pool.add(tx, raw_of(tx), 10**9, n, SenderState(0, 10**22, CodeKind.NONE, 0))
        entries.append(pool_entry(tx, raw_of(tx), n))
    limits, seen = BlockLimits(12, 10**6, 10**6), virtual()
    for policy in Ordering:
        control.set_ordering_policy(str(policy), by="operator")
        answer = control.ordering_policy()
        assert (answer["policy"], answer["fixed"]) == (policy, False)
        assert answer["rule"] == answer["available"][policy]
        ground = run.node_ground(Stream.B, control.mining_settings(redis), bytes(20), redis)
        assert ground.select(limits, seen) == order_for_block(entries, seen.base_fee, limits, policy, seen.sink)
    control.set_ordering_policy("random")
    ground = run.node_ground(Stream.B, control.mining_settings(redis), bytes(20), redis)
    assert ground.select(limits, seen) != ground.select(limits, replace(seen, sink=bytes([77]) * 32))
    pool.clear()


@pytest.mark.django_db
def test_ordering_of_environment_database_and_old_copies(redis: Redis, kicked: list[Any], settings: Any) -> None:
    with pytest.raises(RequestError) as unknown:
        control.set_ordering_policy("bribe")
    assert unknown.value.code == "invalid_params"
    control.set_ordering_policy("fifo")
    redis.delete(control.SETTINGS_KEY)
    assert control.mining_settings().ordering is Ordering.FIFO
    # a copy that a version without orderings wrote
    old = orjson.loads(redis.get(control.SETTINGS_KEY))
    del old["ordering"]
    redis.set(control.SETTINGS_KEY, orjson.dumps(old))
    assert control.mining_settings().ordering is Ordering.FEE
    settings.MDS_MINING_FIXED = {"mining.ordering": "hybrid"}
    assert control.publish_settings().ordering is Ordering.HYBRID
    assert control.ordering_policy()["fixed"]
    with pytest.raises(ConfigError) as fixed:
        control.set_ordering_policy("fee")
    assert fixed.value.code == "setting_fixed"
    for policy in Ordering:
        assert read({"MDS_MINING_ORDERING": str(policy)}).mining_ordering == policy
    # what only a newer version knows is not followed
    assert resolve_settings({"mining.ordering": "auction"}, {}, "devnet").ordering is Ordering.FEE


@pytest.mark.django_db
def test_testnet_refuses_to_mine_for_nobody(redis: Redis, kicked: list[Any], settings: Any) -> None:
    settings.MDS_NETWORK = "testnet"
    with pytest.raises(ConfigError) as refused:
        control.start_mining(Stream.A)
    assert refused.value.code == "mining_no_coinbase"
    assert run.mine_slice(Stream.A) is None
    assert run.revive_mining() == ()
    assert kicked == []
    assert not lease.is_leased(redis, "A")


@pytest.mark.django_db
def test_slices_follow_each_other_and_duplicates_end(
    redis: Redis, kicked: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[tuple[Stream, float]] = []

    def slice_of(stream: Stream, ground: NodeGround) -> SliceReport:
        ran.append((stream, ground.share))
        return SliceReport(3_000, 1.5, ())

    monkeypatch.setattr(run, "work_slice", slice_of)
    assert run.mine_slice(Stream.A) is not None
    ((name, token),) = kicked
    assert name == TaskName.MINE_A
    assert run.mine_slice(Stream.A) is None  # a second chain
    assert run.revive_mining() == ("B", "C")  # A lives
    del kicked[:]
    assert run.mine_slice(Stream.A, token) is not None
    assert run.mine_slice(Stream.A, token) is None  # the message came twice
    assert ran == [(Stream.A, DEFAULT_SHARES[Stream.A])] * 2
    assert len(kicked) == 1
    assert kicked[0][1] != token
    assert mining_status()["streams"]["A"]["hashrate"] == 2000
    assert mining_status()["streams"]["A"]["active"]
    control.stop_mining(Stream.A)
    assert run.mine_slice(Stream.A, kicked[0][1]) is None
    assert not lease.is_leased(redis, "A")
    assert len(kicked) == 1


@pytest.mark.django_db
def test_a_slice_that_fails_frees_the_lease(redis: Redis, kicked: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(stream: Stream, ground: NodeGround) -> SliceReport:
        raise ConfigError("key_missing")

    monkeypatch.setattr(run, "work_slice", fail)
    with pytest.raises(ConfigError):
        run.mine_slice(Stream.B)
    assert kicked == []
    assert "B" in run.revive_mining()


@pytest.mark.django_db
def test_a_waiting_message_is_enough(redis: Redis, kicked: list[Any]) -> None:
    redis.lpush("mine.a", "message")
    assert run.revive_mining() == ("B", "C")
    assert kicked == [(TaskName.MINE_B,), (TaskName.MINE_C,)]


@pytest.mark.django_db
@pytest.mark.parametrize("stream", [Stream.A, Stream.B])
def test_a_real_slice_finds_a_block(
    stream: Stream, redis: Redis, kicked: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Everything but the writer is real: virtual from Redis, the pool's scripts, the search, the key's file."""
    publish_virtual(redis, virtual(target_a=EASY, target_b=EASY), {})
    doors: list[tuple[bytes, str, tuple[bytes, ...]]] = []
    monkeypatch.setattr(run, "submit_block", lambda *args: doors.append(args))
    monkeypatch.setattr("chain.services.mining.work.SLICE_S", 0.05)
    report = run.mine_slice(stream)
    assert report is not None
    assert len(report.found) == len(doors) == 1
    assert doors[0][1:] == ("mined", ())
    status = mining_status()["streams"][stream.name]
    assert status["blocksFound"] == 1
    assert status["lastBlock"] == "0x" + report.found[0].hex()
    assert kicked[0][0] == control.TASK_OF[stream]


def test_the_vrf_key_is_read_from_the_keys_folder(settings: Any, tmp_path: Any) -> None:
    from chain.services.mining.ground import vrf_secret

    settings.MDS_KEYS_FOLDER = tmp_path
    for text, code in ((None, "key_missing"), ("zz", "key_malformed"), ("00" * 31, "key_malformed")):
        if text is not None:
            (tmp_path / "vrf.key").write_text(text)
        vrf_secret.cache_clear()
        with pytest.raises(ConfigError) as refused:
            vrf_secret()
        assert refused.value.code == code
    (tmp_path / "vrf.key").write_text(SECRET.hex() + "\n")
    assert vrf_secret() == SECRET
    vrf_secret.cache_clear()


@pytest.mark.django_db
def test_the_sweep_wakes_what_sleeps_and_nothing_twice(redis: Redis, kicked: list[Any]) -> None:
    assert sweep.sweep_all() == {"woken": 1, "revived": 3, "expired": 0, "validating": 0}
    assert kicked == [(TaskName.VIRTUAL,), (TaskName.MINE_A,), (TaskName.MINE_B,), (TaskName.MINE_C,)]
    for queue in ("virtual", "mine.a", "mine.b"):
        redis.lpush(queue, "message")
    assert lease.take_lease(redis, "C", None) is not None
    del kicked[:]
    assert sweep.sweep_all() == {"woken": 0, "revived": 0, "expired": 0, "validating": 0}
    assert kicked == []
    redis.delete(control.SETTINGS_KEY)
    control.stop_mining(Stream.A)
    redis.delete("mine.a", "mine.b", lease.lease_key("C"))
    sweep.sweep_all()
    assert (TaskName.MINE_A,) not in kicked
    assert {(TaskName.MINE_B,), (TaskName.MINE_C,)} <= set(kicked)


@pytest.mark.django_db
def test_a_find_that_did_not_see_the_newest_sink_is_stale(redis: Redis) -> None:
    ground = run.node_ground(Stream.B, control.mining_settings(redis), bytes(20), redis)
    seen = virtual()
    publish_virtual(redis, seen, {})
    template = build_template(ground.spec, seen, Stream.B, bytes(20), bytes(32), START_MS, [])
    assert not ground.is_stale(replace(template, header=replace(template.header, parents=(seen.sink,))))
    publish_virtual(redis, replace(seen, sequence=seen.sequence + 1, sink=bytes([5]) * 32), {})
    assert ground.is_stale(template)


@pytest.mark.django_db
def test_a_find_waits_for_what_the_writer_has_in_hand(redis: Redis) -> None:
    ground = run.node_ground(Stream.B, control.mining_settings(redis), bytes(20), redis)
    seen = virtual()
    publish_virtual(redis, seen, {})
    template = build_template(ground.spec, seen, Stream.B, bytes(20), bytes(32), START_MS, [])
    template = replace(template, header=replace(template.header, parents=(seen.sink,)))
    raw_connection().execute("SELECT 1")
    candidates.add_candidate(raw_connection(), bytes([4]) * 32, b"raw", senders=b"", source="rpc", received_ms=1)
    naps = []

    def settle(seconds: float) -> None:
        naps.append(seconds)
        if len(naps) == 3:
            candidates.forget(raw_connection(), bytes([4]) * 32)
            publish_virtual(redis, replace(seen, sequence=seen.sequence + 1, sink=bytes([4]) * 32), {})

    ground.clock = replace(ground.clock, sleep=settle)
    assert ground.is_stale(template)
    assert len(naps) == 3


@pytest.mark.django_db
def test_a_find_waits_until_a_commit_is_shown(redis: Redis, stored: StoredChain) -> None:
    """What is committed and not shown yet would be stood beside, and its receipts taken back."""
    ground = run.node_ground(Stream.B, control.mining_settings(redis), bytes(20), redis)
    seen = replace(virtual(), sequence=0)
    publish_virtual(redis, seen, {})
    template = build_template(ground.spec, seen, Stream.B, bytes(20), bytes(32), START_MS, [])
    template = replace(template, header=replace(template.header, parents=(seen.sink,)))
    assert not ground.is_stale(template)
    raw_connection().execute("UPDATE chain_node_state SET sequence = 1")
    naps = []

    def settle(seconds: float) -> None:
        naps.append(seconds)
        if len(naps) == 3:
            publish_virtual(redis, replace(seen, sequence=1, sink=bytes([4]) * 32), {})

    ground.clock = replace(ground.clock, sleep=settle)
    assert ground.is_stale(template)
    assert len(naps) == 3
    raw_connection().execute("UPDATE chain_node_state SET sequence = 2")
    still = replace(template, header=replace(template.header, parents=(bytes([4]) * 32,)))
    assert ground.is_stale(still)  # nothing shows it: not known to stand on the sink


@pytest.mark.django_db
def test_two_finds_take_turns(redis: Redis) -> None:
    ground = run.node_ground(Stream.B, control.mining_settings(redis), bytes(20), redis)
    with another_session() as other, ground.turn():
        assert not locks.try_lock(other, locks.Lock.FINDS)
    with another_session() as other:
        assert locks.try_lock(other, locks.Lock.FINDS)


@pytest.mark.django_db
def test_finds_take_no_turns_where_readers_follow_behind_the_sink(redis: Redis) -> None:
    ground = run.node_ground(Stream.B, control.mining_settings(redis), bytes(20), redis)
    ground.spec = replace(ground.spec, latest_depth=10)
    with another_session() as other, ground.turn():
        assert locks.try_lock(other, locks.Lock.FINDS)
