"""Making a database one network's."""

from __future__ import annotations

from dataclasses import replace
from io import StringIO

import pytest
from django.core.management import call_command

from chain.core.errors import ConfigError, StoreError
from chain.core.genesis import make_genesis, network_genesis, network_spec
from chain.core.lthash import state_root
from chain.core.spec import AllocAccount
from chain.core.transactions import keccak
from chain.locks import new_term
from chain.stores import load
from chain.stores.connection import Connection
from chain.stores.genesis import Identity, genesis_record, initialise, read_identity
from chain.stores.state import PostgresState
from tests.factories.database import dump, fetch


def test_init_chain_writes_genesis_once(conn: Connection) -> None:
    out = StringIO()
    call_command("init_chain", stdout=out)
    assert "genesis written" in out.getvalue()
    genesis, spec = network_genesis("devnet"), network_spec("devnet")
    assert read_identity(conn) == Identity("devnet", genesis.hash, spec.shard_count, 1)
    assert load.load_records(conn) == [genesis_record(genesis)]
    assert load.load_headers(conn, [genesis.hash]) == {genesis.hash: genesis.header}
    node = load.load_node_state(conn)
    assert (node.sequence, node.sink, node.sink_number, node.tips) == (0, genesis.hash, 0, (genesis.hash,))
    assert node.virtual is None
    epoch = load.load_epochs(conn)[0]
    assert (epoch.summary, epoch.supply) == (genesis.summary, spec.minted_at_genesis)
    lattices = load.load_lattices(conn)
    assert state_root(spec.minted_at_genesis, lattices) == genesis.header.state_root
    for address, account in genesis.state.accounts.items():
        assert PostgresState(conn).get_account(address) == account
        assert PostgresState(conn, 0).get_account(address) == account
    before = dump(conn)
    again = StringIO()
    call_command("init_chain", stdout=again)
    assert "already there" in again.getvalue()
    assert dump(conn) == before


def test_partitions_follow_the_spec(conn: Connection) -> None:
    spec = replace(network_spec("devnet"), shard_count=3)
    # tests that commit empty their tables and leave the partitions
    of_slots = "FROM pg_inherits WHERE inhparent = 'chain_slot_version'::regclass"
    for (left,) in fetch(conn, f"SELECT inhrelid::regclass::text {of_slots}"):
        conn.execute(f"DROP TABLE {left}")
    initialise(conn, spec, make_genesis(spec))
    found = fetch(conn, f"SELECT count(*) {of_slots}")
    assert found == [(3,)]
    assert len(load.load_lattices(conn)) == 3


def test_another_network_is_refused_with_a_hint(conn: Connection) -> None:
    initialise(conn, network_spec("devnet"), network_genesis("devnet"))
    for network in ("testnet", "devnet"):
        spec = replace(network_spec(network), cap=network_spec(network).cap + (network == "devnet"))
        before = dump(conn)
        with pytest.raises(ConfigError) as error:
            initialise(conn, spec, make_genesis(spec))
        assert error.value.code == "wrong_network"
        assert "MDS_NETWORK" in error.value.data["hint"]
        assert dump(conn) == before


def test_a_newer_layout_is_refused(conn: Connection) -> None:
    spec, genesis = network_spec("devnet"), network_genesis("devnet")
    initialise(conn, spec, genesis)
    conn.execute("UPDATE chain_identity SET layout = layout + 1")
    with pytest.raises(ConfigError, match="layout_newer"):
        initialise(conn, spec, genesis)


def test_genesis_with_code_and_storage(conn: Connection) -> None:
    code = b"\x60\x01"
    contract = AllocAccount(keccak(b"c")[12:], 5, nonce=1, code=code, storage=((1, 2), (2**256 - 1, 3)))
    spec = network_spec("devnet")
    spec = replace(spec, alloc=tuple(sorted([*spec.alloc, contract], key=lambda account: account.address)))
    initialise(conn, spec, make_genesis(spec))
    state = PostgresState(conn)
    account = state.get_account(contract.address)
    assert account is not None
    assert (state.get_code(account.code_hash), account.nonce, account.balance) == (code, 1, 5)
    assert state.get_slot(contract.address, 2**256 - 1) == 3
    assert state.has_storage(contract.address)
    assert not state.has_storage(spec.alloc[0].address if spec.alloc[0] != contract else spec.alloc[1].address)
    with pytest.raises(StoreError, match="missing_code"):
        state.get_code(keccak(b"no such code"))


def test_an_empty_database_is_not_initialised(conn: Connection) -> None:
    assert read_identity(conn) is None
    for read in (load.load_node_state, PostgresState, lambda c: new_term(c, "x")):
        with pytest.raises(StoreError, match="not_initialised"):
            read(conn)


def test_a_database_without_tables_says_what_to_run(conn: Connection) -> None:
    conn.execute("ALTER TABLE chain_identity RENAME TO chain_identity_gone")
    with pytest.raises(StoreError) as error:
        initialise(conn, network_spec("devnet"), network_genesis("devnet"))
    assert error.value.code == "not_migrated"
    assert "migrate" in error.value.data["hint"]
