"""Prints each figure as interleaved pairs of baseline and ours; the median ratio counts.

    python -m bench [--pairs 5] [--json FILE]

Both sides run on one server in this run, with fsync and synchronous_commit on. Read the ratios:
the absolute figures belong to the machine.
"""

import argparse
import asyncio
import json
import statistics
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench import ours, stock
from ledger.embedded import Embedded
from ledger.migrate import migrate

PER_SECOND, MILLISECONDS = "per second", "ms"
Measure = Callable[[], Awaitable[float]]


async def _pairs(pairs: int, baseline: Measure, mine: Measure) -> list[tuple[float, float]]:
    return [(await baseline(), await mine()) for _ in range(pairs)]


async def measure(uri: str, pairs: int) -> list[dict[str, object]]:
    """Every figure: its name, unit, pairs, and the median ratio of ours to the baseline."""
    app = stock.application(uri)
    ledger = ours.ledger_of(uri)
    await ledger.open()
    try:
        mine, theirs = await ours.stream_of(ledger, 20), stock.stream_of(app, 20)
        figures: list[tuple[str, str, Measure, Measure]] = [
            (
                "durable commands, 64 callers | stock save, 16 threads",
                PER_SECOND,
                lambda: asyncio.to_thread(stock.commands_per_second, app, 1500, 16),
                lambda: ours.commands_per_second(ledger, 6000, 64),
            ),
            (
                "one command alone, p50 | stock save, p50",
                MILLISECONDS,
                lambda: asyncio.to_thread(stock.latency_ms, app, 300),
                lambda: ours.latency_ms(ledger, 300),
            ),
            (
                "load of a 20-event stream, p50 | stock repository.get",
                MILLISECONDS,
                lambda: asyncio.to_thread(stock.load_ms, app, theirs, 300),
                lambda: ours.load_ms(ledger, mine, 300),
            ),
        ]
        found: list[dict[str, object]] = []
        for name, unit, baseline, own in figures:
            measured = await _pairs(pairs, baseline, own)
            ratios = [b / a for a, b in measured]
            found.append(
                {
                    "figure": name,
                    "unit": unit,
                    "baseline": statistics.median(a for a, _ in measured),
                    "ours": statistics.median(b for _, b in measured),
                    "ratio": statistics.median(ratios),
                    "spread": [min(ratios), max(ratios)],
                }
            )
        return found
    finally:
        await ledger.aclose()
        app.close()


def show(found: list[dict[str, object]]) -> None:
    """Print the figures as a table."""
    table = Table("figure (ours | baseline)", "unit", "baseline", "ours", "ratio", "spread")
    for row in found:
        spread: list[float] = row["spread"]  # type: ignore[assignment]
        table.add_row(
            str(row["figure"]),
            str(row["unit"]),
            f"{row['baseline']:,.2f}",
            f"{row['ours']:,.2f}",
            f"{row['ratio']:.2f}",
            f"{spread[0]:.2f}-{spread[1]:.2f}",
        )
    Console(width=120).print(table)


def main() -> None:
    """Measure on a server of the run's own, print, and leave nothing behind."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        server = Embedded(Path(folder) / "postgres")
        server.start()
        try:
            migrate(server.uri())
            found = asyncio.run(measure(server.uri(), arguments.pairs))
        finally:
            server.remove()
    show(found)
    if arguments.json:
        arguments.json.write_text(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
