"""prune: what it deletes, what it keeps, what it refuses, and that it may be killed at any moment."""

from __future__ import annotations

import random
from io import StringIO

import pytest
from django.apps import apps
from django.core.management import call_command

from chain import locks
from chain.core.errors import ConfigError, RequestError, StoreError
from chain.core.types import Stream
from chain.services import prune as service
from chain.services.export_blocks import export_blocks
from chain.services.prune import prune
from chain.services.rebuild import rebuild_by_execution, rebuild_from_versions
from chain.services.verify import verify_chain
from chain.services.writer import dedicated_connection
from chain.stores import load
from chain.stores import prune as store
from chain.stores.state import PostgresState
from mondoshawan import env as environment
from tests.chain import test_writer
from tests.chain.test_writer import BOB, Bench, grow
from tests.core.consensus.mini import Mini, easy_spec, transfer

bench = test_writer.bench
SHALLOW = easy_spec(merge_depth=4, finality_depth=8, vrf_window=6)
shallow = pytest.mark.parametrize("bench", [SHALLOW], indirect=True)
KEPT = ("chain_block", "chain_block_parent", "chain_selected_chain", "chain_consensus_order", "chain_epoch",
        "chain_account_current", "chain_slot_current", "chain_code", "chain_shard_lattice")  # fmt: skip


@pytest.fixture(autouse=True)
def small_parts(monkeypatch):
    monkeypatch.setattr(service, "BATCH_NUMBERS", 10)
    monkeypatch.setattr("chain.services.verify.chain.BATCH_BLOCKS", 20)
    monkeypatch.setattr("chain.pipeline.replay.FINALITY_LAG_BLOCKS", 20)


def long_chain(bench: Bench, count: int = 60) -> Mini:
    node = Mini(bench.spec)
    blocks = grow(node, count)
    writer, _ = bench.writer()
    for start in range(0, count, 7):
        for block in blocks[start : start + 7]:
            bench.offer(block)
        writer.drain()
    return node


def tangled_chain(bench: Bench, rounds: int = 18, seed: int = 3) -> Mini:
    """Two miners that hear of each other late: merged blocks, transactions carried twice, reorganisations."""
    rng = random.Random(seed)
    one, two = Mini(bench.spec), Mini(bench.spec)
    writer, _ = bench.writer()
    nonces = [0, 0]
    for _ in range(rounds):
        made = []
        for who, node in enumerate((one, two)):
            for _ in range(rng.randint(1, 2)):
                raws = [transfer(node.spec, 1 + who, nonces[who], BOB, value=1 + nonces[who])]
                nonces[who] += 1
                block = node.make(
                    rng.choice([Stream.A, Stream.B, Stream.B]), raws, coinbase=bytes([0xC0 + who]) * 20,
                    after_ms=rng.randint(50, 900), seed=bytes([1 + who]) * 32,
                )  # fmt: skip
                node.take(block)
                made.append((node, block))
        for node, block in made:
            bench.offer(block)
            writer.drain()
            (two if node is one else one).take(block)
        one.clock = two.clock = max(one.clock, two.clock)
    return one


def run(bench: Bench, keep: int = 5, **options):
    connection = dedicated_connection()
    try:
        return prune(connection, bench.spec, keep, **options)
    finally:
        connection.close()


def verified(bench: Bench, **options):
    connection = dedicated_connection()
    try:
        return verify_chain(connection, bench.spec, Mini(bench.spec).genesis, **options)
    finally:
        connection.close()


def rows(bench: Bench, table: str, where: str = "true") -> list[tuple]:
    return sorted(bench.connection.execute(f"SELECT t::text FROM {table} t WHERE {where}").fetchall())


