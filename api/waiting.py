"""Waiting until a view has come as far as somebody needs it."""

import asyncio

from api import problems
from api.problems import ProblemError
from ledger.application import Ledger

PATIENCE_SECONDS = 5.0
_FIRST_PAUSE_SECONDS, _LAST_PAUSE_SECONDS = 0.002, 0.05

_POSITIONS = "SELECT partition, position FROM views.positions WHERE view = %(view)s"


async def wait_for_view(ledger: Ledger, view: str, wanted: dict[int, int]) -> None:
    """Wait until a view has reached these places; too long is a problem, and retryable."""
    loop = asyncio.get_running_loop()
    deadline, pause = loop.time() + PATIENCE_SECONDS, _FIRST_PAUSE_SECONDS
    while True:
        reached = dict(await ledger.query(_POSITIONS, {"view": view}))
        if all(reached.get(partition, 0) >= place for partition, place in wanted.items()):
            return
        if loop.time() > deadline:
            raise ProblemError(problems.VIEW_BEHIND)
        await asyncio.sleep(pause)
        pause = min(pause * 1.5, _LAST_PAUSE_SECONDS)
