"""Template tags of the explorer's own pages: ``{% load mds_pages %}``."""

from __future__ import annotations

from typing import Any

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from chain.core.types import SkipReason
from explorer import amounts

register = template.Library()

# digits of a token's amount after the point
_TOKEN_DIGITS = 6
_REASONS = {
    SkipReason.NONCE: "its nonce was not its sender's next one: taken already, or one before it was missing",
    SkipReason.FUNDS: "its sender could not pay its value and the most that its gas may cost",
    SkipReason.BASE_FEE: "it offered less than the base fee",
    SkipReason.SENDER_CODE: "its sender is a contract",
    SkipReason.DELEGATED: "its sender has delegated its code (EIP-7702): it gets one transaction in an epoch",
    SkipReason.ROOM: "the block had no room left for it",
    SkipReason.UNRUNNABLE: "at its turn it could not run any more: code had changed its sender",
}


@register.filter
def skip_reason(value: Any) -> str:
    """Why an epoch left a transaction out, in words (protocol §8)."""
    return _REASONS.get(value, str(value))


_CAME_BY = {"mined": "mined here", "rpc": "by JSON-RPC", "peer": "from a peer", "import": "from a file"}


@register.filter
def came_by(source: str) -> str:
    """How a block came to this node, in words."""
    return _CAME_BY.get(source, source)


@register.filter
def is_nobody(address: bytes) -> bool:
    """Whether it is the zero address, which events name where a token is minted or burned."""
    return not any(address)


@register.filter
def duration(seconds: float) -> str:
    """Seconds in at most two units."""
    return amounts.span(float(seconds))


@register.filter
def short_hex(value: Any) -> str:
    """Bytes as hex with the middle left out, for titles."""
    return amounts.shortened(amounts.as_hex(value))


@register.filter
def units(value: Any, decimals: int | None) -> str:
    """An amount of a token with so many decimals; without decimals the raw number."""
    if value is None:
        return "–"
    if 0 < int(value) < 10 ** max(0, (decimals or 0) - _TOKEN_DIGITS):
        return "<\u202f0." + "0" * (_TOKEN_DIGITS - 1) + "1"
    return amounts.decimal_of(int(value), decimals or 0, _TOKEN_DIGITS)


@register.simple_tag
def share_bar(share: float, inner: float = 0.0, width: int = 160) -> SafeString:
    """A bar of a fraction of one, of which ``inner`` is dark; what it says stands beside it as a number."""
    full = max(0.0, min(1.0, float(share))) * width
    return format_html(
        '<svg class="share" viewBox="0 0 {0} 8" width="{0}" height="8" aria-hidden="true">'
        '<rect class="ground" width="{0}" height="8" rx="3"/><rect class="full" width="{1}" height="8" rx="3"/>'
        '<rect class="inner" width="{2}" height="8" rx="3"/></svg>',
        width,
        f"{full:.1f}",
        f"{full * max(0.0, min(1.0, float(inner))):.1f}",
    )
