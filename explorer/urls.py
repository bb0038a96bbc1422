"""Routes of the public pages."""

from __future__ import annotations

from django.urls import path

from explorer.api.app import api
from explorer.live import views as live
from explorer.views import (
    abi,
    addresses,
    api_docs,
    away,
    blocks,
    chain_figures,
    exports,
    front,
    search,
    tokens,
    transactions,
)

app_name = "explorer"
urlpatterns = [
    path("", front.front_page, name="front"),
    path("favicon.ico", front.favicon, name="favicon"),
    path("away", away.away, name="away"),
    path("worker.js", away.worker, name="worker"),
    path("live/window", live.window, name="live-window"),
    path("live/block/<int:seq>", live.block, name="live-block"),
    path("search", search.search, name="search"),
    path("blocks", blocks.blocks, name="blocks"),
    path("blocks.csv", exports.blocks, name="blocks-csv"),
    path("blocks/dag", blocks.dag, name="dag"),
    path("blocks/dag.csv", exports.dag, name="dag-csv"),
    path("block/<str:ref>", blocks.block, name="block"),
    path("block/<str:ref>/transactions.csv", exports.block_transactions, name="block-csv"),
    path("tx.csv", exports.transactions, name="transactions-csv"),
    path("tx", transactions.transactions, name="transactions"),
    path("tx/<str:ref>", transactions.transaction, name="transaction"),
    path("tx/<str:ref>/internal.csv", exports.transaction_internal, name="transaction-internal-csv"),
    path("address/<str:ref>", addresses.address, name="address"),
    path("address/<str:ref>/transactions.csv", exports.address_transactions, name="address-csv"),
    path("address/<str:ref>/transfers", addresses.transfers, name="address-transfers"),
    path("address/<str:ref>/transfers.csv", exports.address_transfers, name="address-transfers-csv"),
    path("address/<str:ref>/tokens", addresses.holdings, name="address-tokens"),
    path("address/<str:ref>/tokens.csv", exports.address_tokens, name="address-tokens-csv"),
    path("address/<str:ref>/items.csv", exports.address_items, name="address-items-csv"),
    path("address/<str:ref>/internal", addresses.internal, name="address-internal"),
    path("address/<str:ref>/internal.csv", exports.address_internal, name="address-internal-csv"),
    path("address/<str:ref>/contract", addresses.contract, name="address-contract"),
    path("abi/encode", abi.encode, name="abi-encode"),
    path("abi/decode", abi.decode, name="abi-decode"),
    path("abi/error", abi.error, name="abi-error"),
    path("tokens", tokens.tokens, name="tokens"),
    path("tokens.csv", exports.all_tokens, name="tokens-csv"),
    path("token/<str:ref>", tokens.token, name="token"),
    path("token/<str:ref>/transfers.csv", exports.token_transfers, name="token-csv"),
    path("token/<str:ref>/holders.csv", exports.token_holders, name="token-holders-csv"),
    path("shards.csv", exports.all_shards, name="shards-csv"),
    path("shards", chain_figures.shards, name="shards"),
    path("shard/<int:shard>", chain_figures.shard, name="shard"),
    path("shard/<int:shard>/transactions.csv", exports.shard_transactions, name="shard-csv"),
    path("streams", chain_figures.streams, name="streams"),
    path("miners", chain_figures.miners, name="miners"),
    path("miners.csv", exports.all_miners, name="miners-csv"),
    path("miner/<str:ref>", chain_figures.miner, name="miner"),
    path("miner/<str:ref>/blocks.csv", exports.miner_blocks, name="miner-csv"),
    path("fees", chain_figures.fees, name="fees"),
    path("api", api_docs.etherscan_or_docs, name="api"),
    path("api/v1/openapi.json", api_docs.openapi, name="openapi"),
    path("api/v1/", api.urls),
    path("supply", chain_figures.supply, name="supply"),
]
