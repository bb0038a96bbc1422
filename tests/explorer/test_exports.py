"""CSV files: every list has one, with the rows of the list in its order, from any place on, and nothing that runs."""

from __future__ import annotations

import csv
import io
from datetime import datetime

import pytest
from django.test import Client

from explorer import exports
from explorer.views import chain_figures
from explorer.views import exports as exports_views
from tests.explorer.conftest import Growing
from tests.explorer.test_pages import EVIL, hexed
from tests.explorer.test_pages_index import scene  # noqa: F401 - the same chain
from tests.explorer.token_logs import ALICE, ART, BOB, COIN, GAME

pytestmark = pytest.mark.django_db(transaction=True)


def rows_of(client: Client, path: str) -> list[dict[str, str]]:
    answer = client.get(path)
    assert answer.status_code == 200, path
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    text = b"".join(answer.streaming_content).decode()  # type: ignore[attr-defined]
    return list(csv.DictReader(io.StringIO(text)))


def test_tokens_and_who_holds_them(scene: Growing, client: Client) -> None:  # noqa: F811 - the fixture
    tokens = rows_of(client, "/tokens.csv")
    assert {row["address"] for row in tokens} == {hexed(token) for token in (COIN, ART, GAME)}
    # most held first, and what a spreadsheet would run is quoted
    assert (tokens[0]["address"], tokens[0]["name"], tokens[0]["symbol"]) == (hexed(COIN), EVIL, "'=1+1")
    assert (tokens[0]["holders"], tokens[0]["supply"]) == ("2", str(10**20))
    assert [row["standard"] for row in rows_of(client, "/tokens.csv?standard=721")] == ["721"]
    held = f"/token/{hexed(COIN)}/holders.csv"
    holders = [(row["address"], int(row["amount"])) for row in rows_of(client, held)]
    assert holders == [(hexed(ALICE), 7 * 10**19), (hexed(BOB), 3 * 10**19)]
    assert [row["address"] for row in rows_of(client, f"{held}?before={7 * 10**19}-{ALICE.hex()}")] == [hexed(BOB)]
    assert client.get(f"/token/{hexed(BOB)}/holders.csv").status_code == 404
    of_bob = f"/address/{hexed(BOB)}"
    assert {row["token"] for row in rows_of(client, f"{of_bob}/tokens.csv")} == {hexed(COIN), hexed(GAME)}
    assert [(row["token"], row["id"], row["amount"]) for row in rows_of(client, f"{of_bob}/items.csv")] == [
        (hexed(GAME), "5", "10")
    ]
    moved = rows_of(client, f"{of_bob}/transfers.csv")
    assert [(row["token"], row["block"], row["symbol"]) for row in moved] == [
        (hexed(COIN), "2", "'=1+1"),
        (hexed(GAME), "1", ""),
    ]
    place = "-".join([moved[0][name] for name in ("block", "log_index", "ordinal")])
    assert rows_of(client, f"{of_bob}/transfers.csv?before={place}") == moved[1:]


def test_blocks_and_transactions(scene: Growing, client: Client) -> None:  # noqa: F811 - the fixture
    every = rows_of(client, "/tx.csv")
    assert [row["block"] for row in every] == ["3", "2", "1"]
    assert rows_of(client, "/tx.csv?before=3-0") == every[1:]
    assert rows_of(client, "/block/2/transactions.csv") == [every[1]]
    assert rows_of(client, f"/block/{hexed(scene.path[2])}/transactions.csv?from=0") == [every[1]]
    assert rows_of(client, "/block/2/transactions.csv?from=1") == []
    for missing in ("4", "x", "0x" + "00" * 32):
        assert client.get(f"/block/{missing}/transactions.csv").status_code == 404
    dag = rows_of(client, "/blocks/dag.csv")
    assert [row["hash"] for row in dag] == [hexed(block) for block in scene.path[::-1]]
    assert {row["colour"] for row in dag} <= {"", "blue"}
    assert rows_of(client, f"/blocks/dag.csv?before={dag[1]['blue_score']}-{dag[1]['hash'][2:]}") == dag[2:]
    assert [row["number"] for row in rows_of(client, "/blocks.csv?before=2")] == ["1", "0"]


def test_miners_and_shards(scene: Growing, client: Client) -> None:  # noqa: F811 - the fixture
    miners = rows_of(client, "/miners.csv")
    earned = [int(row["earned_wei"]) for row in miners]
    assert earned == sorted(earned, reverse=True)
    first = miners[0]
    assert rows_of(client, f"/miners.csv?before={first['earned_wei']}-{first['coinbase'][2:]}") == miners[1:]
    blocks = rows_of(client, f"/miner/{first['coinbase']}/blocks.csv")
    assert len(blocks) == sum(int(first[f"blocks_{stream}"]) for stream in "abc")
    place = f"{blocks[0]['merged_by']}-{blocks[0]['position']}"
    assert rows_of(client, f"/miner/{first['coinbase']}/blocks.csv?before={place}") == blocks[1:]
    shards = rows_of(client, "/shards.csv")
    assert [row["shard"] for row in shards] == [str(shard) for shard in range(len(shards))]
    of_shards = [rows_of(client, f"/shard/{row['shard']}/transactions.csv") for row in shards]
    assert [len(rows) for rows in of_shards] == [int(row["transactions"]) for row in shards]
    assert sorted(row["hash"] for rows in of_shards for row in rows) == sorted(
        row["hash"] for row in rows_of(client, "/tx.csv")
    )


def test_the_figures_of_charts(
    scene: Growing,  # noqa: F811 - the fixture
    client: Client,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    last_ms = scene.factory.blocks[scene.sink].record.header.timestamp_ms
    for module in (chain_figures, exports_views):
        monkeypatch.setattr(module, "now_ms", lambda: last_ms + 1000)
    for span in ("hour", "year"):
        for name, last in (("fees", "most_waited"), ("streams", "blocks_c"), ("supply", "burned_wei")):
            page = client.get(f"/{name}?span={span}")
            assert f'href="/{name}.csv?span={span}"' in page.content.decode()
            drawn = page.context["page"].chart
            rows = rows_of(client, f"/{name}.csv?span={span}")
            assert list(rows[0])[-1] == last
            starts = [datetime.fromisoformat(row["time"]).timestamp() for row in rows]
            assert starts == drawn["x"]
            # the same figures, but exact
            told = {"fees": "base_fee_wei", "streams": "blocks_a", "supply": "issued_wei"}[name]
            scale = {"fees": 10**9, "streams": 1, "supply": 10**18}[name]
            assert [int(row[told]) / scale for row in rows] == drawn["series"][0]["values"]
    assert sum(int(row["transactions"]) for row in rows_of(client, "/fees.csv?span=year")) == 3
    assert client.post("/fees.csv").status_code == 405


def test_a_file_ends_at_its_bound_and_the_next_goes_on(
    scene: Growing,  # noqa: F811 - the fixture
    client: Client,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    whole = rows_of(client, "/blocks.csv")
    monkeypatch.setattr(exports, "FIRST", 1)
    monkeypatch.setattr(exports, "BATCH", 2)
    assert rows_of(client, "/blocks.csv") == whole, "pages of pages are the same rows"
    monkeypatch.setattr(exports, "MAX_ROWS", 3)
    part = rows_of(client, "/blocks.csv")
    assert part == whole[:3]
    assert rows_of(client, f"/blocks.csv?before={part[-1]['number']}") == whole[3:]
