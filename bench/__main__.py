"""Prints each figure of ours beside a baseline of the same run; the median ratio counts.

Both sides run on one server of the run's own, with the same durability. Read the ratios: the
absolute figures belong to the machine. The status is 1 where a median is short of its target.
docs/performance.md tells what each figure is.
"""

import argparse
import json
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from msgspec.structs import replace
from rich.console import Console

from bench import commands, over_http, report, views
from bench.bench import QUICK, Bench, Size
from bench.figures import NAMES, Found, Measured, named
from bench.places import open_places


def measure(bench: Bench) -> Iterator[Found]:
    """Everything that is wanted, one after the other."""
    yield from commands.measure(bench)
    yield from over_http.measure(bench)
    yield from views.measure(bench)


def status(found: list[Found]) -> int:
    """1 where a promise is not kept."""
    return int(any(isinstance(one, Measured) and one.is_short for one in found))


def main() -> int:
    """Measure on a server of the run's own, print, and leave nothing behind."""
    options = _options()
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(143))  # and leave nothing behind
    console = Console(width=None if sys.stdout.isatty() else 130)
    size = _size(options)
    found: list[Found] = []
    started = time.monotonic()
    with console.status("starting") as line, open_places() as places:

        def tell(what: str) -> None:
            line.update(f"{time.monotonic() - started:4.0f} s  {what}")

        for one in measure(Bench(places, size, options.only, tell)):
            found.append(one)
            if not console.is_terminal and isinstance(one, Measured):
                name, ratio = one.figure.name, one.ratio
                console.print(f"{time.monotonic() - started:4.0f} s  {name}  {ratio:.2f}")
        place = report.machine(places) | {"took": f"{time.monotonic() - started:,.0f} s"}
    report.show(console, found, place)
    if options.json:
        options.json.write_text(json.dumps(report.as_json(found, place), indent=2) + "\n")
    if options.markdown:
        print(report.markdown(found, place))
    return status(found)


def _size(options: argparse.Namespace) -> Size:
    """How much is measured: what is given, over what --quick or nothing says."""
    given = {name: getattr(options, name) for name in ("pairs", "events", "live")}
    base = QUICK if options.quick else Size()
    return replace(base, **{name: value for name, value in given.items() if value is not None})


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument(
        "--only", nargs="+", default=[], metavar="NAME",
        help=f"these figures alone; `live` stands for all of its own: {', '.join(NAMES)}",
    )  # fmt: skip
    parser.add_argument("--pairs", type=_number, help="pairs of baseline and ours (5)")
    parser.add_argument("--events", type=_number, help="events to rebuild from (1,000,000)")
    parser.add_argument("--live", type=_number, help="events of each view kept live (20,000)")
    parser.add_argument("--quick", action="store_true", help="one pair of everything, on little")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every pair to a file")
    parser.add_argument("--markdown", action="store_true", help="print the tables once more so")
    options = parser.parse_args()
    try:
        options.only = named(options.only)
    except ValueError as error:
        parser.error(str(error))
    return options


def _number(text: str) -> int:
    """A number that is one or more."""
    value = int(text.replace(",", "").replace("_", ""))
    if value < 1:
        raise ValueError(text)
    return value


if __name__ == "__main__":
    sys.exit(main())
