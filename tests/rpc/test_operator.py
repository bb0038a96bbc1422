"""Who may operate the node, and what operators can do."""

from __future__ import annotations

from io import StringIO
from typing import Any

import orjson
import pytest
from django.core.management import CommandError, call_command

import chain.rpc.app  # noqa: F401 - registers the methods
from chain.models import OperatorAction
from chain.rpc.caller import Caller as Connection
from chain.rpc.registry import METHODS
from chain.services import node_settings
from chain.services.api_keys import SCOPES, change_key, last_used
from chain.services.network import now_ms
from chain.services.redis_client import redis_client
from chain.stores.connection import raw_connection
from tests.rpc.conftest import Caller

pytestmark = pytest.mark.django_db

# points a second of a bucket that does not fill while a test runs, however slowly
HARDLY = 0.001
OPERATOR = sorted(name for name, method in METHODS.items() if method.scope)


def ask(rpc: Caller, method: str, *params: Any, **headers: str) -> dict[str, Any]:
    body = orjson.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)})
    _, _, answer = rpc.http(body, headers={name.replace("_", "-"): value for name, value in headers.items()})
    return orjson.loads(answer)


@pytest.fixture
def key(rpc: Caller) -> Any:
    """Make keys that are committed, so that the RPC's own connections see them."""
    from chain.models import ApiKey

    made = []

    def make(name: str, *scopes: str) -> str:
        out = StringIO()
        arguments = [part for scope in scopes for part in ("--scope", scope)]
        call_command("api_key", "create", name, *arguments, stdout=out)
        raw_connection().commit()
        made.append(name)
        return out.getvalue().strip()

    yield make
    ApiKey.objects.filter(name__in=made).delete()
    raw_connection().commit()


class TestCommand:
    def test_secrets_are_shown_once_and_kept_as_digests(self) -> None:
        from chain.models import ApiKey
        from chain.services.api_keys import digest

        out = StringIO()
        call_command("api_key", "create", "ann", "--scope", "mining", "--scope", "log", "--days", "3", stdout=out)
        secret = out.getvalue().strip()
        row = ApiKey.objects.get(name="ann")
        assert (bytes(row.digest), row.scopes) == (digest(secret), ["log", "mining"])
        assert row.expires_ms - row.created_ms == 3 * 86_400_000
        listed = StringIO()
        call_command("api_key", "list", stdout=listed)
        assert "ann\tlog,mining\t-/-" in listed.getvalue()
        assert secret not in listed.getvalue()
        with pytest.raises(CommandError, match="exists"):
            call_command("api_key", "create", "ann", "--scope", "log")
        with pytest.raises(CommandError, match="name"):
            call_command("api_key", "create", "a b", "--scope", "log")
        call_command("api_key", "change", "ann", "--scope", "log", "--rate", "5", "--burst", "9", stdout=StringIO())
        call_command("api_key", "change", "ann", "--burst", "0", stdout=StringIO())
        row.refresh_from_db()
        assert (row.scopes, row.rate, row.burst, bytes(row.digest)) == (["log"], 5, None, digest(secret))
        with pytest.raises(CommandError, match="a limit is from 1"):
            call_command("api_key", "change", "ann", "--rate", "-1")
        with pytest.raises(CommandError, match="no such key"):
            call_command("api_key", "change", "nobody", "--rate", "1")
        call_command("api_key", "revoke", "ann", stdout=StringIO())
        with pytest.raises(CommandError, match="revoked"):
            call_command("api_key", "revoke", "ann")


def test_there_are_operator_methods() -> None:
    assert OPERATOR == [
        "mds_addPeer", "mds_banPeer", "mds_removePeer", "mds_setCoinbase", "mds_setLogLevel", "mds_setMiningShare",
        "mds_setOrderingPolicy", "mds_startMining", "mds_stopMining", "mds_unbanPeer",
    ]  # fmt: skip


@pytest.mark.parametrize("method", OPERATOR)
def test_nobody_operates_without_a_key(rpc: Caller, method: str) -> None:
    for headers in ({}, {"authorization": "Bearer mds_wrong"}, {"x_api_key": "x"}, {"authorization": "Basic YTpi"}):
        error = ask(rpc, method, "A", **headers)["error"]
        assert (error["code"], error["data"]["reason"]) == (-32000, "forbidden")


class TestLocalGrant:
    @pytest.mark.parametrize(
        ("peer", "headers", "granted"),
        [
            ("127.0.0.1", [], True),
            ("::1", [], True),
            ("127.0.0.1", [(b"origin", b"null")], False),
            ("127.0.0.1", [(b"x-forwarded-for", b"127.0.0.1")], False),
            ("127.0.0.1", [(b"forwarded", b"for=1.2.3.4")], False),
            ("10.0.0.5", [], False),
            (None, [], False),
        ],
    )
    def test_it_holds_for_programs_of_this_machine_only(
        self, settings: Any, peer: str | None, headers: list[tuple[bytes, bytes]], granted: bool
    ) -> None:
        from chain.rpc.access import is_local

        connection = Connection({"headers": headers, "client": None if peer is None else (peer, 1)})
        assert is_local(connection) is False
        settings.MDS_RPC_LOCAL_OPERATOR = True
        assert is_local(connection) is granted


