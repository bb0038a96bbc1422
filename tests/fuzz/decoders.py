"""Coverage-guided fuzzing of every decoder: ``make fuzz`` for a minute, or any libFuzzer option.

The first byte chooses the decoder.  A decoder must answer with a value that encodes back, or with a
coded error; anything else is a finding and ends the run.  Seeds are good bytes of each kind.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["chain.core"]):
    from chain.core import codec, rlp
    from chain.core.errors import BlockchainError
    from chain.core.rules.body_in_isolation import check_body_in_isolation
    from chain.core.rules.header_in_isolation import check_header_in_isolation
    from chain.core.rules.tx_in_isolation import check_transaction_in_isolation
    from chain.core.seals import checks, vrf
    from chain.core.spec import load_spec
    from chain.core.transactions import decode_transaction

from chain.core.genesis import network_spec
from tests.core.samples import block, header, signed

SPEC = network_spec("devnet")
KEY = vrf.public_key(bytes(32))


def read_rlp(data: bytes) -> None:
    """Any item."""
    assert rlp.encode(rlp.decode(data)) == data


def read_header(data: bytes) -> None:
    """A header and its rules in isolation."""
    one = codec.decode_header(data)
    assert codec.encode_header(one) == data
    check_header_in_isolation(one, SPEC)


def read_block(data: bytes) -> None:
    """A block and everything in isolation."""
    one = codec.decode_block(data)
    assert codec.encode_block(one) == data
    check_body_in_isolation(one, SPEC)


def read_body(data: bytes) -> None:
    """A body."""
    assert codec.encode_body(codec.decode_body(data)) == data


def read_transaction(data: bytes) -> None:
    """An envelope, its sender left out so that mutations get past the signature."""
    tx = decode_transaction(data, bytes(20))
    check_transaction_in_isolation(tx, SPEC)


def read_spec(data: bytes) -> None:
    """A genesis file."""
    load_spec(data.decode("utf-8", "replace"))


def read_vrf(data: bytes) -> None:
    """A VRF proof."""
    vrf.verify(KEY, data[:80], data[80:])


def read_seal(data: bytes) -> None:
    """A C seal under a lottery that nobody has won."""
    seal = (data[32:112], data[112:176])
    checks.check_vrf_seal(bytes(32), data[:32], seal, slot=1, lottery=LOTTERY, c_num=1, c_den=1)


LOTTERY = checks.Lottery(seed=bytes(32), weights={KEY: 1}, total=1)
DECODERS = (read_rlp, read_header, read_block, read_body, read_transaction, read_spec, read_vrf, read_seal)


def one_input(data: bytes) -> None:
    """What libFuzzer calls."""
    if not data:
        return
    try:
        DECODERS[data[0] % len(DECODERS)](data[1:])
    except BlockchainError as error:
        # showing it must be safe too
        str(error)


def write_seeds(folder: Path) -> None:
    """One good input for each decoder, so that the fuzzer begins behind the first checks."""
    envelopes = [signed(kind) for kind in (0, 1, 2, 4)]
    whole = block(*envelopes)
    proof = vrf.prove(bytes(32), b"alpha")
    seeds = [
        (0, codec.encode_body(envelopes)),
        (1, codec.encode_header(header())),
        (2, codec.encode_block(whole)),
        (3, codec.encode_body(envelopes)),
        *[(4, envelope) for envelope in envelopes],
        (6, proof + b"alpha"),
        (7, KEY + proof + bytes(64)),
    ]
    for number, (decoder, data) in enumerate(seeds):
        (folder / f"seed{number}").write_bytes(bytes((decoder,)) + data)


def main() -> None:
    """Run with libFuzzer's options; without any, for a minute."""
    options = sys.argv[1:] or ["-max_total_time=60"]
    with tempfile.TemporaryDirectory(prefix="mds-fuzz-") as folder:
        write_seeds(Path(folder))
        atheris.Setup([sys.argv[0], "-max_len=4096", "-timeout=10", "-rss_limit_mb=1024", *options, folder], one_input)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
