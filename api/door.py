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
"""Of requests that have been read and wait; a stream has been answered when it begins."""
_ALWAYS = ("/health/", "/metrics")  # asked for above all when there is too much to do
_WITHOUT_BODY = frozenset({"GET", "HEAD", "OPTIONS"})


def guarded(app: ASGIApp, most: int = MOST_UNDER_WAY) -> ASGIApp:
    """The application, which so many requests may wait for at a time."""
    under_way = 0
    pauses = cycle("1234")  # seconds; not the same for all, who would come back together

    def no_place() -> ProblemError:
        return ProblemError(problems.UNAVAILABLE, headers={"Retry-After": next(pauses)})

    async def turn_away(scope: Scope, receive: Receive, send: Send) -> None:
        await problems.respond(Request(scope), no_place())(scope, receive, send)

    async def guard(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP or scope["path"].startswith(_ALWAYS):
            await app(scope, receive, send)
            return
        if under_way >= most:
            await turn_away(scope, receive, send)
            return
        has_place = is_answered = False

        def enter() -> None:
            nonlocal under_way, has_place
            if not (has_place or is_answered):
                has_place = True
                under_way += 1

        def leave() -> None:
            nonlocal under_way, has_place, is_answered
            is_answered = True
            if has_place:
                has_place = False
                under_way -= 1

        async def receive_on() -> Any:
            message = await receive()
            if message["type"] == "http.request" and not message.get("more_body", False):
                # A body that does not come holds nobody up; meanwhile others may have come.
                if under_way >= most and not has_place:
                    raise no_place()
                enter()
            return message

        async def send_on(message: Any) -> None:
            leave()
            await send(message)

        if scope["method"] in _WITHOUT_BODY:
            enter()
        try:
            await app(scope, receive_on, send_on)
        finally:
            leave()

    return guard
