"""export_blocks and import_blocks: a chain goes through a file and comes out the same; bad files change nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from chain.core.codec import encode_block
from chain.core.errors import RequestError, RuleViolation
from chain.core.types import Stream
from chain.kick import TaskName
from chain.services.block_file import check_block_file, read_block_file, write_block_file
from chain.services.export_blocks import export_blocks
from chain.services.import_blocks import import_blocks
from chain.services.writer import dedicated_connection
from chain.stores import candidates, load
from tests.chain import test_writer
from tests.chain.test_verify import entangled, verify
from tests.chain.test_writer import Bench, grow, truncate
from tests.core.consensus.mini import START, Mini, easy_spec
from tests.factories.database import dump

bench = test_writer.bench
GENESIS = b"\x07" * 32
# what depends on when and how blocks came
NOT_THE_CHAIN = ("chain_outbox_event", "chain_writer_term", "chain_identity", "chain_node_state", "chain_block")


def code_of(call) -> str:
    with pytest.raises(RequestError) as caught:
        call()
    return caught.value.code


def test_a_file_gives_back_what_it_was_given(tmp_path: Path) -> None:
    blocks = [b"", b"x", bytes(300), b"last" * 1000]
    made = write_block_file(tmp_path / "f", GENESIS, len(blocks), blocks)
    assert check_block_file(made.path) == made
    assert list(read_block_file(made.path)) == blocks
    assert [path.name for path in tmp_path.iterdir()] == ["f"]


def test_every_cut_and_every_flip_is_noticed(tmp_path: Path) -> None:
    whole = write_block_file(tmp_path / "f", GENESIS, 3, [b"one", b"", b"three"]).path.read_bytes()
    bad = tmp_path / "bad"
    for length in range(len(whole)):
        bad.write_bytes(whole[:length])
        assert code_of(lambda: check_block_file(bad)) in ("file_format", "file_truncated")
    for place in range(len(whole)):
        bad.write_bytes(whole[:place] + bytes([whole[place] ^ 0x10]) + whole[place + 1 :])
        assert code_of(lambda: check_block_file(bad)) in ("file_format", "file_truncated", "file_damaged")
    bad.write_bytes(whole + b"\0")
    assert code_of(lambda: check_block_file(bad)) == "file_damaged"
    assert code_of(lambda: check_block_file(tmp_path / "none")) == "file_unreadable"


def test_a_failed_write_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_bytes(b"old")
    assert code_of(lambda: write_block_file(path, GENESIS, 3, [b"one"])) == "block_count"
    assert [(p.name, p.read_bytes()) for p in tmp_path.iterdir()] == [("f", b"old")]
    assert code_of(lambda: write_block_file(tmp_path / "no" / "f", GENESIS, 0, [])) == "file_unwritable"


@pytest.fixture
def kicks(monkeypatch: pytest.MonkeyPatch, bench: Bench) -> list[TaskName]:
    """The bench's network for the services, and who was woken."""
    told: list[TaskName] = []
    genesis = Mini(bench.spec).genesis
    for module in ("import_blocks", "submit_block"):
        monkeypatch.setattr(f"chain.services.{module}.current_spec", lambda: bench.spec)
        monkeypatch.setattr(f"chain.services.{module}.now_ms", lambda: START + 10**9)
        monkeypatch.setattr(f"chain.services.{module}.kick", lambda name, *args: told.append(name))
    monkeypatch.setattr("chain.services.import_blocks.current_genesis", lambda: genesis)
    return told


def export(bench: Bench, path: Path, **options):
    connection = dedicated_connection()
    try:
        return export_blocks(connection, path, **options)
    finally:
        connection.close()


def start_anew(bench: Bench) -> None:
    from chain.stores import genesis

    for writer in bench.writers:
        writer.close()
    truncate(bench.connection)
    genesis.initialise(bench.connection, bench.spec, Mini(bench.spec).genesis)


