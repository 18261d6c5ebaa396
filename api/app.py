"""The composition root: puts ledger, slices, views and routes together into one application."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import structlog
from litestar import Litestar, Request, route
from litestar.exceptions import HTTPException
from litestar.handlers import HTTPRouteHandler
from litestar.response.base import ASGIResponse
from litestar.types import ASGIApp

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
from api.door import guarded
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
from api.traced import traced
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
    return traced(guarded(app), serving.room)


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
