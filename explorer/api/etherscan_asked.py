"""Parameters of Etherscan's calls, read with its own words for what is wrong."""

from __future__ import annotations

from collections.abc import Mapping

from chain.core.errors import RequestCode, RequestError
from explorer.api.etherscan_rows import Window
from explorer.views.common import address_of, hash_of, number_of

MAX_OFFSET = 1_000
MAX_WINDOW = 10_000

Asked = Mapping[str, str]


def address_in(asked: Asked, name: str = "address") -> bytes:
    """An address, which must be there; RequestError invalid_params."""
    found = address_of(asked.get(name, ""))
    if found is None:
        raise RequestError(RequestCode.INVALID_PARAMS, "Error! Invalid address format")
    return found


def hash_in(asked: Asked) -> bytes:
    """A transaction's hash, which must be there; RequestError invalid_params."""
    found = hash_of(asked.get("txhash", ""))
    if found is None:
        raise RequestError(RequestCode.INVALID_PARAMS, "Error! Invalid transaction hash")
    return found


def number_in(asked: Asked, name: str, default: int) -> int:
    """A number, the default where it is not there; RequestError invalid_params."""
    text = asked.get(name, "")
    if text in ("", "latest"):
        return default
    found = number_of(text)
    if found is None:
        raise RequestError(RequestCode.INVALID_PARAMS, f"Error! Invalid {name}")
    return found


def page_in(asked: Asked) -> tuple[int, int]:
    """How many rows to pass and how many to show; RequestError limit_exceeded."""
    page, size = max(1, number_in(asked, "page", 1)), number_in(asked, "offset", MAX_OFFSET)
    if not 0 < size <= MAX_OFFSET or page * size > MAX_WINDOW:
        message = f"Result window is too large, PageNo x Offset size must be less than or equal to {MAX_WINDOW}"
        raise RequestError(RequestCode.LIMIT_EXCEEDED, message)
    return (page - 1) * size, size


def window_in(asked: Asked) -> Window:
    """Rows of a stretch of blocks."""
    skip, size = page_in(asked)
    first, last = number_in(asked, "startblock", 0), number_in(asked, "endblock", 2**62)
    return Window(first, last, skip, size, asked.get("sort", "asc").lower() == "desc")
