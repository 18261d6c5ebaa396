"""How the command line speaks: one console for people, one line for a failure."""

import sys
from typing import NoReturn

from rich.console import Console

console = Console()
errors = Console(stderr=True)


def fail(line: str) -> NoReturn:
    """Say in one line why it did not work, and leave with a non-zero status."""
    errors.print(f"closedloop: {line}", style="red", markup=False, highlight=False, soft_wrap=True)
    sys.exit(1)
