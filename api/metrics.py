"""Metrics over HTTP: the catalogue, the value of each by group, and what lies behind a number."""

from datetime import date
from typing import Any

import msgspec

from api import problems
from api.http import MAX_QUERY, Answer, Asked, Parameter, Route
from api.paging import (
    CURSOR,
    LIMIT,
    MOST,
    asked_day,
    chosen,
    fingerprint,
    reached,
    report,
    row_after,
    row_before,
)
from api.paging import values as listed
from api.parameters import ACCEPT_LANGUAGE, AT_LEAST, ErrorsOf, whole_number
from api.problems import ProblemError
from api.roles import READ_COMPLAINTS
from projections.metrics import BESIDE, DIMENSIONS, METRICS, Metric, Part


class MetricDescription(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A metric in words: what it counts, by which date, and whom it is charged to."""

    id: str
    name_en: str
    name_zh: str
    question_en: str
    question_zh: str
    unit: str
    numerator: str
    denominator: str
    date: str
    attribution: str
    beside: dict[str, str]
    group_by: list[str]
    window: str | None = None


class MetricList(msgspec.Struct, kw_only=True):
    """The metric catalogue."""

    metrics: list[MetricDescription]


class MetricGroup(msgspec.Struct, kw_only=True):
    """The value for one group: counts, their ratio, and what is counted beside it."""

    group: dict[str, str | None]
    numerator: int
    denominator: int
    value: float | None  # none over nothing
    excluded: dict[str, int]
    is_mature: bool


class MetricValue(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A metric with its value by group; `next` is the cursor of further groups."""

    definition: MetricDescription
    groups: list[MetricGroup]
    position: str
    next: str | None = None


class MetricItem(msgspec.Struct, kw_only=True):
    """One item behind a number, and what it adds to the numerator."""

    item_id: str
    complaint_id: str
    tracking_number: str
    date: date
    excluded_for: str
    counts: int


class MetricEvidence(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What lies behind a part of a metric; `next` is the cursor of the page after it."""

    metric: str
    part: str
    items: list[MetricItem]
    position: str
    next: str | None = None


# --- routes ---------------------------------------------------------------------------------

_METRIC = Parameter(
    name="metric",
    place="path",
    description="The id of the metric.",
    schema={"type": "string", "enum": list(METRICS)},
    is_required=True,
)


def _date(name: str, description: str) -> Parameter:
    return Parameter(
        name=name,
        place="query",
        description=f"{description} (YYYY-MM-DD); which date it is, the metric says.",
        schema={"type": "string", "format": "date"},
    )


def _filter(name: str) -> Parameter:
    return Parameter(
        name=name,
        place="query",
        description=f"Only these values of {name}, joined by commas.",
        schema={"type": "string", "minLength": 1, "maxLength": MAX_QUERY},
    )


_CHOICE = (
    _date("from", "From this date on"),
    _date("to", "Before this date"),
    *(_filter(name) for name in DIMENSIONS),
)
_ANY_DIMENSION = f"({'|'.join(DIMENSIONS)})"
_GROUP_BY = Parameter(
    name="group_by",
    place="query",
    description=f"Of {', '.join(DIMENSIONS)}, joined by commas.",
    schema={
        "type": "string",
        "pattern": f"^{_ANY_DIMENSION}(,{_ANY_DIMENSION}){{0,{len(DIMENSIONS) - 1}}}$",
    },
)
_PART = Parameter(
    name="part",
    place="query",
    description="Behind which number: `excluded` is what is counted beside the metric.",
    schema={
        "type": "string",
        "enum": ["numerator", "denominator", "excluded"],
        "default": "numerator",
    },
)
_PAGES = (LIMIT, CURSOR, AT_LEAST, ACCEPT_LANGUAGE)
_PROBLEMS = (
    problems.BAD_QUERY,
    problems.UNKNOWN_QUERY,
    problems.UNKNOWN_METRIC,
    problems.VIEW_BEHIND,
    *ErrorsOf.KEYED,
)


def routes() -> list[Route]:
    """The routes of metrics."""
    shared: dict[str, Any] = {"method": "GET", "tag": "Metrics", "roles": READ_COMPLAINTS}
    return [
        Route(
            path="/v1/metrics",
            operation="ListMetrics",
            summary="The metric catalogue: what each metric counts, and how.",
            handler=_list,
            answer=MetricList,
            parameters=(ACCEPT_LANGUAGE,),
            problems=(problems.UNKNOWN_QUERY, *ErrorsOf.KEYED),
            **shared,
        ),
        Route(
            path="/v1/metrics/{metric}",
            operation="GetMetric",
            summary="A metric: numerator, denominator and value, by group.",
            handler=_value,
            answer=MetricValue,
            parameters=(_METRIC, *_CHOICE, _GROUP_BY, *_PAGES),
            problems=_PROBLEMS,
            **shared,
        ),
        Route(
            path="/v1/metrics/{metric}/evidence",
            operation="GetMetricEvidence",
            summary="What lies behind a number of a metric: exactly as many items as it counts.",
            handler=_evidence,
            answer=MetricEvidence,
            parameters=(_METRIC, _PART, *_CHOICE, *_PAGES),
            problems=_PROBLEMS,
            **shared,
        ),
    ]


# --- handlers -------------------------------------------------------------------------------


def describe(metric: Metric) -> MetricDescription:
    """A metric in words."""
    words: dict[str, Any] = {name: getattr(metric, name) for name in _WORDS}
    beside = {code: BESIDE[code] for code in metric.beside}
    return MetricDescription(**words, beside=beside, group_by=list(DIMENSIONS))


_WORDS = tuple(
    name for name in MetricDescription.__struct_fields__ if name not in ("beside", "group_by")
)


async def _list(asked: Asked) -> Answer:
    return Answer(content=MetricList(metrics=[describe(metric) for metric in METRICS.values()]))


async def _value(asked: Asked) -> Answer:
    metric = _metric(asked)
    limit = whole_number(asked, "limit", 200, 1, MOST)
    group_by = chosen(asked, "group_by", DIMENSIONS)
    filters, params = _filters(asked, metric)
    bound_to = fingerprint("metric", metric.id, group_by, params)
    page = {**params, "after": row_before(asked, bound_to), "limit": limit + 1}
    position = await reached(asked, metric.facts.views)
    rows = await report(asked, metric.value_sql(group_by, filters), page)
    content = MetricValue(
        definition=describe(metric),
        groups=[_group(group_by, row) for row in rows[:limit]],
        position=position,
        next=row_after(asked, bound_to, [row[0] for row in rows], limit),
    )
    return Answer(content=content)


def _group(group_by: list[str], row: tuple[Any, ...]) -> MetricGroup:
    members, numerator, denominator, excluded, is_mature = row
    return MetricGroup(
        group=dict(zip(group_by, msgspec.json.decode(members), strict=True)),
        numerator=numerator,
        denominator=denominator,
        value=round(numerator / denominator, 6) if denominator else None,
        excluded=excluded,
        is_mature=is_mature,
    )


async def _evidence(asked: Asked) -> Answer:
    metric, part = _metric(asked), _part(asked)
    limit = whole_number(asked, "limit", 200, 1, MOST)
    filters, params = _filters(asked, metric)
    bound_to = fingerprint("evidence", metric.id, part, params)
    page = {**params, "after": row_before(asked, bound_to), "limit": limit + 1}
    position = await reached(asked, metric.facts.views)
    rows = await report(asked, metric.evidence_sql(part, filters), page)
    names = MetricItem.__struct_fields__
    content = MetricEvidence(
        metric=metric.id,
        part=part,
        items=[MetricItem(**dict(zip(names, row, strict=True))) for row in rows[:limit]],
        position=position,
        next=row_after(asked, bound_to, [row[0] for row in rows], limit),
    )
    return Answer(content=content)


def _metric(asked: Asked) -> Metric:
    metric = METRICS.get(asked.path("metric"))
    if metric is None:
        raise ProblemError(problems.UNKNOWN_METRIC, known=", ".join(METRICS))
    return metric


def _part(asked: Asked) -> Part:
    match asked.query("part"):
        case None:
            return "numerator"
        case "numerator" | "denominator" | "excluded" as part:
            return part
    expected = "numerator, denominator or excluded"
    raise ProblemError(problems.BAD_QUERY, name="part", expected=expected)


def _filters(asked: Asked, metric: Metric) -> tuple[str, dict[str, Any]]:
    """The conditions on items, and their parameters."""
    conditions, params = ["true"], dict[str, Any]()
    for name, comparison in (("from", ">="), ("to", "<")):
        if asked.query(name) is not None:
            conditions.append(f"item_date {comparison} %({name})s")
            params[name] = asked_day(asked, name)
    for name in DIMENSIONS:
        if (members := listed(asked, name)) is not None:
            conditions.append(metric.condition(name))
            params[name] = members
    return " AND ".join(conditions), params
