"""Template tags and filters for what every page shows: hashes, amounts, times, badges.

``{% load mds %}``.  docs/architecture/web.md shows each of them in use.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from django import template
from django.templatetags.static import static
from django.utils.html import escape, format_html
from django.utils.safestring import SafeString, mark_safe

from chain.core.spec import stream_name
from chain.services.network import current_spec, now_ms
from explorer import amounts
from explorer.context import url_of

register = template.Library()

_ROUTES = {
    "block": "explorer:block",
    "tx": "explorer:transaction",
    "address": "explorer:address",
    "token": "explorer:token",
    "miner": "explorer:miner",
}
_PHASES = {1: "local", 2: "transfer", 3: "cross"}


@register.filter
def number(value: Any) -> str:
    """A whole number in groups of three digits; a dash for None."""
    return "–" if value is None else amounts.grouped(int(value))


@register.filter
def scaled(value: Any, unit: str = "") -> str:
    """Three significant digits and a decimal prefix, ``{{ rate|scaled:"H/s" }}``."""
    return "–" if value is None else amounts.scaled(float(value), unit)


@register.filter
def bytesize(value: Any) -> str:
    """Bytes in decimal units."""
    return "–" if value is None else amounts.byte_size(int(value))


@register.filter
def gwei(value: Any) -> str:
    """An amount of wei in gwei, at most four digits after the point."""
    return "–" if value is None else amounts.decimal_of(int(value), amounts.GWEI_DIGITS, 4)


@register.filter
def percent(value: Any) -> str:
    """A fraction of one as a percentage."""
    return "–" if value is None else amounts.percentage(float(value))


@register.filter(name="hex")
def as_hex(value: Any) -> str:
    """Bytes as 0x hex."""
    return "" if value is None else amounts.as_hex(value)


@register.simple_tag
def mds_hash(value: Any, kind: str = "", copy: bool = True, full: bool = False) -> SafeString:
    """A hash, shortened in its middle, with its full value on focus and a button that copies it.

    Parameters
    ----------
    value : bytes or str
    kind : str
        ``block``, ``tx``, ``address``, ``token`` or ``miner`` links to that page, else no link.
    copy, full : bool
        Whether there is a button; whether nothing is left out.
    """
    if value is None or value == "":
        return mark_safe('<span class="quiet">–</span>')
    known = amounts.as_hex(value)
    text, shown = escape(known), escape(known if full else amounts.shortened(known))
    path = _path_to(kind)
    # a page has up to two hundred: nothing here is looked up or escaped twice
    name = (
        f'<a href="{path}{text}" title="{text}" data-full="{text}">{shown}</a>'
        if path
        else f'<span tabindex="0" title="{text}" data-full="{text}">{shown}</span>'
    )
    whole, button = " whole" if full else "", _copy(known) if copy else ""
    return mark_safe(f'<span class="hash{whole}">{name}{button}</span>')  # noqa: S308 - of escaped parts


@register.simple_tag
def address(value: Any, label: str = "", copy: bool = True) -> SafeString:
    """A link to an address; ``label`` stands in for its hex where the node knows a name."""
    if value is None or value == "" or not label:
        return mds_hash(value, "address", copy)
    text = amounts.as_hex(value)
    url = url_of("explorer:address", text)
    return format_html('<span class="hash"><a href="{}" title="{}">{}</a>{}</span>', url, text, label, _copy(text))


@register.simple_tag
def amount(wei: Any, most: int = 6, unit: str = "") -> SafeString:
    """An amount of wei in the network's token; pressing it shows all amounts of the page in wei."""
    if wei is None:
        return mark_safe('<span class="quiet">–</span>')
    value = int(wei)
    figure, smaller = amounts.figure_of(value, most)
    return format_html(
        '<span class="amount" data-wei="{}" title="{} wei"><span class="figure">{}</span> <abbr{}>{}</abbr></span>',
        value,
        amounts.grouped(value),
        figure,
        # tables tell the unit at the head of the column: this one is another
        mark_safe(" data-own") if smaller else "",
        smaller or unit or current_spec().token,
    )


