"""How fast are senders recovered, beside bare libsecp256k1 through coincurve in the same run?

PYTHONPATH=. python bench/senders.py [--rounds 7]
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import coincurve

from bench._load import Wallet
from chain.core.transactions import decode_transaction, keccak, recover_address

COUNT = 2_000


def rate(run: Callable[[], object]) -> float:
    """Runs of COUNT a CPU second."""
    began = time.process_time()
    run()
    return COUNT / (time.process_time() - began)


def main() -> None:
    """Interleave the three, so that neighbours on the machine meet all alike."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    rounds = parser.parse_args().rounds
    wallet = Wallet(keccak(b"bench"))
    raws = [wallet.transfer(1, nonce, 10**9, b"\x22" * 20, 1)[0] for nonce in range(COUNT)]
    txs = [decode_transaction(raw) for raw in raws]
    digests = [keccak(raw) for raw in raws]
    key = coincurve.PrivateKey(wallet.key)
    signatures = [key.sign_recoverable(digest, hasher=None) for digest in digests]
    parts = [(s[64], int.from_bytes(s[:32], "big"), int.from_bytes(s[32:64], "big")) for s in signatures]
    bare, recovered, decoded = [], [], []
    for _ in range(rounds):
        bare.append(
            rate(
                lambda: [
                    coincurve.PublicKey.from_signature_and_message(s, d, hasher=None).format(compressed=False)
                    for s, d in zip(signatures, digests, strict=True)
                ]
            )
        )
        recovered.append(rate(lambda: [recover_address(d, *p) for d, p in zip(digests, parts, strict=True)]))
        decoded.append(rate(lambda: [decode_transaction(raw) for raw in raws]))
    assert all(tx.sender == wallet.address for tx in txs)
    plain = statistics.median(bare)
    for name, rates in (("bare coincurve", bare), ("address of a signature", recovered), ("whole envelope", decoded)):
        print(f"{name:24} {statistics.median(rates):8,.0f}/s, {statistics.median(rates) / plain:.2f} of bare coincurve")


if __name__ == "__main__":
    main()
