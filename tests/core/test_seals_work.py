"""Proof of work of streams A and B: golden digests, batches against single hashes, searches."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha3_256
from pathlib import Path

import blake3 as native_blake3
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chain.core.errors import RuleCode, RuleViolation
from chain.core.seals import blake3, kheavyhash
from chain.core.seals.keccak_batch import KeccakBatch
from chain.core.seals.nonces import is_easy, iter_batches, iter_nonces
from chain.core.seals.rank import has_full_rank
from tests.core.references import keccak as reference

ROOT = Path(__file__).resolve().parents[2]
GOLDEN = json.loads((ROOT / "tests/vectors/kheavyhash.json").read_text())["cases"]

hashes = st.binary(min_size=32, max_size=32).filter(any)
nonces = st.integers(0, 2**64 - 1)


@pytest.fixture(scope="module")
def kaspa(vectors_folder):
    return json.loads((vectors_folder / "kheavyhash.json").read_text())


# --- A


def test_blake3_of_nothing_is_the_published_value():
    # BLAKE3's test_vectors.json, input length 0
    expected = "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262"
    assert native_blake3.blake3(b"").hexdigest() == expected


@given(hashes, nonces)
@settings(max_examples=40, deadline=None)
def test_a_digest_is_blake3_of_pre_hash_and_nonce(pre_hash, nonce):
    expected = native_blake3.blake3(pre_hash + nonce.to_bytes(8, "little")).digest()
    assert blake3.digest(pre_hash, nonce) == expected
    value = int.from_bytes(expected, "big")
    assert blake3.verify(pre_hash, nonce, value)
    assert not blake3.verify(pre_hash, nonce, value - 1)


@given(hashes, st.sampled_from([0, 2**32 - 100, 2**63, 2**64 - 100]))
@settings(max_examples=8, deadline=None)
def test_a_batch_agrees_with_single_hashes(pre_hash, first):
    heads = blake3._Compressor(pre_hash).heads(first)
    for offset in (0, 1, 98, 99, 100, 101, 1000, len(heads) - 1):
        nonce = (first + offset) % 2**64
        assert int(heads[offset]) == int.from_bytes(blake3.digest(pre_hash, nonce)[:8], "big")


def test_a_rejects_bad_input():
    for call in (
        lambda: blake3.digest(bytes(31), 0),
        lambda: blake3.search(bytes(33), 1, 0, 1),
    ):
        with pytest.raises(RuleViolation) as caught:
            call()
        assert caught.value.code == RuleCode.FIELD_LENGTH
    for nonce in (-1, 2**64):
        with pytest.raises(RuleViolation) as caught:
            blake3.digest(bytes(32), nonce)
        assert caught.value.code == RuleCode.FIELD_RANGE


def rare_target(pre_hash, start, count, value_of):
    """The hash value of the best of some nonces, and that nonce: one hit, too rare for the easy path."""
    best = min((value_of(nonce), nonce) for nonce in iter_nonces(start, count))
    assert not is_easy(best[0])
    return best


@pytest.mark.parametrize("start", [0, 2**32 - 2500, 2**64 - 2500])
def test_a_search_finds_the_one_hit_and_nothing_else(start):
    pre_hash = native_blake3.blake3(start.to_bytes(8, "big")).digest()
    value_of = lambda nonce: int.from_bytes(blake3.digest(pre_hash, nonce), "big")  # noqa: E731
    target, nonce = rare_target(pre_hash, start, 5000, value_of)
    place = (nonce - start) % 2**64
    assert blake3.search(pre_hash, target, start, 5000) == nonce
    assert blake3.search(pre_hash, target, start, place + 1) == nonce
    assert blake3.search(pre_hash, target, start, place) is None
    assert blake3.search(pre_hash, target - 1, start, 5000) is None
    assert blake3.search(pre_hash, target, nonce, 1) == nonce
    assert blake3.search(pre_hash, target, nonce, 0) is None


def test_a_search_returns_the_first_of_several_hits():
    pre_hash = bytes(range(32))
    target = 2**249 - 1
    values = [int.from_bytes(blake3.digest(pre_hash, nonce), "big") for nonce in range(2000)]
    first = next(nonce for nonce, value in enumerate(values) if value <= target)
    assert blake3.search(pre_hash, target, 0, 2000) == first
    assert blake3.search(pre_hash, target + 1, 0, 2000) == first  # the path for easy targets
    assert blake3.search(pre_hash, 2**256 - 1, 7, 1) == 7
    assert blake3.search(pre_hash, 0, 0, 100) is None
    assert blake3.search(pre_hash, -1, 0, 100) is None


# --- B


@pytest.mark.parametrize("case", GOLDEN, ids=lambda case: case["pre_hash"][:8])
def test_b_golden_digests(case):
    pre_hash, timestamp, nonce = bytes.fromhex(case["pre_hash"]), case["timestamp_ms"], case["nonce"]
    expected = bytes.fromhex(case["digest"])
    assert kheavyhash.digest(pre_hash, timestamp, nonce) == expected
    assert reference.kheavyhash(pre_hash, timestamp, nonce) == expected
    value = int.from_bytes(expected, "little")
    assert kheavyhash.verify(pre_hash, timestamp, nonce, value)
    assert not kheavyhash.verify(pre_hash, timestamp, nonce, value - 1)


def test_reference_keccak_is_keccak():
    for length in (0, 1, 135, 136, 137, 300):
        message = bytes(i % 251 for i in range(length))
        assert reference.sponge(message, 0x06, 32) == sha3_256(message).digest()


def test_b_matrix_of_a_golden_seed_has_full_rank_by_fractions():
    seed = bytes.fromhex(GOLDEN[1]["pre_hash"])
    drawn = reference.draw_matrix(seed)
    assert kheavyhash.matrix_of(seed).tolist() == drawn
    assert reference.rank(drawn) == 64


def test_b_generator_matches_kaspa(kaspa):
    seed = b"".join(word.to_bytes(8, "little") for word in kaspa["xoshiro256pp"]["state"])
    generator = kheavyhash.Xoshiro256PlusPlus(seed)
    expected = kaspa["xoshiro256pp"]["u64"]
    assert [generator.next() for _ in expected] == expected


def test_b_matrix_matches_kaspa(kaspa):
    case = kaspa["matrix_generate"]
    assert kheavyhash.matrix_of(bytes.fromhex(case["seed_hash"])).tolist() == case["matrix"]


def test_b_heavy_hash_matches_kaspa(kaspa):
    case = kaspa["matrix_heavy_hash"]
    matrix = np.array(case["matrix"], np.int32)
    assert kheavyhash.heavy_hash(matrix, bytes.fromhex(case["input_hash"])).hex() == case["expected_hash"]


@given(st.lists(st.lists(st.integers(0, 2**64 - 1), min_size=25, max_size=25), min_size=1, max_size=4))
@settings(max_examples=15, deadline=None)
def test_batched_permutation_agrees_with_plain_integers(states):
    whole, squeezed = KeccakBatch(len(states)), KeccakBatch(len(states))
    for batch in (whole, squeezed):
        for index, words in enumerate(states):
            for place, word in enumerate(words):
                batch.lanes[place % 5, place // 5, index] = word
    whole.permute()
    plane = squeezed.squeeze()
    for index, words in enumerate(states):
        expected = reference.keccak_f(words)
        assert [int(whole.lanes[i % 5, i // 5, index]) for i in range(25)] == expected
        assert plane[:, index].tolist() == expected[:5]


@given(hashes, st.integers(0, 2**64 - 1), st.sampled_from([0, 2**32 - 100, 2**64 - 100]))
@settings(max_examples=3, deadline=None)
def test_b_batch_agrees_with_single_hashes(pre_hash, timestamp, first):
    hasher = kheavyhash._BatchHasher(pre_hash, timestamp)
    for start in (first, (first + 1) % 2**64):  # the second use finds the first one's leftovers
        heads = hasher.heads(start)
        for offset in (0, 1, 63, 64, 98, 99, 100, 5000, len(heads) - 1):
            nonce = (start + offset) % 2**64
            digest = kheavyhash.digest(pre_hash, timestamp, nonce)
            assert int(heads[offset]) == int.from_bytes(digest[24:], "little")


@pytest.mark.parametrize("start", [0, 2**64 - 400])
def test_b_search_finds_the_one_hit_and_nothing_else(start):
    pre_hash, timestamp = native_blake3.blake3(start.to_bytes(8, "big")).digest(), 1_700_000_000_000
    value_of = lambda nonce: int.from_bytes(kheavyhash.digest(pre_hash, timestamp, nonce), "little")  # noqa: E731
    target, nonce = rare_target(pre_hash, start, 800, value_of)
    place = (nonce - start) % 2**64
    search = kheavyhash.search
    assert search(pre_hash, timestamp, target, start, 800) == nonce
    assert search(pre_hash, timestamp, target, start, place + 1) == nonce
    assert search(pre_hash, timestamp, target, start, place) is None
    assert search(pre_hash, timestamp, target - 1, start, 800) is None
    assert search(pre_hash, timestamp, 2**256 - 1, start, 1) == start
    # another timestamp is another puzzle
    assert kheavyhash.digest(pre_hash, timestamp + 1, nonce) != kheavyhash.digest(pre_hash, timestamp, nonce)


def test_b_searches_in_two_threads_do_not_disturb_each_other():
    def batch(pre_hash):
        hasher = kheavyhash._BatchHasher(pre_hash, 1)
        return [[int(head) for head in hasher.heads(start)[:50]] for start in (0, 50, 100)]

    pre_hashes = [bytes([i + 1]) * 32 for i in range(4)]
    alone = [batch(pre_hash) for pre_hash in pre_hashes]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(batch, pre_hashes)) == alone


def test_b_refuses_the_seed_that_draws_no_matrix():
    with pytest.raises(RuleViolation) as caught:
        kheavyhash.digest(bytes(32), 0, 0)
    assert caught.value.code == RuleCode.FIELD_RANGE


@given(st.integers(1, 6).flatmap(lambda n: st.lists(st.lists(st.integers(0, 3), min_size=n, max_size=n),
                                                    min_size=n, max_size=n)))  # fmt: skip
@settings(max_examples=150, deadline=None)
def test_full_rank_agrees_with_fractions(matrix):
    assert has_full_rank(np.array(matrix, np.int32)) == (reference.rank(matrix) == len(matrix))


def test_full_rank_where_the_prime_divides_the_determinant():
    matrix = np.diag(np.array([32749, 1, 2], np.int32))
    assert has_full_rank(matrix)
    # 181 squared is 32761 = 32749 + 12: a determinant of 32749 without an entry that the prime divides
    assert has_full_rank(np.array([[181, 3], [4, 181]], np.int32))
    assert not has_full_rank(np.array([[181, 181], [181, 181]], np.int32))


def test_full_rank_of_a_drawn_matrix_is_lost_with_a_repeated_row():
    matrix = kheavyhash.matrix_of(b"\x01" * 32).copy()
    matrix[63] = matrix[0] * 0 + matrix[7]
    assert not has_full_rank(matrix)


@given(st.integers(0, 2**64 - 1), st.integers(0, 1000), st.integers(1, 300))
@settings(max_examples=40, deadline=None)
def test_batches_cover_each_nonce_once(start, count, size):
    walked = [(first + i) % 2**64 for first, length in iter_batches(start, count, size) for i in range(length)]
    assert walked == list(iter_nonces(start, count))
    assert len(walked) == count