@register.simple_tag
def ago(ms: Any) -> SafeString:
    """How long ago, kept current in the page, with the exact time on hover."""
    if not ms:
        return mark_safe('<span class="quiet">–</span>')
    at = amounts.moment(int(ms))
    return format_html(
        '<time class="ago" datetime="{}" data-ms="{}" title="{}">{}</time>',
        at.isoformat(timespec="milliseconds"),
        int(ms),
        at.strftime("%Y-%m-%d %H:%M:%S UTC"),
        amounts.ago(int(ms), now_ms()),
    )


@register.simple_tag
def stream(value: Any) -> SafeString:
    """Badge of a stream: its number or letter."""
    name = stream_name(value) if isinstance(value, int) else str(value)
    return format_html('<span class="badge stream" data-stream="{}" title="stream {}">{}</span>', name, name, name)


@register.simple_tag
def colour(is_blue: bool | None) -> SafeString:
    """Badge of a block's colour; None is a block that the selected chain has not merged."""
    name = "not merged" if is_blue is None else "blue" if is_blue else "red"
    return badge(name, name.replace(" ", "-"))


@register.simple_tag
def phase(value: Any) -> SafeString:
    """Badge of an execution phase: its number or name."""
    name = _PHASES.get(value, str(value)) if isinstance(value, int) else str(value)
    return badge(name, f"phase-{name}")


@register.simple_tag
def badge(text: Any, kind: str = "") -> SafeString:
    """A badge; ``kind`` is ok, bad, warn, blue, red, not-merged, pending, skipped, phase-local … or nothing."""
    return format_html('<span class="badge" data-kind="{}">{}</span>', kind, text)


@register.simple_tag
@cache
def icon(name: str) -> SafeString:
    """A picture of icons.svg that says nothing to a screen reader."""
    return format_html(
        '<svg class="icon" aria-hidden="true" focusable="false"><use href="{}#{}"/></svg>',
        static("explorer/icons.svg"),
        name,
    )


@register.simple_tag
def sparkline(values: Sequence[float | None], label: str, width: int = 120, height: int = 24) -> SafeString:
    """A small line as SVG, drawn by the server; the label tells what it shows."""
    known = [value for value in values if value is not None]
    if len(known) < 2:
        return format_html('<svg class="sparkline" role="img" aria-label="{}: no data yet"></svg>', label)
    low, high = min(known), max(known)
    scale = (height - 4) / (high - low) if high > low else 0
    step = width / (len(values) - 1)
    points = " ".join(
        f"{place * step:.1f},{height - 2 - (value - low) * scale:.1f}"
        for place, value in enumerate(values)
        if value is not None
    )
    return format_html(
        '<svg class="sparkline" viewBox="0 0 {} {}" width="{}" height="{}" role="img" aria-label="{}">'
        '<polyline points="{}"/></svg>',
        *(width, height, width, height, label, points),
    )


@register.inclusion_tag("explorer/parts/pager.html")
def pager(newer: str = "", older: str = "", label: str = "Pages") -> dict[str, str]:
    """Links to the newer and older page; an empty one is shown as the end."""
    return {"newer": newer, "older": older, "label": label}


@register.inclusion_tag("explorer/parts/empty.html")
def empty(title: str, text: str = "", kind: str = "empty") -> dict[str, str]:
    """A state that is no table: empty, not-found, pending, error."""
    return {"title": title, "text": text, "kind": kind}


def _copy(text: str) -> SafeString:
    known, shown = escape(text), escape(amounts.shortened(text))
    return mark_safe(  # noqa: S308 - of escaped parts
        f'<button type="button" class="copy" data-copy="{known}" aria-label="Copy {shown}">{icon("copy")}</button>'
    )


@cache
def _path_to(kind: str) -> str:
    """The path of pages of a kind up to what names one of them; empty where there are none."""
    return url_of(_ROUTES[kind], "0").removesuffix("0") if kind in _ROUTES else ""
