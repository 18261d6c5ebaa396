"""What every route shares: who asks, what they send, and how the answer or the refusal looks.

A `Route` is data; the handler, the OpenAPI entry and the role check are made from it.
"""

import asyncio
import re
from collections.abc import AsyncGenerator, Awaitable, Callable
from functools import lru_cache
from typing import Any
from urllib.parse import unquote

import msgspec
import structlog
from litestar import Request
from litestar.datastructures import Headers
from litestar.response.base import ASGIResponse

from api import problems
from api.client import Client
from api.cursors import Cursors
from api.desk import Desk
from api.keys import Keys
from api.problems import ProblemError, ProblemType
from api.rates import Rates
from api.reply import Reply
from api.room import Room
from api.streamed import Streamed
from api.strict import MAX_BYTES, Invalid, NotJson
from domain.complaint import UnknownComplaint
from domain.kernel import Rejected
from ledger.application import IdempotencyKeyReused, Ledger
from ledger.deciding import VersionConflict, WrongStream
from ledger.writer import Unavailable

log = structlog.get_logger("closedloop.api")
AnyRequest = Request[Any, Any, Any]

BODY_SECONDS = 120.0
"""How long a client may take to send a body."""
MAX_QUERY = 2000
"""How many characters a parameter of the query may have."""


