"""Progress of long work: a bar with rate and time left on a terminal, plain lines elsewhere."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

from rich.console import Console
from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

Progress = Callable[[int, float], None]
"""Told how many are done, and which share of all that is, from 0 to 1."""

_SECONDS_BETWEEN_LINES = 5.0


def no_progress(done: int, share: float) -> None:
    """Show nothing."""


@contextmanager
def progress_bar(what: str, stream: TextIO | None = None) -> Iterator[Progress]:
    """Show progress of `what` (rows, complaints) on standard error."""
    stream = sys.stderr if stream is None else stream
    if not stream.isatty():
        yield _lines(what, stream)
        return
    columns = (
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[done]:,} {task.description}, {task.fields[rate]:,.0f}/s"),
        TimeRemainingColumn(),
    )
    with Bar(*columns, console=Console(file=stream)) as bar:
        task = bar.add_task(what, total=1.0, done=0, rate=0.0)
        began = time.monotonic()

        def show(done: int, share: float) -> None:
            rate = done / max(time.monotonic() - began, 1e-3)
            bar.update(task, completed=share, done=done, rate=rate)

        yield show


def _lines(what: str, stream: TextIO) -> Progress:
    began = told = time.monotonic()

    def show(done: int, share: float) -> None:
        nonlocal told
        now = time.monotonic()
        if now - told < _SECONDS_BETWEEN_LINES:
            return
        told = now
        rate = done / (now - began)
        left = (now - began) * (1 - share) / share if share else 0.0
        print(f"{share:4.0%}  {done:,} {what}, {rate:,.0f}/s, {left:,.0f} s left", file=stream)

    return show
