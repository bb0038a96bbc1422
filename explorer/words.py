"""What a token's name and symbol are found by: pieces of them, so that an index answers for any part of a word.

PostgreSQL's own trigrams are an extension that the embedded server does not bring, and its case folding follows the
locale of the cluster; so both are done here, once for what is stored and once for what is asked.
"""

from __future__ import annotations

import unicodedata

LONGEST = 3
# names have no control characters: it stands between a name and a symbol, and before what is a whole one
_LIMIT = "\n"


def folded(text: str) -> str:
    """A text without differences of case, width and composition."""
    return unicodedata.normalize("NFKC", text).casefold()


def searched(name: str, symbol: str) -> str:
    """What a part of a name or a symbol is looked for in."""
    return f"{folded(name)}{_LIMIT}{folded(symbol)}"


def pieces(name: str, symbol: str) -> list[str]:
    """Every piece of one to three characters of both, and both as a whole; each once, in order."""
    found = {f"{_LIMIT}{folded(text)}" for text in (name, symbol) if text}
    for text in (folded(name), folded(symbol)):
        found |= {text[at : at + length] for length in range(1, LONGEST + 1) for at in range(len(text) - length + 1)}
    return sorted(found)


def pieces_within(part: str) -> list[str]:
    """The pieces that whatever contains ``part``, a folded text, has: its longest ones."""
    length = min(LONGEST, len(part))
    return sorted({part[at : at + length] for at in range(len(part) - length + 1)})


def whole(text: str) -> str:
    """The piece of a text that is the whole name or symbol."""
    return f"{_LIMIT}{folded(text)}"
