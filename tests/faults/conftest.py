"""What the fault suite shares: a seed, how much of it is run, and installations to break.

`make faults` runs all of it; in `make test` a short share. Every random choice of a test comes
from its seed, which a failing test prints, and which `CLOSEDLOOP_FAULT_SEED` repeats.
"""

import os
import random
import secrets
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.faults.installation import Installation

IS_FULL = os.environ.get("CLOSEDLOOP_FAULTS") == "full"
# In the environment, so that the workers of one run share it.
SEED = os.environ.setdefault("CLOSEDLOOP_FAULT_SEED", str(secrets.randbelow(1_000_000)))

Rounds = Callable[[int, int], int]
"""How often to try: few times in `make test`, more often in `make faults`."""


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "short: part of `make test`; the others are not")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave the longer tests of this folder to `make faults`."""
    here = Path(__file__).parent
    long = [
        item
        for item in items
        if not IS_FULL and here in item.path.parents and item.get_closest_marker("short") is None
    ]
    if long:
        config.hook.pytest_deselected(items=long)
        items[:] = [item for item in items if item not in long]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    terminalreporter.write_line(f"CLOSEDLOOP_FAULT_SEED={SEED}")


@pytest.fixture
def chance(request: pytest.FixtureRequest) -> random.Random:
    """The dice of a test: the same for the same seed, whatever else runs."""
    name = request.node.name
    print(f"repeat with: CLOSEDLOOP_FAULT_SEED={SEED} make faults ARGS='-k {name}'")
    return random.Random(f"{SEED} {name}")


@pytest.fixture(scope="session")
def rounds() -> Rounds:
    return lambda short, full: full if IS_FULL else short


@pytest.fixture
def processes() -> Iterator[ExitStack]:
    """Whatever is entered here ends with the test, however that ends."""
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Installation]:
    """An installation with a PostgreSQL of its own, set up and running, to be broken."""
    made = Installation(tmp_path)
    try:
        made.set_up()
        yield made
    finally:
        made.remove()
