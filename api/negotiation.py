"""What a client prefers: media types and languages by their quality (RFC 9110, 12.4 and 12.5)."""

import re
from collections.abc import Iterator
from typing import Literal

_QUALITY = re.compile(r"q=(0(?:\.\d{0,3})?|1(?:\.0{0,3})?)", re.ASCII)


def ranks(header: str, *names: str) -> tuple[float, ...]:
    """How much each of these is liked; what the client does not name itself, not at all."""
    found = dict.fromkeys(names, 0.0)
    for name, quality in _named(header):
        if name in found:
            found[name] = max(found[name], quality)
    return tuple(found.values())


def preferred_language(header: str) -> Literal["en", "zh"]:
    """`zh` where the client ranks Chinese before English, else `en`."""
    best, best_quality = "en", 0.0
    for tag, quality in _named(header):
        base = tag.partition("-")[0]
        if base in ("en", "zh") and quality > best_quality:
            best, best_quality = base, quality
    return "zh" if best == "zh" else "en"


def _named(header: str) -> Iterator[tuple[str, float]]:
    """What a header names, each with its quality: none where it cannot be read."""
    for part in header.split(","):
        name, *parameters = (word.strip().lower() for word in part.split(";"))
        told = next((word for word in parameters if word.startswith("q=")), "q=1")
        match = _QUALITY.fullmatch(told)
        yield name, float(match[1]) if match else 0.0