def test_addresses_that_limits_count() -> None:
    def address(peer: str, forwarded: bytes | None) -> str:
        headers = [] if forwarded is None else [(b"x-forwarded-for", forwarded)]
        return Connection({"headers": headers, "client": (peer, 1)}).address

    assert address("127.0.0.1", None) == "127.0.0.1"
    assert address("127.0.0.1", b"1.1.1.1, 2.2.2.2") == "2.2.2.2"
    assert address("8.8.8.8", b"1.1.1.1") == "8.8.8.8"
    assert address("127.0.0.1", b"nonsense") == "unknown"
    # as a socket of both families names who comes by IPv4
    assert address("::ffff:127.0.0.1", b"2.2.2.2") == "2.2.2.2"
    assert address("::ffff:8.8.8.8", b"1.1.1.1") == "8.8.8.8"
    assert address("127.0.0.1", b"::ffff:2.2.2.2") == "2.2.2.2"


class TestKeys:
    @pytest.mark.parametrize("scope", SCOPES)
    def test_a_key_opens_the_methods_of_its_scope_and_no_others(self, rpc: Caller, key: Any, scope: str) -> None:
        secret = key(f"only-{scope}", scope)
        assert last_used().get(f"only-{scope}") is None
        for name in OPERATOR:
            # a parameter that no method takes: who is let in gets as far as that
            error = ask(rpc, name, {"none": "such"}, x_api_key=secret)["error"]
            is_open = error["data"].get("reason") != "forbidden" if isinstance(error.get("data"), dict) else True
            assert is_open is (METHODS[name].scope == scope), name
        kept = OperatorAction.objects.filter(actor=f"key only-{scope}", action__startswith="scope.")
        tried = [f"scope.{METHODS[name].scope}" for name in OPERATOR if METHODS[name].scope != scope]
        assert sorted(kept.values_list("action", flat=True)) == sorted(tried)
        assert set(kept.values_list("outcome", "door")) == {("refused", "rpc")}
        kept.delete()
        used = last_used()[f"only-{scope}"]
        assert abs(now_ms() - used) < 600_000
        assert {METHODS[name].scope for name in OPERATOR} == set(SCOPES)

    def test_a_key_opens_its_scopes_and_its_name_stays_with_the_change(self, rpc: Caller, key: Any) -> None:
        from chain.models import ApiKey, NodeSetting
        from chain.stores.connection import raw_connection

        secret = key("miner", "mining")
        answer = ask(rpc, "mds_setMiningShare", "B", 0.5, authorization=f"Bearer {secret}")
        assert answer["result"]["streams"]["B"]["share"] == 0.5
        raw_connection().commit()
        assert NodeSetting.objects.get(key="mining.b.share").updated_by == "key miner"
        assert ask(rpc, "mds_stopMining", "C", x_api_key=secret)["result"]["streams"]["C"]["enabled"] is False
        target = "0x" + "42" * 20
        assert ask(rpc, "mds_setCoinbase", target, x_api_key=secret)["result"]["coinbase"] == target
        assert ask(rpc, "mds_setCoinbase", "0x" + "00" * 20, x_api_key=secret)["error"]["code"] == -32602
        assert ask(rpc, "mds_setMiningShare", "B", 7, x_api_key=secret)["error"]["code"] == -32602
        chosen = ask(rpc, "mds_setOrderingPolicy", "time_weighted", x_api_key=secret)["result"]
        assert chosen["policy"] == "time_weighted"
        assert chosen["rule"] == chosen["available"]["time_weighted"]
        assert rpc("mds_getOrderingPolicy") == chosen
        assert rpc("mds_getMiningStatus")["ordering"] == "time_weighted"
        assert ask(rpc, "mds_setOrderingPolicy", "bribe", x_api_key=secret)["error"]["code"] == -32602
        for other in ("mds_addPeer", "mds_setLogLevel"):
            assert ask(rpc, other, "x", x_api_key=secret)["error"]["data"]["reason"] == "forbidden"
        ApiKey.objects.filter(name="miner").update(revoked_ms=1)
        raw_connection().commit()
        assert ask(rpc, "mds_stopMining", "C", x_api_key=secret)["error"]["data"]["reason"] == "forbidden"
        NodeSetting.objects.filter(key__startswith="mining.").delete()
        raw_connection().commit()

    def test_what_belongs_to_the_network_waits_for_it(self, rpc: Caller, key: Any) -> None:
        secret = key("peers", "network", "log")
        for method in ("mds_addPeer", "mds_removePeer", "mds_banPeer", "mds_unbanPeer"):
            assert ask(rpc, method, "x", x_api_key=secret)["error"]["data"]["reason"] == "network_disabled"
        first = ask(rpc, "mds_setLogLevel", "ERROR", x_api_key=secret)["result"]
        assert first["now"] == "ERROR"
        second = ask(rpc, "mds_setLogLevel", first["before"].replace("NOTSET", "INFO"), x_api_key=secret)["result"]
        assert second["before"] == "ERROR"


