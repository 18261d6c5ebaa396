"""Routes about the system itself: health, metrics, the catalogue of problems, the documentation."""

import html
import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from api import instruments, openapi, problems
from api.http import Answer, Asked, Route, recognise
from api.parameters import IDEMPOTENCY_KEY, ErrorsOf
from api.problems import ProblemError, ProblemType, catalogue
from api.roles import READ_METRICS, ROLES
from api.strict import FieldError
from domain.policies import POLICIES
from ledger.writer import Unavailable
from projections import VIEWS
from projections.lag import STATES, State

_EVERYTHING = {"names": [*VIEWS, *POLICIES]}
_ASSETS = {
    "swagger-ui.css": "text/css",
    "swagger-ui-bundle.js": "text/javascript",
    "favicon-32x32.png": "image/png",
}
PAGE_HEADERS = {
    # Swagger UI draws its icons from data: addresses; everything else is our own.
    "Content-Security-Policy": "default-src 'self'; img-src 'self' data:; object-src 'none';"
    " base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
}


class Health(msgspec.Struct):
    """Whether the service can work, and if not, why."""

    status: str
    checks: dict[str, str]


class ProblemCatalogue(msgspec.Struct):
    """Every problem a request can meet."""

    problems: list[ProblemType]


def routes(others: Sequence[Route]) -> list[Route]:
    """The routes about the system; the documentation covers `others` and these."""
    documented: list[Route] = [*others, *_documented()]
    document = msgspec.json.encode(openapi.document(documented))

    async def openapi_json(asked: Asked) -> Answer:
        return Answer(content=document)

    pages = [
        _page("/openapi.json", "OpenApiDocument", openapi_json, "application/json"),
        _page("/docs", "Documentation", _docs, "text/html"),
        _page("/docs/{asset}", "DocumentationAsset", _asset, "text/javascript"),
        _page("/problems/{code}", "ProblemPage", _problem_page, "text/html"),
    ]
    return [*_documented(), *pages]


def _documented() -> list[Route]:
    return [
        Route(
            method="GET",
            path="/health/live",
            operation="Live",
            tag="System",
            summary="Whether the process runs.",
            handler=_live,
            answer=Health,
            roles=None,
            problems=(problems.UNKNOWN_QUERY, problems.INTERNAL),
        ),
        Route(
            method="GET",
            path="/health/ready",
            operation="Ready",
            tag="System",
            summary="Whether the database answers and commands can be taken.",
            handler=_ready,
            answer=Health,
            roles=None,
            problems=(problems.UNKNOWN_QUERY, problems.UNAVAILABLE, problems.INTERNAL),
        ),
        Route(
            method="GET",
            path="/metrics",
            operation="Metrics",
            tag="System",
            summary="Prometheus metrics; from this machine itself, or with an admin's key.",
            handler=_metrics,
            answer=None,
            roles=None,
            media_type="text/plain",
            problems=(
                problems.UNKNOWN_QUERY,
                problems.UNAUTHENTICATED,
                problems.FORBIDDEN,
                problems.UNAVAILABLE,
                problems.INTERNAL,
            ),
        ),
        Route(
            method="GET",
            path="/v1/problems",
            operation="ListProblems",
            tag="System",
            summary="Every problem a request can meet, in English and 简体中文.",
            handler=_list_problems,
            answer=ProblemCatalogue,
            roles=frozenset(ROLES),
            problems=(problems.UNKNOWN_QUERY, *ErrorsOf.KEYED),
        ),
    ]


def _page(path: str, operation: str, handler: Any, media_type: str) -> Route:
    return Route(
        method="GET",
        path=path,
        operation=operation,
        tag="System",
        summary=operation,
        handler=handler,
        answer=None,
        roles=None,
        media_type=media_type,
    )


async def _live(asked: Asked) -> Answer:
    return Answer(content=Health("live", {}))


_NOT_READY = msgspec.structs.replace(
    problems.UNAVAILABLE,
    detail="Views stand still: see errors.",
    detail_zh="视图已停止更新，详见 errors。",
)


async def _ready(asked: Asked) -> Answer:
    states = [State(*row) for row in await asked.services.ledger.query(STATES, _EVERYTHING)]
    runner = asked.services.runner
    # Its rows tell of events that are no more: nobody ought to read them, whoever keeps the views.
    halted = {s.name: s.ahead for s in states if s.ahead is not None}
    if runner is not None:
        halted |= runner.halted()
    if halted:
        errors = tuple(FieldError(f"/{name}", "halted", why) for name, why in halted.items())
        raise ProblemError(_NOT_READY, errors=errors)
    checks = {"database": "answers"}
    checks |= {f"view {s.name} {s.partition}": f"{s.behind} events behind" for s in states}
    return Answer(content=Health("ready", checks))


