"""How the figures are told: a table, Markdown, JSON, and the machine they belong to."""

import os
import platform
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.figures import Found, Measured, Note
from bench.places import Places

_COLUMNS = ("figure", "ours", "baseline", "unit", "ratio", "spread", "target", "")
_SETTINGS = ("server_version", "fsync", "synchronous_commit", "full_page_writes", "shared_buffers")


def machine(places: Places) -> dict[str, str]:
    """What the absolute figures belong to."""
    settings = places.settings(*_SETTINGS)
    return {
        "cores": str(os.cpu_count()),
        "processor": _processor(),
        "memory": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.1f} GiB",
        "system": f"{platform.system()} {platform.release()}",
        "Python": platform.python_version(),
        "PostgreSQL": settings.pop("server_version"),
        **settings,
    }


def _processor() -> str:
    """What the kernel calls it, where it says so."""
    told = Path("/proc/cpuinfo")
    for line in told.read_text().splitlines() if told.exists() else ():
        name, _, value = line.partition(":")
        if name.strip() == "model name":
            return value.strip()
    return platform.processor() or platform.machine()


def _cells(found: Measured) -> tuple[str, ...]:
    return (
        found.figure.name,
        _number(found.ours),
        _number(found.baseline),
        found.figure.unit,
        f"{found.ratio:.2f}",
        f"{min(found.ratios):.2f} to {max(found.ratios):.2f}",
        found.figure.target,
        "short" if found.is_short else "ok",
    )


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:,.3g}"


def show(console: Console, found: Sequence[Found], place: dict[str, str]) -> None:
    """Print everything for a person."""
    table = Table(*_COLUMNS)
    for one in found:
        if isinstance(one, Measured):
            table.add_row(*_cells(one), style="red" if one.is_short else None)
    if table.row_count:
        console.print(table)
    for one in found:
        if isinstance(one, Note):
            console.print(f"{one.name}: {one.told}: {one.value}", highlight=False)
    console.print("; ".join(f"{name} {value}" for name, value in place.items()), style="dim")


def markdown(found: Sequence[Found], place: dict[str, str]) -> str:
    """The same for `docs/performance.md`."""
    lines = [f"| {' | '.join(_COLUMNS)} |", "|---" * len(_COLUMNS) + "|"]
    lines += [f"| {' | '.join(_cells(one))} |" for one in found if isinstance(one, Measured)]
    notes = [f"| {one.told} | {one.value} |" for one in found if isinstance(one, Note)]
    if notes:
        lines += ["", "| printed only | |", "|---|---|", *notes]
    return "\n".join([*lines, "", *(f"- {name}: {value}" for name, value in place.items()), ""])


def as_json(found: Sequence[Found], place: dict[str, str]) -> dict[str, Any]:
    """The same for programs, with every pair."""
    return {
        "machine": place,
        "figures": [
            {
                "name": one.figure.name,
                "ours": one.figure.ours,
                "baseline": one.figure.baseline,
                "unit": one.figure.unit,
                "at_least": one.figure.at_least,
                "at_most": one.figure.at_most,
                "pairs": one.pairs,
                "ratio": one.ratio,
                "spread": (min(one.ratios), max(one.ratios)),
                "is_short": one.is_short,
            }
            for one in found
            if isinstance(one, Measured)
        ],
        "notes": [
            {"name": one.name, "told": one.told, "value": one.value}
            for one in found
            if isinstance(one, Note)
        ],
    }
