"""What the schema forbids, whoever writes."""

from __future__ import annotations

from io import StringIO

import psycopg
import pytest
from django.core.management import call_command

from chain.core.types import UINT256_MAX
from chain.models import Acceptance, AccountCurrent, Block, NodeSetting
from chain.stores.connection import cursor
from tests.factories import wallets
from tests.factories.chain import Effects
from tests.factories.database import StoredChain

HASH, ADDRESS = bytes(32), bytes(20)


@pytest.mark.django_db
def test_models_and_migrations_agree() -> None:
    call_command("makemigrations", "chain", check=True, dry_run=True, stdout=StringIO())


@pytest.mark.parametrize(
    ("sql", "args"),
    [
        ("UPDATE chain_block SET hash = %s", [bytes(31)]),
        ("UPDATE chain_block SET coinbase = %s", [bytes(32)]),
        ("UPDATE chain_block SET status = 'odd'", []),
        ("UPDATE chain_block SET stream = 4", []),
        ("UPDATE chain_block SET weight = -1", []),
        ("UPDATE chain_block SET weight = %s::numeric", [UINT256_MAX + 1]),
        ("UPDATE chain_block SET gas_used = %s::numeric", [2**64]),
        ("UPDATE chain_block SET work_score = 5", []),
        ("UPDATE chain_block SET selected_parent = NULL WHERE number > 0", []),
        ("UPDATE chain_block SET parents = NULL", []),
        ("INSERT INTO chain_block_parent VALUES (%s, (SELECT hash FROM chain_block LIMIT 1))", [HASH]),
        ("INSERT INTO chain_selected_chain VALUES (9, %s)", [HASH]),
        ("INSERT INTO chain_selected_chain VALUES (9, (SELECT hash FROM chain_block WHERE number = 1))", []),
        ("INSERT INTO chain_selected_chain VALUES (1, (SELECT hash FROM chain_block WHERE number = 0))", []),
        ("UPDATE chain_acceptance SET status = 2", []),
        ("UPDATE chain_acceptance SET phase = 0", []),
        ("UPDATE chain_acceptance SET gas_used = cumulative_gas_used + 1", []),
        ("UPDATE chain_acceptance SET contract_address = %s", [HASH]),
        ("INSERT INTO chain_acceptance SELECT 2, 0, tx, block, position, phase, lane, status, gas_used,"
         " cumulative_gas_used, effective_gas_price, NULL, 0, 0 FROM chain_acceptance LIMIT 1", []),
        ("UPDATE chain_log SET topic1 = NULL", []),
        ("UPDATE chain_log SET topic0 = %s", [ADDRESS]),
        ("UPDATE chain_account_current SET balance = -1", []),
        ("UPDATE chain_account_current SET balance = %s::numeric", [UINT256_MAX + 1]),
        ("UPDATE chain_account_current SET nonce = NULL", []),
        ("UPDATE chain_account_version SET nonce = NULL", []),
        ("INSERT INTO chain_account_current VALUES (10, %s, 0, 0, NULL)", [ADDRESS]),
        ("INSERT INTO chain_slot_current VALUES (0, %s, %s, %s)", [ADDRESS, HASH, bytes(31)]),
        ("INSERT INTO chain_slot_version VALUES (0, %s, %s, -1, NULL)", [ADDRESS, HASH]),
        ("UPDATE chain_shard_lattice SET lattice = %s", [bytes(2047)]),
        ("UPDATE chain_epoch SET logs_bloom = %s", [bytes(255)]),
        ("UPDATE chain_epoch SET supply = minted + 1", []),
        ("INSERT INTO chain_node_state SELECT 2, sequence, sink, sink_number, finality_point, tips, virtual,"
         " blocks_by_stream, accepted, reorgs, deepest_reorg, updated_ms FROM chain_node_state", []),
        ("INSERT INTO chain_writer_term VALUES (2, 0, '', 0)", []),
        ("UPDATE chain_identity SET genesis_hash = %s", [ADDRESS]),
        ("INSERT INTO chain_candidate (hash, state, raw, missing, source, received_ms, size)"
         " VALUES (%s, 'validated', '', '{}', '', 0, 0)", [HASH]),
        ("INSERT INTO chain_candidate (hash, state, raw, missing, source, received_ms, size)"
         " VALUES (%s, 'refused', '', '{}', '', 0, 0)", [HASH]),
        ("INSERT INTO chain_candidate (hash, state, missing, source, received_ms, size)"
         " VALUES (%s, 'received', '{}', '', 0, 0)", [HASH]),
    ],
)  # fmt: skip
def test_nonsense_is_refused(stored: StoredChain, sql: str, args: list[object]) -> None:
    factory = stored.factory
    root = factory.genesis.hash
    body = [factory.send(root, 0, wallets.address(1))]
    from chain.core.types import Log

    stored.apply(factory.step(root, body, Effects(logs={0: (Log(ADDRESS, (HASH, HASH, HASH, HASH), b""),)})))
    with pytest.raises(psycopg.IntegrityError), stored.conn.transaction():
        cursor(stored.conn).execute(sql, args)


def test_the_orm_gives_bytes_and_ints(stored: StoredChain) -> None:
    factory = stored.factory
    root = factory.genesis.hash
    stored.apply(factory.step(root, [factory.send(root, 0, wallets.address(1))]))
    block = Block.objects.get(number=1)
    record = factory.records[block.hash]
    assert (block.hash, block.parents, block.weight) == (record.hash, [root], record.weight)
    assert Block.objects.filter(weight__gte=record.weight, pk=record.hash).exists()
    account = AccountCurrent.objects.get(address=wallets.address(1))
    expected = factory.states[record.hash].get_account(wallets.address(1))
    assert expected is not None
    assert (account.balance, account.nonce) == (expected.balance, expected.nonce)
    assert Acceptance.objects.get(pk=(1, 0)).block == record.hash
    NodeSetting.objects.create(key="mining.share.a", value=25, updated_by="operator", updated_ms=1)
    assert NodeSetting.objects.get(pk="mining.share.a").value == 25
