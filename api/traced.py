"""Around everything: each request has an id, is counted and timed, and leaves a line of the log."""

import os
import re
import time
from functools import cache
from typing import Any, cast

import structlog
from litestar.enums import ScopeType
from litestar.types import ASGIApp, Receive, Scope, Send
from prometheus_client import Counter, Histogram

from api import instruments
from api.room import Room

log = structlog.get_logger("closedloop.http")

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
# Never a mobile number, as with all ids: it comes into the log and beside the events.
_REQUEST_ID = re.compile(r"^(?!1[3-9][0-9]{9}$)[A-Za-z0-9._-]{1,64}$", re.ASCII)


def traced(app: ASGIApp, room: Room) -> ASGIApp:
    """The application, each of whose requests has an id and leaves a line of the log."""

    async def trace(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            await app(scope, receive, send)
            return
        started = time.monotonic()
        given = next((v for k, v in scope["headers"] if k == b"x-request-id"), b"").decode(
            "latin-1"
        )
        request_id = given if _REQUEST_ID.match(given) else os.urandom(16).hex()
        scope["request_id"] = request_id  # type: ignore[typeddict-unknown-key]
        # Routes see the path as it was sent: an outside reference may hold an encoded slash.
        scope["path"] = scope["raw_path"].decode("latin-1")
        status = 0
        is_told = False

        def tell() -> None:
            nonlocal is_told
            is_told = True
            _tell(scope, status, time.monotonic() - started)

        async def send_on(message: Any) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = message.setdefault("headers", [])
                headers.append((b"x-request-id", request_id.encode()))
                headers.append((b"x-content-type-options", b"nosniff"))
            elif not message.get("more_body", False):  # who has the answer finds its line
                tell()
            await send(message)

        try:
            await app(scope, receive, send_on)
        finally:  # of a stream, too
            room.give_back(cast(int, scope.get("held", 0)))
        if not is_told:  # a stream that broke off
            tell()

    return trace


def _tell(scope: Any, status: int, seconds: float) -> None:
    """Count and log a request, by its route: a path may hold a personal reference."""
    path = str(scope.get("route", "-"))
    method = scope["method"] if scope["method"] in _METHODS else "OTHER"
    requests, latency = _meters(method, path, status)
    requests.inc()
    latency.observe(seconds)
    log.info(
        "request",
        method=method,
        route=path,
        status=status,
        ms=round(seconds * 1000, 1),
        request_id=scope.get("request_id"),
        client=scope.get("client_id"),
        **({"problem": refused} if (refused := scope.get("problem")) else {}),
    )


@cache
def _meters(method: str, route: str, status: int) -> tuple[Counter, Histogram]:
    """What counts and times such an answer; finding it by its labels costs more than counting."""
    return (
        instruments.REQUESTS.labels(method, route, str(status)),
        instruments.LATENCY.labels(method, route),
    )
