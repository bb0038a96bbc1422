"""Numbers as readers see them: amounts of wei, counts, sizes, shortened hashes.  Pure text, no HTML."""

from __future__ import annotations

from datetime import UTC, datetime

WEI_DIGITS = 18
GWEI_DIGITS = 9
# between groups of three digits: narrow, and it does not break a line
THIN_SPACE = "\u202f"
_PREFIXES = ("", "k", "M", "G", "T", "P", "E")


def grouped(value: int) -> str:
    """A whole number with a thin space between groups of three digits."""
    return f"{value:,}".replace(",", THIN_SPACE)


def decimal_of(wei: int, digits: int = WEI_DIGITS, most: int | None = None) -> str:
    """Exact decimal fraction of an integer amount, without trailing zeros.

    Parameters
    ----------
    wei : int
        Amount in the smallest unit.
    digits : int
        How many decimal digits one unit has.
    most : int, optional
        Digits after the point that are kept; what is cut shows as an ellipsis.
    """
    sign, wei = ("-", -wei) if wei < 0 else ("", wei)
    whole, part = divmod(wei, 10**digits)
    fraction = str(part).rjust(digits, "0").rstrip("0") if part else ""
    if most is not None and len(fraction) > most:
        fraction = fraction[:most].rstrip("0") + "…" if fraction[:most].strip("0") else "0" * most + "…"
    return sign + grouped(whole) + ("." + fraction if fraction else "")


def figure_of(wei: int, most: int) -> tuple[str, str]:
    """An amount of wei, and the smaller unit that it is told in where ``most`` digits would leave only zeros.

    The unit is empty where the amount is in whole tokens: ``("1.5", "")``, but ``("420", "gwei")``, ``("2", "wei")``.
    """
    size = abs(wei)
    if size == 0 or size >= 10 ** (WEI_DIGITS - most):
        return decimal_of(wei, most=most), ""
    if size >= 10 ** (GWEI_DIGITS - 4):
        return decimal_of(wei, GWEI_DIGITS, 4), "gwei"
    return grouped(wei), "wei"


def percentage(fraction: float) -> str:
    """A fraction of one in percent: one digit after the point, two that count where that would be none."""
    value = 100 * fraction
    digits = 1
    while 0 < abs(value) < 10**-digits and digits < 8:
        digits += 1
    return f"{value:.{digits}f}{THIN_SPACE}%"


def scaled(value: float, unit: str = "") -> str:
    """Three significant digits with a decimal prefix: ``41.2 kH/s``."""
    size, prefix = abs(value), 0
    while size >= 999.5 and prefix < len(_PREFIXES) - 1:
        size, prefix = size / 1000, prefix + 1
    digits = 0 if (size >= 99.95 or (prefix == 0 and float(value).is_integer())) else 1 if size >= 9.995 else 2
    text = f"{size:.{digits}f}"
    return f"{'-' if value < 0 else ''}{text} {_PREFIXES[prefix]}{unit}".rstrip()


def byte_size(value: int) -> str:
    """Bytes in decimal units."""
    return scaled(value, "B")


def as_hex(value: bytes | str) -> str:
    """Bytes as 0x hex; a text is taken as it is, lowered where it is hex."""
    if isinstance(value, (bytes, bytearray, memoryview)):
        return "0x" + bytes(value).hex()
    return value.lower() if value[:2].lower() == "0x" else value


def shortened(text: str, head: int = 10, tail: int = 8) -> str:
    """A long hex text with its middle left out."""
    return text if len(text) <= head + tail + 1 else f"{text[:head]}…{text[-tail:]}"


def moment(ms: int) -> datetime:
    """A point of time from milliseconds since 1970, in UTC."""
    return datetime.fromtimestamp(ms / 1000, UTC)


def ago(ms: int, now_ms: int) -> str:
    """How long ago in one or two units; ``in 3 s`` for the future."""
    seconds = (now_ms - ms) / 1000
    text = span(abs(seconds))
    return f"in {text}" if seconds <= -1 else f"{text} ago"


def span(seconds: float) -> str:
    """A duration in at most two units."""
    if seconds < 10:
        return f"{seconds:.1f} s" if seconds >= 0.05 else "0 s"
    whole = int(seconds)
    for name, size, next_name, next_size in (
        ("d", 86_400, "h", 3_600),
        ("h", 3_600, "min", 60),
        ("min", 60, "s", 1),
    ):
        if whole >= size:
            first, rest = divmod(whole, size)
            second = rest // next_size
            # the smaller unit says nothing beside a large number of the greater one
            return f"{first} {name} {second} {next_name}" if second and first < 10 else f"{first} {name}"
    return f"{whole} s"