class Parameter(msgspec.Struct, frozen=True, kw_only=True):
    """A parameter of a route, in the words of OpenAPI."""

    name: str
    place: str  # path, query, header
    description: str
    schema: dict[str, Any]
    is_required: bool = False
    example: Any = None


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What a handler answers: a Struct to be encoded, or bytes of a media type, or many of them."""

    content: Any
    status: int = 200
    headers: dict[str, str] = {}
    media_type: str = "application/json"


class Services(msgspec.Struct, frozen=True, kw_only=True):
    """What handlers work with."""

    desk: Desk
    ledger: Ledger
    keys: Keys
    places: Any  # api.places.Places: addresses and positions of views
    cursors: Cursors
    rates: Rates
    feed: Any  # api.feed.pages.Feed
    reports: asyncio.Semaphore  # held by whoever reads `bi`
    groups: asyncio.Semaphore  # held by each group of lines of bulk that is being carried out
    room: Room
    runner: Any | None = None


Handler = Callable[["Asked"], Awaitable[Answer]]


class Route(msgspec.Struct, frozen=True, kw_only=True):
    """A route: where it is, who may use it, what it takes and what it answers."""

    method: str
    path: str
    operation: str
    tag: str
    summary: str
    handler: Handler
    answer: Any
    roles: frozenset[str] | None  # None: public
    description: str = ""
    parameters: tuple[Parameter, ...] = ()
    body: type[Any] | None = None
    lines: type[Any] | None = None  # of NDJSON, where it takes that
    body_example: Any = None
    status: int = 200
    media_type: str = "application/json"
    also: tuple[tuple[int, str, Any], ...] = ()  # other answers: status, media type, content
    headers: tuple[str, ...] = ()  # of the answer, beside those of every answer
    problems: tuple[ProblemType, ...] = ()
    takes_any_query: bool = False  # the handler knows the names, and refuses the others
    on_forbidden: "Callable[[Asked], Awaitable[None]] | None" = None
    """Told of a client whose role may not use it, before the client is."""


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """A request that was let in: by whom, to which route, through which services."""

    request: AnyRequest
    headers: Headers  # of the request, read once
    route: Route
    services: Services
    client: Client | None

    @property
    def who(self) -> Client:
        """The client; a route that is not public always has one."""
        assert self.client is not None
        return self.client

    def path(self, name: str) -> str:
        """A parameter of the path, decoded only now: it may hold an encoded slash."""
        try:
            return unquote(self.request.path_params[name], errors="strict")
        except UnicodeDecodeError:
            raise ProblemError(problems.NOT_FOUND) from None

    def query(self, name: str) -> str | None:
        """A query parameter, given at most once, in UTF-8 and without NUL."""
        if not self.request.scope["query_string"]:
            return None
        values = self.request.query_params.getall(name, [])
        if len(values) > 1:
            raise ProblemError(problems.BAD_QUERY, name=name, expected="at most once")
        if values and len(values[0]) > MAX_QUERY:
            raise ProblemError(
                problems.BAD_QUERY, name=name, expected=f"at most {MAX_QUERY} characters"
            )
        # What is not UTF-8 arrives as the replacement character.
        if values and ("\ufffd" in values[0] or "\x00" in values[0]):
            raise ProblemError(problems.BAD_QUERY, name=name, expected="text in UTF-8")
        return values[0] if values else None

    def header(self, name: str, pattern: str, expected: str) -> str | None:
        """A header that has this form, given at most once; None where it is missing."""
        values = self.headers.getall(name, [])
        if len(values) > 1:
            raise ProblemError(problems.BAD_HEADER, name=name, expected="at most once")
        if values and not re.fullmatch(pattern, values[0], re.ASCII):
            raise ProblemError(problems.BAD_HEADER, name=name, expected=expected)
        return values[0] if values else None

    async def body(self, kind: str = "application/json", most: int = MAX_BYTES) -> bytes:
        """The body, if it is of this media type by its own account and not too large."""
        headers = self.headers
        coding = headers.get("content-encoding", "identity")
        if not _is_of(kind, headers.get("content-type", ""), coding):
            raise ProblemError(problems.UNSUPPORTED_MEDIA_TYPE, media_type=kind)
        length = headers.get("content-length", "0")
        if length.isascii() and length.isdigit() and int(length) > most:
            raise ProblemError(problems.TOO_LARGE, headers={"Connection": "close"})
        try:
            async with asyncio.timeout(BODY_SECONDS):
                return await self._received(most)
        except TimeoutError:
            raise ProblemError(problems.UNAVAILABLE, headers={"Connection": "close"}) from None

    async def _received(self, most: int) -> bytes:
        body, is_whole = bytearray(), False
        while not is_whole:
            message = await self.request.receive()
            if message["type"] != "http.request":  # the client has gone; nobody reads this
                raise ProblemError(problems.NOT_JSON)
            self._hold(len(message["body"]))
            body += message["body"]
            if len(body) > most:
                raise ProblemError(problems.TOO_LARGE, headers={"Connection": "close"})
            is_whole = not message.get("more_body", False)
        return bytes(body)

    def _hold(self, size: int) -> None:
        """Keep room for a part of the body, until the answer has been given."""
        self.services.room.take(size)
        scope: Any = self.request.scope
        scope["held"] = scope.get("held", 0) + size


@lru_cache(256)
def _is_of(kind: str, content_type: str, coding: str) -> bool:
    """Whether a body is of this media type by its own account, in UTF-8 and not compressed."""
    media_type, _, parameters = content_type.partition(";")
    charset = re.fullmatch(r"\s*charset=\"?utf-?8\"?\s*|\s*", parameters, re.IGNORECASE)
    is_plain = coding.strip().lower() == "identity"
    return is_plain and charset is not None and media_type.strip().lower() == kind


async def serve(request: AnyRequest, route: Route, services: Services) -> ASGIResponse:
    """Let the request in, have the route answer it, and put any refusal into its form."""
    request.scope["route"] = route.path  # type: ignore[typeddict-unknown-key]
    headers = request.headers
    try:
        client = await _let_in(request, headers, route, services)
        asked = Asked(
            request=request, headers=headers, route=route, services=services, client=client
        )
        await _refuse_role(asked)
        _refuse_unknown_query(asked)
        answer = await route.handler(asked)
    except Exception as error:
        return problems.respond(request, as_problem(error))
    content, headers_of_it = answer.content, answer.headers
    if route.roles is not None:  # what a key opened is for nobody's cache
        headers_of_it = {"Cache-Control": "no-store", **headers_of_it}
    if isinstance(content, AsyncGenerator):
        streamed = Streamed(content, answer.status, headers_of_it, answer.media_type)
        return streamed.to_asgi_response(None, request)
    if not isinstance(content, bytes):
        content = msgspec.json.encode(content)
    return Reply(content, answer.status, headers_of_it, answer.media_type)


async def _let_in(
    request: AnyRequest, headers: Headers, route: Route, services: Services
) -> Client | None:
    if route.roles is None:
        return None
    client = await recognise(headers, services.keys)
    request.scope["client_id"] = client.client_id  # type: ignore[typeddict-unknown-key]
    services.rates.let_in(client)
    return client


def _refuse_unknown_query(asked: Asked) -> None:
    if asked.route.takes_any_query or not asked.request.scope["query_string"]:
        return
    known = [parameter.name for parameter in asked.route.parameters if parameter.place == "query"]
    if not set(asked.request.query_params) <= set(known):
        raise ProblemError(problems.UNKNOWN_QUERY, known=", ".join(known) or "none")


async def _refuse_role(asked: Asked) -> None:
    """Before anything else of the request is looked at: who may not use the route, goes."""
    route, client = asked.route, asked.client
    if client is None or route.roles is None or client.role in route.roles:
        return
    if route.on_forbidden is not None:
        await route.on_forbidden(asked)
    raise ProblemError(problems.FORBIDDEN, role=client.role)


async def recognise(headers: Headers, keys: Keys) -> Client:
    """Whose key the request carries; without exactly one good key it is refused."""
    values = headers.getall("authorization", [])
    scheme, _, text = values[0].partition(" ") if len(values) == 1 else ("", "", "")
    client = await keys.recognise(text) if scheme.lower() == "bearer" else None
    if client is None:
        raise ProblemError(problems.UNAUTHENTICATED)
    return client


def as_problem(error: Exception) -> ProblemError:
    """Any error as the problem the client is told; what is not foreseen is logged, not told."""
    match error:
        case ProblemError():
            return error
        case Rejected():
            return problems.of_rejection(error)
        case NotJson():
            return ProblemError(problems.NOT_JSON)
        case Invalid(errors=errors):
            return ProblemError(problems.INVALID, errors=errors)
        case VersionConflict(actual=0) | WrongStream():  # nothing there, or no complaint
            return problems.of_rejection(UnknownComplaint())
        case VersionConflict(expected=expected, actual=actual):
            return ProblemError(
                problems.VERSION_CONFLICT,
                extra={"version": actual},
                headers={"ETag": f'"{actual}"'},
                expected=expected,
                actual=actual,
            )
        case IdempotencyKeyReused():
            return ProblemError(problems.KEY_REUSED)
        case Unavailable():
            log.warning("unavailable", reason=str(error))
            return ProblemError(problems.UNAVAILABLE)
    # The type and the place, never the message: it may quote what somebody sent.
    frame = error.__traceback__
    while frame is not None and frame.tb_next is not None:
        frame = frame.tb_next
    place = f"{frame.tb_frame.f_code.co_filename}:{frame.tb_lineno}" if frame else "unknown"
    log.error("internal error", error=type(error).__name__, place=place)
    return ProblemError(problems.INTERNAL)