@pytest.mark.parametrize("workers", [1, 2])
def test_a_chain_through_a_file(bench, kicks, tmp_path, monkeypatch, workers):
    monkeypatch.setattr("chain.services.import_blocks.FEW_BLOCKS", 2)
    monkeypatch.setattr("chain.services.import_blocks.CHUNK_BLOCKS", 5)
    entangled(bench)
    before = dump(bench.connection, NOT_THE_CHAIN)
    sink = load.load_node_state(bench.connection).sink
    told: list[tuple[int, int]] = []
    made = export(bench, tmp_path / "f", progress=lambda done, total: told.append((done, total)))
    assert told[-1] == (made.count, made.count)
    start_anew(bench)
    writer, _ = bench.writer()
    told.clear()
    found = import_blocks(
        tmp_path / "f", drain=writer.drain, workers=workers, progress=lambda done, total: told.append((done, total))
    )
    assert (found.count, found.taken, found.known, found.left) == (made.count, made.count, 0, ())
    assert told[-1] == (made.count, made.count)
    assert load.load_node_state(bench.connection).sink == sink
    assert dump(bench.connection, NOT_THE_CHAIN) == before
    assert {block.source for block in _sources(bench)} == {"genesis", "import"}
    again = import_blocks(tmp_path / "f", drain=writer.drain, workers=1)
    assert (again.taken, again.known) == (0, made.count)
    assert kicks == []
    assert verify(bench).differences == ()


def _sources(bench: Bench):
    from chain.stores import audit

    return audit.read_blocks(bench.connection, -1, 1000)


def test_a_part_of_the_chain(bench, kicks, tmp_path):
    node = Mini(bench.spec)
    blocks = grow(node, 12)
    writer, _ = bench.writer()
    for block in blocks:
        bench.offer(block)
    writer.drain()
    sink = node.engine.sink.header.number
    export(bench, tmp_path / "low", to_number=5)
    export(bench, tmp_path / "high", from_number=6, to_number=sink)
    assert check_block_file(tmp_path / "low").count + check_block_file(tmp_path / "high").count == 12
    assert code_of(lambda: export(bench, tmp_path / "none", from_number=5, to_number=4)) == "number_range"
    start_anew(bench)
    writer, _ = bench.writer()
    high = import_blocks(tmp_path / "high", drain=writer.drain)
    assert {(state, code) for _, state, code in high.left} == {("parked", "unknown_parents")}
    low = import_blocks(tmp_path / "low", drain=writer.drain)
    assert low.left == ()
    assert writer.engine.sink.hash == node.engine.sink.hash


def test_another_process_is_woken(bench, kicks, tmp_path, monkeypatch):
    node = Mini(bench.spec)
    blocks = grow(node, 4)
    path = write_block_file(tmp_path / "f", node.genesis.hash, 4, [encode_block(block) for block in blocks]).path
    writer, _ = bench.writer()
    monkeypatch.setattr("chain.services.import_blocks.kick", lambda name: (kicks.append(name), writer.drain()))
    assert import_blocks(path, drain=None).taken == 4
    assert set(kicks) == {TaskName.VIRTUAL}
    assert writer.engine.sink.hash == node.engine.sink.hash


def test_a_bad_block_ends_it_after_the_good_ones(bench, kicks, tmp_path):
    node = Mini(bench.spec)
    blocks = [encode_block(block) for block in grow(node, 4)]
    # another seal: the header decodes, the work does not hold
    bad = next(candidate for nonce in range(64) if _fails(candidate := _with_nonce(node, nonce), bench))
    path = write_block_file(tmp_path / "f", node.genesis.hash, 4, [*blocks[:3], bad]).path
    writer, _ = bench.writer()
    with pytest.raises(RuleViolation) as caught:
        import_blocks(path, drain=writer.drain)
    assert (caught.value.code, caught.value.data["position"]) == ("seal_above_target", 3)
    assert len(writer.engine.records) == 4
    assert candidates.count_candidates(bench.connection) == {}


def _with_nonce(node: Mini, nonce: int) -> bytes:
    from dataclasses import replace

    block = node.make(Stream.A, after_ms=0)
    return encode_block(replace(block, header=replace(block.header, seal=(nonce.to_bytes(8, "little"),))))


def _fails(raw: bytes, bench: Bench) -> bool:
    from chain.services.import_blocks import judge_block

    return not isinstance(judge_block(bench.spec, raw), bytes)


def test_another_networks_file_is_refused(bench, kicks, tmp_path):
    other = Mini(easy_spec(ghostdag_k=3))
    blocks = [encode_block(block) for block in grow(other, 3)]
    path = write_block_file(tmp_path / "f", other.genesis.hash, 3, blocks).path
    writer, _ = bench.writer()
    assert code_of(lambda: import_blocks(path, drain=writer.drain)) == "wrong_network"
    assert candidates.count_candidates(bench.connection) == {}
