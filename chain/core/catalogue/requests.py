"""Codes of requests that are not answered: JSON-RPC, files, operator's settings."""

from __future__ import annotations

from chain.core.catalogue.entry import Entry, entries
from chain.core.errors import RequestCode, RequestError

REQUESTS: tuple[Entry, ...] = (
    *entries(
        RequestError,
        (RequestCode.PARSE_ERROR, "the request is no JSON", "send one JSON object, or an array of them"),
        (
            RequestCode.INVALID_REQUEST,
            "the request is JSON, but no JSON-RPC 2.0 request",
            "give jsonrpc, method, params and id their types",
        ),
        (RequestCode.METHOD_NOT_FOUND, "there is no such method", "`rpc.discover` and docs/rpc.md list the methods"),
        (
            RequestCode.INVALID_PARAMS,
            "a parameter is missing, malformed or out of range",
            "the message names it; docs/rpc.md describes each parameter",
        ),
        (
            RequestCode.NOT_FOUND,
            "what was asked for is not on this chain",
            "check hash or number; a newer block may not be here yet",
        ),
        (
            RequestCode.NOT_SUPPORTED,
            "this chain cannot answer the method at all",
            "none; docs/rpc.md says what to use instead",
        ),
        (
            RequestCode.LIMIT_EXCEEDED,
            "the request is larger, longer or more frequent than this node allows",
            "ask for less, or later; operators set the `MDS_RPC_…` limits",
        ),
        (
            RequestCode.FORBIDDEN,
            "the caller may not do this",
            "use an API key with the scope that the message names (`manage.py api_key`)",
        ),
        (
            RequestCode.HISTORY_PRUNED,
            "the block is older than what this node keeps (`oldest`)",
            "ask an archive node; an operator keeps more with `MDS_PRUNE_KEEP`, for what is still there",
        ),
        (RequestCode.NETWORK_DISABLED, "the method is about peers, and this node has none", "none in this release"),
        (
            RequestCode.EXECUTION_REVERTED,
            "the call ran and reverted",
            "decode the reason in `data`; it is the contract's own",
        ),
        (
            RequestCode.EXECUTION_FAILED,
            "the call ran and failed: out of gas, a bad jump, an invalid instruction",
            "the message names the failure; give more gas, or correct the contract",
        ),
    ),
    *entries(
        RequestError,
        (
            "insufficient_funds",
            "the account of a call cannot pay its value",
            "lower the value, or override the balance",
        ),
        (
            "intrinsic_gas",
            "the gas of a call is below what it costs before it runs",
            "give at least the gas that `want` names",
        ),
        (
            "max_fee_below_base_fee",
            "the fee cap of a call is below the base fee",
            "leave the fee out, or raise it to the base fee",
        ),
        ("filter_not_found", "no filter has this id: it was removed, or not asked for too long", "make a new filter"),
        ("subscription_not_found", "this connection has no subscription of this id", "subscribe again"),
        ("genesis_not_traceable", "genesis executes nothing that could be traced", "trace a later block"),
        ("no_coinbase", "this node has no account that its miners are paid to", "set one with mds_setCoinbase"),
        (
            "work_score_not_reached",
            "a block of the window's border is younger than what was asked for",
            "none: it is asked internally while the window is young; where a caller sees it, report it",
        ),
        ("number_range", "the range of numbers is empty or beyond the chain", "give from and to within the chain"),
        ("file_unreadable", "the file of blocks cannot be opened", "check the path and its permissions"),
        ("file_unwritable", "the file of blocks cannot be written", "check path, permissions and free space"),
        ("file_format", "the file holds no blocks, or blocks of a newer layout", "name a file of `export_blocks`"),
        ("file_truncated", "the file ends too early", "copy it again, or export it again"),
        ("file_damaged", "the file's checksum does not fit its content", "copy it again, or export it again"),
        ("block_count", "a file was announced with another number of blocks than were written", "export it again"),
        ("wrong_network", "the file holds blocks of another network", "set MDS_NETWORK, or name another file"),
    ),
    *entries(
        RequestError,
        ("simulate_nonce_too_low", "a simulated call's nonce is below the account's", "leave the nonce out"),
        ("simulate_nonce_too_high", "a simulated call's nonce is above the account's", "leave the nonce out"),
        ("simulate_base_fee", "a simulated call's fee cap is below the simulated base fee", "raise the fee cap"),
        ("simulate_intrinsic_gas", "a simulated call has less gas than it costs before it runs", "give it more gas"),
        ("simulate_funds", "a simulated call's account cannot pay for it", "override its balance"),
        ("simulate_block_gas", "the calls of a simulated block need more gas than it has", "use several blocks"),
        ("simulate_block_order", "numbers of simulated blocks do not ascend", "order them"),
        ("simulate_timestamp_order", "timestamps of simulated blocks do not ascend", "order them"),
        (
            "simulate_client_limit",
            "the simulation has more blocks or gas than this node allows",
            "split it into several requests",
        ),
    ),
)