class TestLimits:
    def burst(self, rpc: Caller, count: int, peer: str, **headers: str) -> list[int]:
        """Codes of the answers to that many requests from a peer, 0 for results."""
        from chain.rpc.app import application

        async def run() -> list[int]:
            codes = []
            for _ in range(count):
                sent: list[dict[str, Any]] = []

                async def receive() -> dict[str, Any]:
                    body = b'{"jsonrpc":"2.0","id":1,"method":"eth_chainId"}'
                    return {"type": "http.request", "body": body, "more_body": False}

                async def send(message: dict[str, Any], sent: list[dict[str, Any]] = sent) -> None:
                    sent.append(message)

                named = [
                    (b"host", b"127.0.0.1"),
                    *[(k.replace("_", "-").encode(), v.encode()) for k, v in headers.items()],
                ]
                scope = {"type": "http", "method": "POST", "path": "/", "headers": named, "client": (peer, 9)}
                await application(scope, receive, send)
                codes.append(orjson.loads(sent[1]["body"]).get("error", {"code": 0})["code"])
            return codes

        return rpc.runner.run(run())

    def test_who_asks_too_much_waits_and_others_do_not(self, rpc: Caller, settings: Any) -> None:
        settings.MDS_RPC_RATE, settings.MDS_RPC_BURST = HARDLY, 30
        codes = self.burst(rpc, 40, "9.9.9.9")
        assert (codes[:30], set(codes[30:])) == ([0] * 30, {-32005})
        assert self.burst(rpc, 5, "9.9.9.8") == [0] * 5
        assert set(self.burst(rpc, 100, "127.0.0.1")) == {0}
        # a proxy on this machine speaks for others, who are counted
        proxied = self.burst(rpc, 40, "127.0.0.1", x_forwarded_for="5.5.5.5")
        assert proxied[-1] == -32005
        # one customer's network is one bucket
        assert self.burst(rpc, 40, "2001:db8::1")[-1] == -32005
        assert self.burst(rpc, 1, "2001:db8::ffff") == [-32005]
        settings.MDS_RPC_RATE = 0
        assert set(self.burst(rpc, 50, "9.9.9.9")) == {0}

    def test_keys_have_buckets_of_their_own_but_made_up_ones_have_none(
        self, rpc: Caller, key: Any, settings: Any
    ) -> None:
        settings.MDS_RPC_RATE, settings.MDS_RPC_BURST = HARDLY, 10
        secret = key("quick", "log")
        assert self.burst(rpc, 20, "7.7.7.7")[-1] == -32005
        assert self.burst(rpc, 5, "7.7.7.7", x_api_key="made-up") == [-32005] * 5
        assert self.burst(rpc, 5, "7.7.7.7", x_api_key=secret) == [0] * 5

    def test_limits_of_a_key_hold_wherever_it_is_used(self, rpc: Caller, key: Any, settings: Any) -> None:
        from chain.models import ApiKey

        settings.MDS_RPC_RATE, settings.MDS_RPC_BURST = HARDLY, 10
        small, large = key("small", "log"), key("large", "log")
        ApiKey.objects.filter(name="small").update(rate=1, burst=3)
        ApiKey.objects.filter(name="large").update(rate=1_000)
        raw_connection().commit()
        assert self.burst(rpc, 30, "7.7.7.8", x_api_key=large) == [0] * 30
        for address in ("7.7.7.8", "127.0.0.1"):
            assert -32005 in self.burst(rpc, 12, address, x_api_key=small), address
        assert set(self.burst(rpc, 30, "127.0.0.1", x_api_key=large)) == {0}

    def test_a_changed_key_is_known_as_soon_as_settings_are_followed(
        self, rpc: Caller, key: Any, settings: Any
    ) -> None:
        settings.MDS_RPC_RATE, settings.MDS_RPC_BURST = HARDLY, 10
        secret = key("grows", "log")
        change_key("grows", ("log",), rate=1, burst=3)
        raw_connection().commit()
        assert -32005 in self.burst(rpc, 12, "7.7.7.9", x_api_key=secret)
        version = change_key("grows", ("log",), rate=20_000)
        raw_connection().commit()
        # a process remembers a key for half a minute, or until it hears of a change
        assert -32005 in self.burst(rpc, 12, "7.7.7.9", x_api_key=secret)
        follower = node_settings.Follower(redis_client(), "rpc")
        assert follower.look()
        assert node_settings.followed() == version
        # the bucket fills by the new rate from here on
        codes: list[int] = []
        while 0 not in codes and len(codes) < 500:
            codes += self.burst(rpc, 5, "7.7.7.9", x_api_key=secret)
        assert 0 in codes

    def test_dear_methods_cost_more(self, rpc: Caller) -> None:
        assert METHODS["eth_call"].cost > METHODS["eth_getBalance"].cost
        assert METHODS["debug_traceBlockByNumber"].cost > METHODS["eth_call"].cost
