"""The composition root: puts ledger, slices, views and routes together into one application."""

import asyncio
import os
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from typing import Any, cast

import structlog
from litestar import Litestar, Request, route
from litestar.enums import ScopeType
from litestar.exceptions import HTTPException
from litestar.handlers import HTTPRouteHandler
from litestar.response.base import ASGIResponse
from litestar.types import ASGIApp, Receive, Scope, Send
from prometheus_client import Counter, Histogram

from api import (
    bulk,
    commands,
    customers,
    feed,
    instruments,
    metrics,
    problems,
    queries,
    system,
    views,
)
from api.client import utc_now
from api.cursors import Cursors
from api.desk import Desk
from api.feed.pages import Feed
from api.http import Route, Services, serve
from api.keys import Keys
from api.paging import REPORTS_AT_ONCE
from api.places import Places
from api.problems import ProblemError
from api.rates import Rates
from api.registry import DECIDERS
from api.reply import Reply
from api.room import Room
from api.waiting import NOWHERE
from domain.rulebook.defaults import DEFAULT_RULES
from ledger.application import Ledger

log = structlog.get_logger("closedloop.http")


def services(ledger: Ledger, secret: bytes, *, runner: Any | None = None) -> Services:
    """What the routes work with."""
    following = Feed(
        ledger, {e.__name__: decider.name for decider in DECIDERS for e in decider.events}
    )

    def committed(entries: int, seconds: float) -> None:
        instruments.appended(entries, seconds)
        following.tell()

    ledger.on_commit = committed
    return Services(
        desk=Desk(ledger, DEFAULT_RULES, utc_now),
        ledger=ledger,
        keys=Keys(ledger, DEFAULT_RULES),
        places=Places(ledger, secret, NOWHERE if runner is None else runner.reached),
        cursors=Cursors(secret),
        rates=Rates(),
        feed=following,
        reports=asyncio.Semaphore(REPORTS_AT_ONCE),
        groups=asyncio.Semaphore(bulk.GROUPS_AT_ONCE),
        room=Room(),
        runner=runner,
    )


def all_routes() -> list[Route]:
    """Every route there is."""
    writing = [*commands.routes(), *bulk.routes()]
    reading = [*queries.routes(), *metrics.routes(), *views.routes(), *feed.routes()]
    main = [*writing, *customers.routes(), *reading]
    return [*main, *system.routes(main)]


def application(serving: Services) -> ASGIApp:
    """The ASGI application; the ledger is open while it lives."""

    @asynccontextmanager
    async def lifespan(app: Litestar) -> AsyncIterator[None]:
        await serving.ledger.open()
        try:
            yield
        finally:
            await serving.ledger.aclose()

    by_path: dict[str, dict[str, Route]] = {}
    for found in all_routes():
        by_path.setdefault(found.path, {})[found.method] = found
    app = Litestar(
        route_handlers=[_handler(path, routes, serving) for path, routes in by_path.items()],
        lifespan=[lifespan],
        openapi_config=None,
        exception_handlers={HTTPException: _refuse, Exception: _fail},  # type: ignore[dict-item]
        logging_config=None,
        request_max_body_size=None,  # the routes have their own limit, with a problem to say so
    )
    return _outermost(app, serving.room)


def _handler(path: str, routes: dict[str, Route], serving: Services) -> HTTPRouteHandler:
    """The routes of one path; what can be read answers HEAD too, and every path OPTIONS."""
    if "GET" in routes:
        routes = {**routes, "HEAD": routes["GET"]}
    methods = sorted([*routes, "OPTIONS"])

    async def handle(request: Request[Any, Any, Any]) -> ASGIResponse:
        if request.method == "OPTIONS":
            request.scope["route"] = path  # type: ignore[typeddict-unknown-key]
            return Reply(b"", 204, {"Allow": ", ".join(methods)}, "")
        return await serve(request, routes[request.method], serving)

    where = re.sub(r"\{(\w+)\}", r"{\1:str}", path)
    return route(where, http_method=methods)(handle)  # type: ignore[arg-type]


def _refuse(request: Request[Any, Any, Any], error: HTTPException) -> Reply:
    """What Litestar refuses by itself: unknown paths and methods."""
    match error.status_code:
        case 404:
            problem = problems.NOT_FOUND
        case 405:
            problem = problems.METHOD_NOT_ALLOWED
        case 413:
            problem = problems.TOO_LARGE
        case 400:  # all else that a client can get wrong is found by the routes
            wrong = ProblemError(problems.BAD_HEADER, name="Host", expected="the name of a host")
            return problems.respond(request, wrong)
        case _:
            return _fail(request, error)
    return problems.respond(request, ProblemError(problem, headers=dict(error.headers or {})))


def _fail(request: Request[Any, Any, Any], error: Exception) -> Reply:
    log.error("internal error", error=type(error).__name__)
    return problems.respond(request, ProblemError(problems.INTERNAL))


_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
# Never a mobile number, as with all ids: it comes into the log and beside the events.
_REQUEST_ID = re.compile(r"^(?!1[3-9][0-9]{9}$)[A-Za-z0-9._-]{1,64}$", re.ASCII)


def _outermost(app: ASGIApp, room: Room) -> ASGIApp:
    """Give each request an id, and a line of the log."""

    async def outermost(scope: Scope, receive: Receive, send: Send) -> None:
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

    return outermost


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
