"""The OpenAPI 3.1 document, made from the routes and the Structs they take and answer."""

from collections.abc import Iterable
from importlib.metadata import version
from typing import Any

import msgspec

from api.http import Parameter, Route
from api.problems import MEDIA_TYPE, Problem, ProblemType

NDJSON = "application/x-ndjson"
_SCHEMAS = "#/components/schemas/"
_HEADERS: dict[str, dict[str, Any]] = {
    "ETag": {
        "description": "The version of the complaint in quotes, for `If-Match`.",
        "required": True,
        "schema": {"type": "string", "pattern": '^"[0-9]+"$'},
    },
    "Ledger-Position": {
        "description": "The place in the ledger: `<partition>:<position>`, for `at_least`.",
        "required": True,
        "schema": {"type": "string", "pattern": "^([0-9]+:[0-9]+(,[0-9]+:[0-9]+)*)?$"},
    },
    "Location": {
        "description": "Where the complaint is.",
        "required": True,
        "schema": {"type": "string", "format": "uri-reference"},
    },
    "Link": {
        "description": 'Of CSV only: the page after this one, if any: `<...>; rel="next"`.',
        "schema": {"type": "string"},
    },
    "Idempotency-Replayed": {
        "description": "`true`: this is the first answer again; nothing was done this time.",
        "schema": {"type": "string", "enum": ["true"]},
    },
    "Retry-After": {
        "description": "Seconds to wait before asking again.",
        "required": True,
        "schema": {"type": "integer", "minimum": 0},
    },
    "WWW-Authenticate": {
        "description": "How to log in.",
        "required": True,
        "schema": {"type": "string"},
    },
    "Content-Language": {
        "description": "The language of title and detail.",
        "required": True,
        "schema": {"type": "string", "enum": ["en", "zh-CN"]},
    },
    "X-Request-ID": {
        "description": "Leads to the log; the client's own, where it sent a good one.",
        "required": True,
        "schema": {"type": "string", "pattern": "^[A-Za-z0-9._-]{1,64}$"},
    },
}
_REFUSED = "The rule that refuses is `code`; `/v1/problems` lists every rule. Among them:"


def document(routes: Iterable[Route]) -> dict[str, Any]:
    """The whole document."""
    routes = list(routes)
    refs, components = _schemas(routes)
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, refs)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Closedloop",
            "version": version("closedloop"),
            "summary": "Closed-loop customer complaint management 客户投诉闭环处理",
            "description": (
                "Commands change complaints, and every change is an event for ever; lists and"
                " views are projections of those events. Every write takes an `Idempotency-Key`"
                " and may be repeated safely. Every refusal is a problem (RFC 9457) with a page."
            ),
        },
        "servers": [{"url": "/"}],
        "security": [{"key": []}],
        "tags": [
            {"name": "Commands", "description": "One route for each command of a complaint."},
            {"name": "Complaints", "description": "Lists, single complaints, histories."},
            {"name": "Metrics", "description": "Rates, what lies behind them, and the BI views."},
            {"name": "Events", "description": "The feed of everything that happened."},
            {"name": "System", "description": "Health, metrics and the catalogue of problems."},
        ],
        "paths": paths,
        "components": {
            "schemas": components,
            "headers": _HEADERS,
            "securitySchemes": {
                "key": {
                    "type": "http",
                    "scheme": "bearer",
                    "bearerFormat": "cl_<id>_<secret>",
                    "description": "A key made by `closedloop key create`.",
                }
            },
        },
    }


def _schemas(routes: list[Route]) -> tuple[dict[Any, Any], dict[str, Any]]:
    """The schema of each Struct that a route takes or answers, and those they refer to.

    What is sent is closed: an unknown field is refused. What is answered is open: members may
    be added to it later. A Struct that does both has a schema for each.
    """
    bodies = _told_once(taken for route in routes for taken in (route.body, route.lines))
    others = (content for route in routes for _, _, content in route.also)
    answers = _told_once([Problem, *(route.answer for route in routes), *others])
    taken, closed = _components(bodies)
    given, opened = _components(answers)
    names = {name: f"{name}Answer" if name in closed else name for name in opened}
    for name, schema in opened.items():
        # A client's generator names its types by the titles: no two may be the same.
        closed[names[name]] = {**_opened(schema, names), "title": names[name]}
    refs = dict(zip(bodies, taken, strict=True))
    refs |= dict(zip(answers, (_opened(schema, names) for schema in given), strict=True))
    return refs, closed


def _told_once(structs: Iterable[Any]) -> list[Any]:
    return [struct for struct in dict.fromkeys(structs) if struct is not None]


