"""A backup of a live database is a whole snapshot: pg_dump beside a writer that goes on."""

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection

from chain.core.errors import ConfigError
from mondoshawan import env as environment
from mondoshawan.appliance import archive, backup
from mondoshawan.appliance.folder import DataFolder
from tests.chain import test_writer
from tests.chain.test_writer import Bench, grow
from tests.core.consensus.mini import Mini

bench = test_writer.bench


def here() -> dict[str, object]:
    return {**settings.DATABASES["default"], "NAME": connection.settings_dict["NAME"]}


def test_a_dump_of_a_database_in_use(bench: Bench, tmp_path: Path) -> None:
    node = Mini(bench.spec)
    writer, _ = bench.writer()
    for block in grow(node, 6):
        bench.offer(block)
    writer.drain()
    env = environment.current()
    folder = DataFolder.of(env)
    head = backup.take_dump(env, folder, here(), tmp_path / "b.tar")
    assert (head.kind, head.network, head.number) == ("dump", "devnet", node.engine.sink.header.number)
    assert [path.name for path in tmp_path.iterdir()] == ["b.tar"]
    into = tmp_path / "out"
    into.mkdir()
    with (tmp_path / "b.tar").open("rb") as file:
        assert archive.read_head(file, "b.tar") == head
        archive.extract(file, "b.tar", into)
    assert (into / backup.DUMP).read_bytes()[:5] == b"PGDMP"
    assert (into / "keys" / "vrf.key").read_bytes() == (folder.keys / "vrf.key").read_bytes()
    with tarfile.open(tmp_path / "b.tar") as tar:
        names = tar.getnames()
    assert (names[0], names[-1]) == (archive.HEAD, archive.CHECKSUMS)


def test_what_pg_dump_says_is_told(bench: Bench, tmp_path: Path) -> None:
    env = environment.current()
    with pytest.raises(ConfigError) as caught:
        backup.take_dump(env, DataFolder.of(env), {**here(), "NAME": "nowhere"}, tmp_path / "b.tar")
    assert caught.value.code == "backup_failed"
    assert "nowhere" in caught.value.message
    assert list(tmp_path.iterdir()) == []
