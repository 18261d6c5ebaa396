"""The OpenAPI 3.1 document, made from the routes and the Structs they take and answer."""

from collections.abc import Iterable
from importlib.metadata import version
from typing import Any

import msgspec

from api.http import Parameter, Route
from api.problems import MEDIA_TYPE, Problem, ProblemType

_TEMPLATE = "#/components/schemas/{name}"
_HEADERS: dict[str, dict[str, Any]] = {
    "ETag": {"description": "The version, as a quoted string.", "schema": {"type": "string"}},
    "Ledger-Position": {
        "description": "The place in the ledger: `<partition>:<position>`, for `at_least`.",
        "schema": {"type": "string"},
    },
    "Location": {
        "description": "Where the complaint is.",
        "schema": {"type": "string", "format": "uri-reference"},
    },
    "Idempotency-Replayed": {
        "description": "`true`: this is the first answer again; nothing was done this time.",
        "schema": {"type": "string", "enum": ["true"]},
    },
    "Retry-After": {
        "description": "Seconds to wait before asking again.",
        "schema": {"type": "integer", "minimum": 0},
    },
    "WWW-Authenticate": {"description": "How to log in.", "schema": {"type": "string"}},
    "X-Request-ID": {"description": "Leads to the log.", "schema": {"type": "string"}},
}


def document(routes: Iterable[Route]) -> dict[str, Any]:
    """The whole document."""
    routes = list(routes)
    structs = [Problem, *_structs(routes)]
    schemas, components = msgspec.json.schema_components(structs, ref_template=_TEMPLATE)
    refs = dict(zip(structs, schemas, strict=True))
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
            "license": {"name": "Proprietary", "url": "/docs"},
        },
        "servers": [{"url": "/"}],
        "security": [{"key": []}],
        "tags": [
            {"name": "Commands", "description": "One route for each command of a complaint."},
            {"name": "Complaints", "description": "Lists, single complaints, histories."},
            {"name": "System", "description": "Health, metrics and the catalogue of problems."},
        ],
        "paths": paths,
        "components": {
            "schemas": components,
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


def _structs(routes: Iterable[Route]) -> list[Any]:
    found: dict[Any, None] = {}
    for route in routes:
        for struct in (route.body, route.answer):
            if struct is not None:
                found.setdefault(struct)
    return list(found)


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
    return operation


def _description(route: Route) -> str:
    allowed = "Public." if route.roles is None else f"Roles: {', '.join(sorted(route.roles))}."
    return f"{route.description} {allowed}".strip()


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
    schema = {"type": "string"} if route.answer is None else refs[route.answer]
    headers = ["X-Request-ID"]
    if route.tag == "Commands":
        headers += ["ETag", "Ledger-Position", "Idempotency-Replayed"]
    if route.status == 201:
        headers.append("Location")
    responses: dict[str, Any] = {
        str(route.status): {
            "description": "Done." if route.method == "POST" else "Found.",
            "headers": {name: _HEADERS[name] for name in headers},
            "content": {route.media_type: {"schema": schema}},
        }
    }
    for status, problems in sorted(by_status.items()):
        headers = ["X-Request-ID"]
        headers += ["Retry-After"] if status in (429, 503) else []
        headers += ["WWW-Authenticate"] if status == 401 else []
        headers += ["ETag"] if status == 412 else []
        responses[str(status)] = {
            "description": " ".join(f"`{problem.code}`: {problem.title}." for problem in problems),
            "headers": {name: _HEADERS[name] for name in headers},
            "content": {MEDIA_TYPE: {"schema": refs[Problem]}},
        }
    return responses