def _components(structs: list[Any]) -> tuple[tuple[dict[str, Any], ...], dict[str, Any]]:
    refs, components = msgspec.json.schema_components(structs, ref_template=_SCHEMAS + "{name}")
    return refs, {name: _clear(schema) for name, schema in components.items()}


def _clear(schema: Any) -> Any:
    """A schema in words that generators of clients understand as they are meant."""
    if isinstance(schema, list):
        return [_clear(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    changed = {key: _clear(value) for key, value in schema.items()}
    if "default" in changed and changed["default"] is None:
        del changed["default"]  # absent is absent, and to some a default makes a field required
    match changed.get("enum"):
        case [only]:  # constants may be of every type, closed lists of texts and numbers only
            del changed["enum"]
            changed["const"] = only
    return changed


def _opened(schema: Any, names: dict[str, str]) -> Any:
    """A schema that lets unknown members pass, and refers to others that do."""
    if isinstance(schema, list):
        return [_opened(item, names) for item in schema]
    if not isinstance(schema, dict):
        return schema
    changed = {key: _opened(value, names) for key, value in schema.items()}
    if changed.get("additionalProperties") is False:
        del changed["additionalProperties"]
    if isinstance(ref := changed.get("$ref"), str):
        changed["$ref"] = _SCHEMAS + names[ref.removeprefix(_SCHEMAS)]
    return changed


def _operation(route: Route, refs: dict[Any, Any]) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": route.operation,
        "tags": [route.tag],
        "summary": route.summary,
        "description": _description(route),
        "parameters": [_parameter(parameter) for parameter in route.parameters],
        "responses": _responses(route, refs),
    }
    if route.roles is None:
        operation["security"] = []
    if route.body is not None:
        content: dict[str, Any] = {"schema": refs[route.body]}
        if route.body_example is not None:
            content["example"] = route.body_example
        operation["requestBody"] = {"required": True, "content": {"application/json": content}}
    if route.lines is not None:
        content = {"schema": _lines(refs[route.lines]), "example": route.body_example}
        operation["requestBody"] = {"required": True, "content": {NDJSON: content}}
    return operation


def _lines(schema: dict[str, Any]) -> dict[str, Any]:
    """NDJSON: text, each line of which is a JSON of this schema."""
    return {"type": "string", "contentMediaType": NDJSON, "contentSchema": schema}


def _description(route: Route) -> str:
    allowed = "Public." if route.roles is None else f"Roles: {', '.join(sorted(route.roles))}."
    return f"{route.description or route.summary} {allowed}"


def _parameter(parameter: Parameter) -> dict[str, Any]:
    found: dict[str, Any] = {
        "name": parameter.name,
        "in": parameter.place,
        "description": parameter.description,
        "required": parameter.is_required,
        "schema": parameter.schema,
    }
    if parameter.example is not None:
        found["example"] = parameter.example
    return found


def _responses(route: Route, refs: dict[Any, Any]) -> dict[str, Any]:
    by_status: dict[int, list[ProblemType]] = {}
    for problem in route.problems:
        by_status.setdefault(problem.status, []).append(problem)
    responses = _answers(route, refs)
    for status, problems in sorted(by_status.items()):
        headers = ["X-Request-ID", "Content-Language"]
        headers += ["Retry-After"] if status in (429, 503) else []
        headers += ["WWW-Authenticate"] if status == 401 else []
        headers += ["ETag"] if status == 412 else []
        told = " ".join(f"`{problem.code}`: {problem.title}." for problem in problems)
        responses[str(status)] = {
            "description": f"{_REFUSED} {told}" if status == 409 else told,
            "headers": _headers(headers),
            "content": {MEDIA_TYPE: {"schema": refs[Problem]}},
        }
    return responses


def _answers(route: Route, refs: dict[Any, Any]) -> dict[str, Any]:
    """What is answered where nothing is wrong: usually one thing, of one media type."""
    contents: dict[int, dict[str, list[Any]]] = {}
    main = (route.status, route.media_type, route.answer)
    for status, media_type, content in (main, *route.also):
        schema = {"type": "string"} if content is None else refs[content]
        schema = _lines(schema) if media_type == NDJSON else schema
        contents.setdefault(status, {}).setdefault(media_type, []).append(schema)
    found = {}
    for status, told in contents.items():
        headers = route.headers if status == route.status else ()
        found[str(status)] = {
            "description": "Done." if route.method == "POST" else "Found.",
            "headers": _headers(["X-Request-ID", *headers]),
            "content": {
                media_type: {"schema": schemas[0] if len(schemas) == 1 else {"oneOf": schemas}}
                for media_type, schemas in told.items()
            },
        }
    return found


def _headers(names: Iterable[str]) -> dict[str, Any]:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}
