"""Routes of the public pages."""

from __future__ import annotations

from django.urls import path

from explorer.api.app import api
from explorer.live import views as live
from explorer.views import abi, addresses, api_docs, blocks, chain_figures, exports, front, search, tokens, transactions

app_name = "explorer"
urlpatterns = [
    path("", front.front_page, name="front"),
    path("favicon.ico", front.favicon, name="favicon"),
    path("live/window", live.window, name="live-window"),
    path("live/block/<int:seq>", live.block, name="live-block"),
    path("search", search.search, name="search"),
    path("blocks", blocks.blocks, name="blocks"),
    path("blocks.csv", exports.blocks, name="blocks-csv"),
    path("blocks/dag", blocks.dag, name="dag"),
    path("block/<str:ref>", blocks.block, name="block"),
    path("tx", transactions.transactions, name="transactions"),
    path("tx/<str:ref>", transactions.transaction, name="transaction"),
    path("address/<str:ref>", addresses.address, name="address"),
    path("address/<str:ref>/transactions.csv", exports.address_transactions, name="address-csv"),
    path("address/<str:ref>/transfers", addresses.transfers, name="address-transfers"),
    path("address/<str:ref>/tokens", addresses.holdings, name="address-tokens"),
    path("address/<str:ref>/internal", addresses.internal, name="address-internal"),
    path("address/<str:ref>/contract", addresses.contract, name="address-contract"),
    path("abi/encode", abi.encode, name="abi-encode"),
    path("abi/decode", abi.decode, name="abi-decode"),
    path("abi/error", abi.error, name="abi-error"),
    path("tokens", tokens.tokens, name="tokens"),
    path("token/<str:ref>", tokens.token, name="token"),
    path("token/<str:ref>/transfers.csv", exports.token_transfers, name="token-csv"),
    path("shards", chain_figures.shards, name="shards"),
    path("shard/<int:shard>", chain_figures.shard, name="shard"),
    path("streams", chain_figures.streams, name="streams"),
    path("miners", chain_figures.miners, name="miners"),
    path("miner/<str:ref>", chain_figures.miner, name="miner"),
    path("fees", chain_figures.fees, name="fees"),
    path("api", api_docs.etherscan_or_docs, name="api"),
    path("api/v1/openapi.json", api_docs.openapi, name="openapi"),
    path("api/v1/", api.urls),
    path("supply", chain_figures.supply, name="supply"),
]