async def _metrics(asked: Asked) -> Answer:
    host = asked.request.client.host if asked.request.client else ""
    if host not in ("127.0.0.1", "::1"):
        client = await recognise(asked.headers, asked.services.keys)
        if client.role not in READ_METRICS:
            raise ProblemError(problems.FORBIDDEN, role=client.role)
    instruments.WAITING.set(asked.services.ledger.waiting)
    if (runner := asked.services.runner) is not None:  # else another process keeps the views
        halted = runner.halted()
        for name in (*VIEWS, *POLICIES, "runner", "ledger"):
            instruments.HALTED.labels(name).set(name in halted)
        for (policy, rule), count in runner.refused.items():
            instruments.REFUSED.labels(policy, rule).set(count)
    try:
        for row in await asked.services.ledger.query(STATES, _EVERYTHING):
            instruments.stands(State(*row))
    except Unavailable:  # the metrics of the process are still worth having
        instruments.LAG.clear()
        instruments.AGE.clear()
    return Answer(content=generate_latest(instruments.REGISTRY), media_type=CONTENT_TYPE_LATEST)


async def _list_problems(asked: Asked) -> Answer:
    return Answer(content=ProblemCatalogue(list(catalogue().values())))


# --- pages ----------------------------------------------------------------------------------

_DOCS = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Closedloop API</title>
<link rel="icon" href="/docs/favicon-32x32.png">
<link rel="stylesheet" href="/docs/swagger-ui.css"></head>
<body><div id="swagger-ui"></div>
<script src="/docs/swagger-ui-bundle.js"></script><script src="/docs/start.js"></script>
</body></html>"""
# A key is for one order: the example in the form is replaced by a fresh one with each try.
_START = """window.ui = SwaggerUIBundle({
  url: "/openapi.json", dom_id: "#swagger-ui", deepLinking: true, persistAuthorization: true,
  displayRequestDuration: true, docExpansion: "list", tryItOutEnabled: true, validatorUrl: null,
  requestInterceptor: (request) => {
    if (request.headers["Idempotency-Key"] === "EXAMPLE")
      request.headers["Idempotency-Key"] = `${Date.now()}-${Math.random().toString(36).slice(2)}`;
    return request;
  },
});""".replace("EXAMPLE", IDEMPOTENCY_KEY.example)


async def _docs(asked: Asked) -> Answer:
    return Answer(content=_DOCS.encode(), headers=PAGE_HEADERS, media_type="text/html")


async def _asset(asked: Asked) -> Answer:
    name = asked.path("asset")
    if name == "start.js":
        return Answer(content=_START.encode(), headers=PAGE_HEADERS, media_type="text/javascript")
    if name not in _ASSETS:
        raise ProblemError(problems.NOT_FOUND)
    headers = {**PAGE_HEADERS, "Cache-Control": "public, max-age=3600"}
    content = (_assets_folder() / name).read_bytes()
    return Answer(content=content, headers=headers, media_type=_ASSETS[name])


def _assets_folder() -> Path:
    """Where the locked package keeps Swagger UI; none of its code is run."""
    spec = importlib.util.find_spec("swagger_ui")
    if spec is None or spec.origin is None:
        raise ProblemError(problems.NOT_FOUND)
    return Path(spec.origin).parent / "static"


async def _problem_page(asked: Asked) -> Answer:
    problem = catalogue().get(asked.path("code"))
    if problem is None:
        raise ProblemError(problems.NOT_FOUND)
    told = {
        name: html.escape(str(getattr(problem, name))) for name in ProblemType.__struct_fields__
    }
    page = _PROBLEM.format(**told)
    return Answer(content=page.encode(), headers=PAGE_HEADERS, media_type="text/html")


_PROBLEM = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title></head><body>
<h1>{title} <span lang="zh-CN">{title_zh}</span></h1>
<p>{meaning}</p><p>{detail}</p><p lang="zh-CN">{detail_zh}</p>
<p>HTTP status {status}; code <code>{code}</code>; worth repeating unchanged: {retryable}.</p>
</body></html>"""
