"""Pieces of names: whatever contains a text has all of the text's pieces, in any case and any way of writing."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from explorer.words import folded, pieces, pieces_within, searched, whole

# as ``decode_text`` lets names through
TEXT = st.text(st.characters(exclude_categories=("Cc", "Cs")), max_size=40)


@given(TEXT, TEXT, st.data())
def test_a_part_is_found_by_its_pieces(name: str, symbol: str, data: st.DataObject) -> None:
    text = folded(data.draw(st.sampled_from([name, symbol])))
    first = data.draw(st.integers(0, len(text)))
    part = text[first : data.draw(st.integers(first, len(text)))]
    assert set(pieces_within(part)) <= set(pieces(name, symbol)) | {""}
    assert part in searched(name, symbol)


@given(TEXT, TEXT)
def test_whole_names_are_told_from_parts(name: str, symbol: str) -> None:
    found = pieces(name, symbol)
    assert found == sorted(set(found))
    assert {piece for piece in found if "\n" in piece} == {whole(text) for text in (name, symbol) if text}


def test_ways_of_writing() -> None:
    assert folded("\uff35\uff33\uff24\uff23") == "usdc"
    assert folded("Gro\u00dfe U\u0308ber") == "grosse \u00fcber"
    assert pieces("abcd", "X") == ["\nabcd", "\nx", "a", "ab", "abc", "b", "bc", "bcd", "c", "cd", "d", "x"]
    assert pieces_within("abcd") == ["abc", "bcd"]
    assert pieces_within("ab") == ["ab"]