@shallow
@pytest.mark.parametrize("chain", [long_chain, tangled_chain])
def test_history_below_the_horizon_goes_and_the_rest_stays(bench, chain):
    chain(bench)
    connection = bench.connection
    final = store.finality_number(connection)
    assert final > 20
    before = {table: rows(bench, table) for table in KEPT}
    late = {table: rows(bench, table, f"number > {final - 5}") for table in ("chain_acceptance", "chain_log",
            "chain_skipped", "chain_account_version", "chain_slot_version")}  # fmt: skip
    told = []
    report = run(bench, progress=lambda done, total: told.append((done, total)))
    horizon = final - 5
    assert report.horizon == horizon == store.read_horizon(connection).number
    assert told[-1] == (horizon + 1, horizon + 1)
    assert len(told) == -(-(horizon + 1) // 10)
    assert {table: rows(bench, table) for table in KEPT} == before
    assert {table: rows(bench, table, f"number > {horizon}") for table in late} == late
    for table in ("chain_acceptance", "chain_log", "chain_skipped"):
        assert rows(bench, table, f"number <= {horizon}") == []
    # of each account one value up to the horizon, and none that says that it is gone
    assert connection.execute(
        "SELECT count(*) FROM (SELECT address FROM chain_account_version WHERE number <= %s"
        " GROUP BY address HAVING count(*) > 1 OR bool_or(nonce IS NULL)) d", (horizon,)
    ).fetchone() == (0,)  # fmt: skip
    # bodies of what the pruned epochs merged are gone, all others are whole
    merged = {row[0] for row in connection.execute(
        "SELECT hash FROM chain_consensus_order WHERE number <= %s", (horizon,))}  # fmt: skip
    carried = {row[0] for row in connection.execute("SELECT block FROM chain_block_transaction")}
    assert not merged & carried
    others = [row[0] for row in connection.execute("SELECT hash FROM chain_block") if row[0] not in merged]
    assert len(load.load_envelopes(connection, others)) == len(others)
    # and no transaction is left that nobody carries
    assert connection.execute(
        "SELECT count(*) FROM chain_transaction t WHERE NOT EXISTS (SELECT 1 FROM chain_block_transaction p"
        " WHERE p.tx = t.hash)"
    ).fetchone() == (0,)
    # nothing is left to do
    assert run(bench).rows == 0


@shallow
@pytest.mark.parametrize("chain", [long_chain, tangled_chain])
def test_a_pruned_chain_is_verified_from_its_horizon(bench, chain):
    chain(bench)
    whole = verified(bench)
    assert (whole.differences, whole.horizon) == ((), None)
    report = run(bench)
    found = verified(bench)
    assert found.differences == ()
    assert found.horizon == report.horizon
    assert found.blocks == whole.blocks
    assert found.sink == whole.sink
    assert found.epochs == found.number - report.horizon


@shallow
@pytest.mark.parametrize(
    ("damage", "code"),
    [
        ("UPDATE chain_account_version SET balance = balance + 1 WHERE number <= {horizon}", "verify_lattice_sum"),
        ("UPDATE chain_account_current SET balance = balance + 1 WHERE address = '\\x" + BOB.hex() + "'",
         "verify_state"),
        ("UPDATE chain_epoch SET state_root = repeat('a', 32)::bytea WHERE number = {horizon} - 3", "verify_epoch"),
        ("UPDATE chain_epoch SET gas_used = gas_used + 1 WHERE number = {horizon} + 2", "verify_epoch"),
        ("UPDATE chain_block SET timestamp_ms = timestamp_ms + 1 WHERE number = 3", "verify_block_hash"),
        ("DELETE FROM chain_selected_chain WHERE number = 4", "verify_selected_chain"),
        ("UPDATE chain_acceptance SET gas_used = 1 WHERE number = {horizon} + 1", "verify_row"),
        ("DELETE FROM chain_block_parent WHERE block = (SELECT hash FROM chain_selected_chain WHERE number = 5)",
         "verify_edge"),
        ("UPDATE chain_transaction SET nonce = nonce + 1", "verify_transaction"),
    ],
)  # fmt: skip
def test_damage_of_a_pruned_chain_is_found(bench, damage, code):
    long_chain(bench)
    horizon = run(bench).horizon
    changed = bench.connection.execute(damage.format(horizon=horizon))
    assert changed.rowcount > 0
    assert code in {error.code for error in verified(bench, limit=100).differences}


@shallow
def test_the_writer_goes_on_while_and_after_and_reorganises(bench):
    node = long_chain(bench, 60)
    writer = bench.writers[0]
    more = grow(node, 40, mark=1)

    def offer_some(done, total):
        for block in more[:2]:
            bench.offer(block)
        del more[:2]
        writer.drain()

    report = run(bench, progress=offer_some)
    assert report.epochs > 20
    for block in more:
        bench.offer(block)
    writer.drain()
    assert writer.engine.sink.hash == node.engine.sink.hash
    # a new process starts from what is left
    writer.close()
    again, _ = bench.writer()
    assert again.engine.sink.hash == node.engine.sink.hash
    assert again.engine.state.lattices == node.engine.state.lattices
    run(bench)
    assert verified(bench).differences == ()
    account = PostgresState(bench.connection).get_account(BOB)
    assert account is not None
    assert account.balance == node.balance(BOB)


@shallow
def test_ended_after_any_part_it_goes_on_where_it_was(bench):
    long_chain(bench)
    parts = 0
    while True:
        asked = iter([False, True])
        report = run(bench, is_over=lambda asked=asked: next(asked))
        if not report.epochs:
            break
        parts += 1
        assert verified(bench).differences == ()
        assert verified(bench).horizon == report.horizon
    assert parts > 3
    assert report.horizon == store.finality_number(bench.connection) - 5


@shallow
def test_a_kill_within_a_part_changes_nothing(bench, monkeypatch):
    long_chain(bench)
    tables = [*KEPT, "chain_transaction", "chain_acceptance", "chain_account_version", "chain_pruned"]
    before = {table: rows(bench, table) for table in tables}
    # the connection dies after the last statement of a part, before its commit
    monkeypatch.setattr(store, "_GONE_SLOTS", "SELECT pg_terminate_backend(pg_backend_pid()), %s, %s")
    with pytest.raises(StoreError, match="database_unavailable"):
        run(bench)
    assert {table: rows(bench, table) for table in tables} == before


@shallow
def test_a_damaged_state_is_not_made_the_oldest_one(bench):
    long_chain(bench)
    bench.connection.execute("UPDATE chain_account_version SET balance = balance + 1 WHERE address = %s", (BOB,))
    count = len(rows(bench, "chain_transaction"))
    with pytest.raises(StoreError, match="versions_damaged"):
        run(bench)
    assert store.read_horizon(bench.connection) is None
    assert len(rows(bench, "chain_transaction")) == count


@shallow
def test_who_still_reads_holds_it_up(bench):
    long_chain(bench)
    assert run(bench, floor=7).horizon == 6
    assert run(bench, floor=3).epochs == 0


@shallow
def test_one_at_a_time(bench):
    long_chain(bench, 30)
    other = dedicated_connection()
    try:
        assert locks.try_lock(other, locks.Lock.PRUNE)
        with pytest.raises(StoreError, match="prune_locked"):
            run(bench)
    finally:
        other.close()


def test_a_young_chain_keeps_everything(bench):
    long_chain(bench, 20)
    assert run(bench, keep=1000) == service.PruneReport(-1, 0, 0)
    assert verified(bench).horizon is None


@shallow
def test_what_needs_old_bodies_says_so(bench, tmp_path):
    long_chain(bench)
    horizon = run(bench).horizon
    bench.writers[0].close()
    connection = dedicated_connection()
    try:
        with pytest.raises(RequestError, match="history_pruned"):
            export_blocks(connection, tmp_path / "all")
        assert export_blocks(connection, tmp_path / "some", from_number=horizon + 1)
    finally:
        connection.close()
    connection = dedicated_connection()
    try:
        with pytest.raises(RequestError, match="history_pruned"):
            rebuild_by_execution(connection, bench.spec, Mini(bench.spec).genesis)
        # what follows from the versions can still be mended
        connection.execute("UPDATE chain_account_current SET balance = balance + 1")
        assert rebuild_from_versions(connection, bench.spec).rows > 0
    finally:
        connection.close()
    assert verified(bench).differences == ()


@shallow
def test_by_setting_it_runs_when_enough_has_come_together(bench, settings, monkeypatch):
    long_chain(bench, 90)
    monkeypatch.setattr(service, "current_spec", lambda: bench.spec)
    monkeypatch.setattr(service, "LEAST_KEPT", 5)
    monkeypatch.setattr(service, "WORTH_A_RUN", 20)
    settings.MDS_PRUNE_KEEP = 0
    assert service.prune_by_setting() == {"epochs": 0, "rows": 0}
    settings.MDS_PRUNE_KEEP = 5
    explorer, floor = apps.get_app_config("explorer"), [0]
    monkeypatch.setattr(explorer, "prune_floor", lambda: floor[0])
    # the explorer has read nothing yet
    assert service.oldest_needed() == 0
    assert service.prune_by_setting() == {"epochs": 0, "rows": 0}
    floor[0] = 31
    done = service.prune_by_setting()
    assert done["epochs"] == 31
    assert done["rows"] > 0
    floor[0] = 50
    # nineteen more are not worth a run
    assert service.prune_by_setting() == {"epochs": 0, "rows": 0}
    floor[0] = 1000
    assert service.prune_by_setting()["epochs"] > 20
    assert verified(bench).differences == ()


@pytest.mark.parametrize("arguments", [[], ["--keep", "999"]])
def test_the_command_wants_to_know_how_much_to_keep(arguments):
    with pytest.raises(ConfigError, match="prune_keep"):
        call_command("prune", *arguments)


def test_the_command_tells_what_it_did(bench, monkeypatch):
    long_chain(bench, 10)
    out = StringIO()
    call_command("prune", "--keep", "1000", stdout=out)
    assert out.getvalue() == "nothing to prune: nothing was ever pruned\n"


@pytest.mark.parametrize("value", ["1", "999", "-1", "many"])
def test_a_setting_that_keeps_too_little_is_refused(value):
    with pytest.raises(ConfigError, match="MDS_PRUNE_KEEP"):
        environment.read({"MDS_PRUNE_KEEP": value})
    assert environment.read({"MDS_PRUNE_KEEP": "1000"}).prune_keep == 1000
