"""What addresses of pages carry, read strictly."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from explorer.paging import MAX_NUMBER


def number_of(text: str) -> int | None:
    """A decimal number below 2^62; None for anything else."""
    if not (text.isascii() and text.isdigit() and len(text) < 20):
        return None
    value = int(text)
    return value if value < MAX_NUMBER else None


def bytes_of(text: str, length: int) -> bytes | None:
    """So many bytes of hex, with 0x or without; None for anything else."""
    digits = text[2:] if text[:2].lower() == "0x" else text
    if len(digits) != 2 * length or not digits.isascii() or not digits.isalnum():
        return None
    try:
        return bytes.fromhex(digits)
    except ValueError:
        return None


def hash_of(text: str) -> bytes | None:
    """A hash of 32 bytes."""
    return bytes_of(text, 32)


def address_of(text: str) -> bytes | None:
    """An address of 20 bytes."""
    return bytes_of(text, 20)


def at_home(request: HttpRequest, route: str, *arguments: str) -> HttpResponse:
    """Send the reader to the one address that a thing has, with what was asked of it: tab and place in a list stay."""
    asked = request.META.get("QUERY_STRING", "")
    return redirect(reverse(route, args=arguments) + (f"?{asked}" if asked else ""))
