"""eth_call and eth_estimateGas in worker processes."""

from __future__ import annotations

import asyncio
import shutil
import sys
from types import SimpleNamespace

import pytest
from eth_account import Account as Wallet

from chain.core.errors import RequestError, StoreError
from tests.factories import wallets
from tests.rpc.conftest import ERROR_NO, LOOPER, TOKEN, Caller, Scene

pytestmark = pytest.mark.django_db


def h(value: bytes) -> str:
    return "0x" + value.hex()


ALICE = h(wallets.address(0))
POOR = h(wallets.address(77))


class TestCall:
    def test_reads_the_state_of_the_block(self, rpc: Caller) -> None:
        assert rpc("eth_call", {"to": h(TOKEN)}, "latest") == f"0x{0x1234:064x}"
        assert rpc("eth_call", {"to": h(TOKEN)}, "0x1") == "0x"

    def test_a_revert_shows_its_reason(self, rpc: Caller) -> None:
        error = rpc.error("eth_call", {"to": h(TOKEN), "data": h(ERROR_NO)}, "latest")
        assert error == {"code": 3, "message": "execution reverted: no", "data": h(ERROR_NO)}

    def test_overrides_stand_before_the_state(self, rpc: Caller) -> None:
        slot = {"0x0": "0x05"}
        assert rpc("eth_call", {"to": h(TOKEN)}, "latest", {h(TOKEN): {"stateDiff": slot}}) == f"0x{5:064x}"

    def test_gas_runs_out(self, rpc: Caller) -> None:
        error = rpc.error("eth_call", {"to": h(LOOPER), "gas": "0x7530"}, "latest")
        assert (error["code"], error["data"]["failure"]) == (-32000, "out_of_gas")

    def test_fees_must_be_payable_when_given(self, rpc: Caller) -> None:
        error = rpc.error("eth_call", {"from": POOR, "to": h(TOKEN), "gasPrice": hex(10**10)}, "latest")
        assert error["code"] == -32000
        assert "insufficient funds" in error["message"]


class TestEstimate:
    def test_transfers_cost_what_makes_them_simple(self, rpc: Caller) -> None:
        assert rpc("eth_estimateGas", {"from": ALICE, "to": POOR, "value": "0x1"}) == "0x5208"
        error = rpc.error("eth_estimateGas", {"from": POOR, "to": ALICE, "value": "0x1"})
        assert (error["code"], error["message"]) == (-32000, "insufficient funds for transfer")

    def test_calls_cost_nearly_what_they_use(self, rpc: Caller) -> None:
        gas = int(rpc("eth_estimateGas", {"from": ALICE, "to": h(TOKEN)}, "latest"), 16)
        assert 21_000 < gas < 26_000
        assert rpc("eth_call", {"to": h(TOKEN), "gas": hex(gas)}, "latest") == f"0x{0x1234:064x}"

    def test_a_revert_fails_the_estimate(self, rpc: Caller) -> None:
        error = rpc.error("eth_estimateGas", {"to": h(TOKEN), "data": h(ERROR_NO)}, "latest")
        assert (error["code"], error["data"]) == (3, h(ERROR_NO))


def test_a_call_that_takes_too_long_ends_and_tells_its_gas(rpc: Caller, runner: asyncio.Runner, settings) -> None:
    # enough for the second call on a busy machine
    settings.MDS_RPC_CALL_SECONDS = 2

    async def scenario() -> None:
        from chain.services.call import CallWorkers

        workers = CallWorkers()
        call = {
            "from": bytes(20), "to": LOOPER, "value": bytes(32), "data": b"", "gas": 2**60, "price": bytes(32),
            "access_list": [],
        }  # fmt: skip
        request = {"op": "call", "number": 2, "overrides": None, "call": call}
        try:
            code, message, data = (await workers.run(request))["error"]
            assert (code, message) == ("limit_exceeded", "execution aborted (timeout = 2s)")
            assert int(data["gasUsed"], 16) > 21_000
            # the worker is well and answers the next one
            answer = await workers.run({**request, "call": {**call, "to": TOKEN, "gas": 100_000}})
            assert answer["output"] == (0x1234).to_bytes(32, "big")
        finally:
            await workers.stop()

    runner.run(scenario())


def test_a_worker_that_hangs_is_killed_and_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    from chain.services import call

    monkeypatch.setattr(call, "GRACE_SECONDS", 0.2)
    monkeypatch.setattr(call, "settings", SimpleNamespace(MDS_RPC_CALL_SECONDS=0.1, MDS_RPC_CALL_WORKERS=1))
    hang = "import time; time.sleep(60)"
    started = []

    async def start(_niceness: int) -> call._Worker:
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(sys.executable, "-c", hang, stdin=pipe, stdout=pipe)
        started.append(process)
        return call._Worker(process)

    monkeypatch.setattr(call._Worker, "start", start)

    async def scenario() -> None:
        workers = call.CallWorkers()
        for _ in range(2):
            with pytest.raises(RequestError) as caught:
                await workers.run({"op": "call"})
            assert caught.value.code == "limit_exceeded"
        assert len(started) == 2
        assert all(process.returncode == -9 for process in started)
        await workers.stop()

    asyncio.run(scenario())


def test_a_worker_that_ends_while_it_starts_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    from chain.services import call

    monkeypatch.setattr(call, "sys", SimpleNamespace(executable=shutil.which("false")))
    # nobody waits for what is no more
    monkeypatch.setattr(call, "START_SECONDS", 10**9)

    async def scenario() -> None:
        workers = call.CallWorkers(1)
        with pytest.raises(StoreError) as caught:
            await workers.run({"op": "call"})
        assert (caught.value.code, caught.value.message) == ("call_worker_lost", "a worker did not start")

    asyncio.run(scenario())


def test_the_rpc_process_never_imports_the_evm(rpc: Caller, scene: Scene) -> None:
    import subprocess

    code = "import django; django.setup(); import chain.rpc.app, sys; print('eth' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "False"


def test_authorizations_count_and_take_effect(rpc: Caller) -> None:
    """EIP-7702: 25 000 gas each, and the authority runs the code that it points to."""
    wallet = Wallet.from_key("0x" + "46" * 32)
    chain = int(rpc("eth_chainId"), 16)
    signed = wallet.sign_authorization({"chainId": chain, "address": h(TOKEN), "nonce": 0})
    listed = [
        {
            name: value if name == "address" else hex(value)
            for name, value in {
                "chainId": chain,
                "address": h(TOKEN),
                "nonce": 0,
                "yParity": signed.y_parity,
                "r": signed.r,
                "s": signed.s,
            }.items()
        }
    ]
    asked = {"from": h(wallets.address(0)), "to": wallet.address.lower()}
    assert rpc("eth_estimateGas", asked) == hex(21_000)
    # the authority's slot 0 is empty, where the token's is not
    assert rpc("eth_call", {**asked, "authorizationList": listed}) == h(bytes(32))
    assert rpc("eth_call", asked) == "0x"
    assert int(rpc("eth_estimateGas", {**asked, "authorizationList": listed}), 16) > 21_000 + 25_000
    for wrong in (5, [5], [{}], [{**listed[0], "yParity": "0x100"}], [{**listed[0], "nonce": hex(2**64)}]):
        assert rpc.error("eth_call", {**asked, "authorizationList": wrong})["code"] == -32602
