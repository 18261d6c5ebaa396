"""What every route shares: who asks, what they send, and how the answer or the refusal looks.

A `Route` is data; the handler, the OpenAPI entry and the role check are made from it.
"""

import re
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import msgspec
import structlog
from litestar import Request, Response
from litestar.exceptions import ClientException

from api import problems
from api.desk import Client, Desk
from api.keys import Keys
from api.problems import ProblemError, ProblemType
from api.strict import MAX_BYTES, Invalid, NotJson
from domain.complaint import UnknownComplaint
from domain.kernel import Rejected
from ledger.application import IdempotencyKeyReused, Ledger, VersionConflict, WrongStream
from ledger.writer import Unavailable

log = structlog.get_logger("closedloop.api")
AnyRequest = Request[Any, Any, Any]


class Parameter(msgspec.Struct, frozen=True, kw_only=True):
    """A parameter of a route, in the words of OpenAPI."""

    name: str
    place: str  # path, query, header
    description: str
    schema: dict[str, Any]
    is_required: bool = False
    example: Any = None


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What a handler answers: a Struct to be encoded, or bytes of a media type."""

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
    body_example: Any = None
    status: int = 200
    media_type: str = "application/json"
    problems: tuple[ProblemType, ...] = ()


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """A request that was let in: by whom, to which route, through which services."""

    request: AnyRequest
    route: Route
    services: Services
    client: Client | None

    @property
    def who(self) -> Client:
        """The client; a route that is not public always has one."""
        assert self.client is not None
        return self.client

    def query(self, name: str) -> str | None:
        """A query parameter, given at most once."""
        values = self.request.query_params.getall(name, [])
        if len(values) > 1:
            raise ProblemError(problems.BAD_QUERY, name=name, expected="at most once")
        return values[0] if values else None

    def header(self, name: str, pattern: str, expected: str) -> str | None:
        """A header that has this form; None where it is missing."""
        value = self.request.headers.get(name)
        if value is not None and not re.fullmatch(pattern, value, re.ASCII):
            raise ProblemError(problems.BAD_HEADER, name=name, expected=expected)
        return value

    async def body(self) -> bytes:
        """The body, if it is JSON by its own account and not too large."""
        declared = self.request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if declared != "application/json":
            raise ProblemError(problems.UNSUPPORTED_MEDIA_TYPE)
        length = self.request.headers.get("content-length", "0")
        if length.isascii() and length.isdigit() and int(length) > MAX_BYTES:
            raise ProblemError(problems.TOO_LARGE, headers={"Connection": "close"})
        body = bytearray()
        async for chunk in self.request.stream():
            body += chunk
            if len(body) > MAX_BYTES:
                raise ProblemError(problems.TOO_LARGE, headers={"Connection": "close"})
        return bytes(body)


async def serve(request: AnyRequest, route: Route, services: Services) -> Response[bytes]:
    """Let the request in, have the route answer it, and put any refusal into its form."""
    request.scope["route"] = route.path  # type: ignore[typeddict-unknown-key]
    try:
        client = await _let_in(request, route, services)
        known = {parameter.name for parameter in route.parameters if parameter.place == "query"}
        for name in request.query_params:
            if name not in known:
                raise ProblemError(problems.BAD_QUERY, name=name, expected="not known here")
        asked = Asked(request=request, route=route, services=services, client=client)
        answer = await route.handler(asked)
    except Exception as error:
        return problems.respond(request, as_problem(error))
    content = answer.content
    if not isinstance(content, bytes):
        content = msgspec.json.encode(content)
    return Response(
        content, status_code=answer.status, headers=answer.headers, media_type=answer.media_type
    )


async def _let_in(request: AnyRequest, route: Route, services: Services) -> Client | None:
    if route.roles is None:
        return None
    scheme, _, text = request.headers.get("authorization", "").partition(" ")
    client = await services.keys.recognise(text) if scheme.lower() == "bearer" else None
    if client is None:
        raise ProblemError(problems.UNAUTHENTICATED)
    request.scope["client_id"] = client.client_id  # type: ignore[typeddict-unknown-key]
    if client.role not in route.roles:
        raise ProblemError(problems.FORBIDDEN, role=client.role)
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
        case VersionConflict(expected=expected, actual=actual):
            return ProblemError(
                problems.VERSION_CONFLICT,
                extra={"version": actual},
                headers={"ETag": f'"{actual}"'},
                expected=expected,
                actual=actual,
            )
        case WrongStream():
            return problems.of_rejection(UnknownComplaint())
        case IdempotencyKeyReused():
            return ProblemError(problems.KEY_REUSED)
        case Unavailable():
            log.warning("unavailable", reason=str(error))
            return ProblemError(problems.UNAVAILABLE)
        case ClientException():
            return ProblemError(problems.NOT_JSON)
    # The type and the place, never the message: it may quote what somebody sent.
    frame = error.__traceback__
    while frame is not None and frame.tb_next is not None:
        frame = frame.tb_next
    place = f"{frame.tb_frame.f_code.co_filename}:{frame.tb_lineno}" if frame else "unknown"
    log.error("internal error", error=type(error).__name__, place=place)
    return ProblemError(problems.INTERNAL)


# --- parameters that many routes take -------------------------------------------------------

ADDRESS = Parameter(
    name="address",
    place="path",
    description="The complaint: its id, its tracking number, or `<channel>:<external_ref>`.",
    schema={"type": "string", "minLength": 1, "maxLength": 600},
    is_required=True,
)
IDEMPOTENCY_KEY = Parameter(
    name="Idempotency-Key",
    place="header",
    description="1-200 visible ASCII characters; the same key with the same command is answered"
    " as the first time.",
    schema={"type": "string", "pattern": r"^[\x21-\x7E]{1,200}$"},
    is_required=True,
    example="7f1d2c9e-1",
)
IF_MATCH = Parameter(
    name="If-Match",
    place="header",
    description='The version the command was decided on, as an ETag: `"3"`.',
    schema={"type": "string", "pattern": r'^"[0-9]{1,9}"$'},
)
ON_BEHALF_OF = Parameter(
    name="On-Behalf-Of",
    place="header",
    description="The staff id of the person who gives the order through this client.",
    schema={"type": "string", "pattern": r"^[A-Za-z0-9._:-]{1,64}$"},
)
ACCEPT_LANGUAGE = Parameter(
    name="Accept-Language",
    place="header",
    description="`en` or `zh-CN`: the language of titles and details of problems.",
    schema={"type": "string", "maxLength": 200},
)
AT_LEAST = Parameter(
    name="at_least",
    place="query",
    description="A `Ledger-Position`: wait until the view has reached it (at most 5 s, then 503).",
    schema={"type": "string", "pattern": r"^[0-9]{1,5}:[0-9]{1,18}(,[0-9]{1,5}:[0-9]{1,18})*$"},
)


class ErrorsOf:
    """The problems that groups of routes share."""

    KEYED = (problems.UNAUTHENTICATED, problems.FORBIDDEN, problems.UNAVAILABLE, problems.INTERNAL)
    BODY = (
        problems.NOT_JSON,
        problems.TOO_LARGE,
        problems.UNSUPPORTED_MEDIA_TYPE,
        problems.INVALID,
    )


def idempotency_key(asked: Asked) -> str:
    """The key that makes the order safe to repeat."""
    key = asked.header("Idempotency-Key", r"[\x21-\x7e]{1,200}", "1-200 visible ASCII characters")
    if key is None:
        raise ProblemError(
            problems.BAD_HEADER, name="Idempotency-Key", expected="required on writes"
        )
    return key


def if_match(asked: Asked) -> int | None:
    """The version the caller decided on."""
    value = asked.header("If-Match", r'"[0-9]{1,9}"', 'a version in quotes, as in "3"')
    return int(value.strip('"')) if value is not None else None


def whole_number(asked: Asked, name: str, default: int, low: int, high: int) -> int:
    """A whole number of the query."""
    text = asked.query(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and len(text) <= 10 and low <= int(text) <= high):
        raise ProblemError(problems.BAD_QUERY, name=name, expected=f"{low} to {high}")
    return int(text)


def parse_uuid(text: str) -> UUID | None:
    """The id that a text is; None where it is none."""
    if re.fullmatch(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", text, re.ASCII) is None:
        return None
    return UUID(text)
