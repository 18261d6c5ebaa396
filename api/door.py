"""The door: how many requests wait for an answer at once; who comes then is to come back later.

To turn a client away has to cost far less than to serve one, or a server that is asked for too much
does nothing else: nothing but the path of the request is looked at.
"""

from itertools import cycle
from typing import Any

from litestar import Request
from litestar.enums import ScopeType
from litestar.types import ASGIApp, Receive, Scope, Send

from api import problems
from api.problems import ProblemError

MOST_UNDER_WAY = 4096
"""Of requests that wait; a stream has been answered when it begins."""
_WORK = "/v1/"  # health and metrics are asked for above all when there is too much to do


def guarded(app: ASGIApp, most: int = MOST_UNDER_WAY) -> ASGIApp:
    """The application, which so many requests may wait for at a time."""
    under_way = 0
    pauses = cycle("1234")  # seconds; not the same for all, who would come back together

    async def turn_away(scope: Scope, receive: Receive, send: Send) -> None:
        error = ProblemError(problems.UNAVAILABLE, headers={"Retry-After": next(pauses)})
        await problems.respond(Request(scope), error)(scope, receive, send)

    async def guard(scope: Scope, receive: Receive, send: Send) -> None:
        nonlocal under_way
        if scope["type"] != ScopeType.HTTP or not scope["path"].startswith(_WORK):
            await app(scope, receive, send)
            return
        if under_way >= most:
            await turn_away(scope, receive, send)
            return
        waits = True

        def leave() -> None:
            nonlocal under_way, waits
            if waits:
                waits = False
                under_way -= 1

        async def send_on(message: Any) -> None:
            leave()
            await send(message)

        under_way += 1
        try:
            await app(scope, receive, send_on)
        finally:
            leave()

    return guard
