"""Waiting until a view has come as far as somebody needs it."""

import asyncio

from api import problems
from api.problems import ProblemError
from ledger.application import Ledger
from projections.reached import Reached

PATIENCE_SECONDS = 5.0
_FIRST_PAUSE_SECONDS, _LAST_PAUSE_SECONDS = 0.002, 0.05
NOWHERE = Reached()
"""For a process that keeps no views: nothing is ever told here."""

_POSITIONS = "SELECT partition, position FROM views.positions WHERE view = %(view)s"


async def wait_for_view(
    ledger: Ledger, view: str, wanted: dict[int, int], reached: Reached = NOWHERE
) -> None:
    """Wait until a view has reached these places; too long is a problem, and retryable.

    What this process takes in is `reached` and told at once. Another may keep the view: the
    database is asked as well, ever more rarely.
    """
    if reached.has(view, wanted):
        return
    loop, stepped = asyncio.get_running_loop(), asyncio.Event()
    deadline, pause = loop.time() + PATIENCE_SECONDS, _FIRST_PAUSE_SECONDS
    with reached.listening(view, lambda: loop.call_soon_threadsafe(stepped.set)):
        while not reached.has(view, wanted):
            if not stepped.is_set():
                found = dict(await ledger.query(_POSITIONS, {"view": view}))
                if all(found.get(partition, 0) >= place for partition, place in wanted.items()):
                    return
            if loop.time() > deadline:
                raise ProblemError(problems.VIEW_BEHIND)
            try:
                async with asyncio.timeout(pause):
                    await stepped.wait()
            except TimeoutError:
                pause = min(pause * 1.5, _LAST_PAUSE_SECONDS)
            stepped.clear()
