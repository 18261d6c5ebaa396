"""The views of `bi` over HTTP: rows, or counts by group, as JSON or CSV.

What BI tools read with SQL is read here in pages. Which views and columns there are is asked of
the database: they are its public contract, and hold nothing personal.
"""

from typing import Any
from urllib.parse import urlencode

import msgspec
from psycopg import sql

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
from api.spreadsheet import CONTENT_TYPE, CSV, FORMAT, csv_of, wants_csv
from projections import VIEWS
from projections.bi import COLUMNS, Column, View, grouped_sql, rows_sql, view_of

NO_FILTERS = ("group_by", "format", "limit", "cursor", "at_least")


class ViewColumn(msgspec.Struct, kw_only=True):
    """A column of a view and what it means."""

    name: str
    type: str
    meaning: str


class ViewDescription(msgspec.Struct, kw_only=True):
    """A view of `bi`: what a row is, and its columns."""

    name: str
    grain: str
    columns: list[ViewColumn]


class ViewList(msgspec.Struct, kw_only=True):
    """The views of `bi`."""

    views: list[ViewDescription]


class ViewRows(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A page of a view, or of its groups; `next` is the cursor of the page after it."""

    view: str
    columns: list[str]
    rows: list[dict[str, Any]]
    position: str
    next: str | None = None


# --- routes ---------------------------------------------------------------------------------

_VIEW = Parameter(
    name="view",
    place="path",
    description="The name of the view: `complaints`, `sla_attainment`, `repeat_rate` ...",
    schema={"type": "string", "pattern": "^[a-z][a-z_]{0,62}$"},
    is_required=True,
    example="repeat_rate",
)
_GROUP_BY = Parameter(
    name="group_by",
    place="query",
    description="Columns of the view, joined by commas: counts are summed, and ratios worked out"
    " from the sums.",
    schema={"type": "string", "pattern": "^[a-z][a-z0-9_]*(,[a-z][a-z0-9_]*){0,9}$"},
)
_FILTERS = Parameter(
    name="filters",
    place="query",
    description="Any column of text, dates, whole numbers or true and false, by its own name:"
    " `?channel=phone,web`; of a date column also `<column>_from` and `<column>_to`, the latter not"
    " included.",
    schema={
        "type": "object",
        "additionalProperties": {"type": "string", "minLength": 1, "maxLength": MAX_QUERY},
    },
)
_PAGES = (LIMIT, CURSOR, AT_LEAST, ACCEPT_LANGUAGE)


def routes() -> list[Route]:
    """The routes of views."""
    shared: dict[str, Any] = {"method": "GET", "tag": "Metrics", "roles": READ_COMPLAINTS}
    return [
        Route(
            path="/v1/views",
            operation="ListViews",
            summary="The views of bi with their columns.",
            handler=_list,
            answer=ViewList,
            parameters=(ACCEPT_LANGUAGE,),
            problems=(problems.UNKNOWN_QUERY, *ErrorsOf.KEYED),
            **shared,
        ),
        Route(
            path="/v1/views/{view}",
            operation="GetView",
            summary="Rows of a view of bi, or counts by group; as JSON or CSV.",
            description="As CSV, `Link` leads to the next page.",
            handler=_read,
            answer=ViewRows,
            parameters=(_VIEW, _GROUP_BY, _FILTERS, FORMAT, *_PAGES),
            takes_any_query=True,
            also=((200, CSV, None),),
            headers=("Ledger-Position", "Link"),
            problems=(
                problems.BAD_QUERY,
                problems.UNKNOWN_QUERY,
                problems.UNKNOWN_VIEW,
                problems.VIEW_BEHIND,
                *ErrorsOf.KEYED,
            ),
            **shared,
        ),
    ]


# --- handlers -------------------------------------------------------------------------------


async def _views(asked: Asked) -> dict[str, View]:
    return view_of(await asked.services.ledger.query(COLUMNS, {}))


async def _list(asked: Asked) -> Answer:
    told = [
        ViewDescription(
            name=view.name,
            grain=view.grain,
            columns=[
                ViewColumn(name=column.name, type=column.type, meaning=column.meaning)
                for column in view.columns
            ],
        )
        for view in (await _views(asked)).values()
    ]
    return Answer(content=ViewList(views=told))


async def _read(asked: Asked) -> Answer:
    views = await _views(asked)
    view = views.get(asked.path("view"))
    if view is None:
        raise ProblemError(problems.UNKNOWN_VIEW, known=", ".join(views))
    is_csv = wants_csv(asked)
    limit = whole_number(asked, "limit", 200, 1, MOST)
    group_by = chosen(asked, "group_by", view.groups)
    conditions, params = _conditions(asked, view)
    statement, columns = (grouped_sql if group_by else rows_sql)(view, group_by, conditions)
    bound_to = fingerprint("view", view.name, group_by, params)
    page = {**params, "after": row_before(asked, bound_to), "limit": limit + 1}
    position = await reached(asked, VIEWS)
    found = await report(asked, statement.as_string(), page)
    rows = [row[1:] for row in found[:limit]]
    following = row_after(asked, bound_to, [row[0] for row in found], limit)
    headers = {"Ledger-Position": position, "Vary": "Accept"}
    if is_csv:
        if following is not None:
            headers["Link"] = _link(asked, following)
        return Answer(content=csv_of(columns, rows), headers=headers, media_type=CONTENT_TYPE)
    content = ViewRows(
        view=view.name,
        columns=columns,
        rows=[dict(zip(columns, row, strict=True)) for row in rows],
        position=position,
        next=following,
    )
    return Answer(content=content, headers=headers)


def _conditions(asked: Asked, view: View) -> tuple[list[sql.Composable], dict[str, Any]]:
    """The conditions on columns that the query names, and their parameters."""
    known = {column.name: column for column in view.columns if column.is_group}
    conditions: list[sql.Composable] = []
    params: dict[str, Any] = {}
    for name in asked.request.query_params:
        if name in NO_FILTERS:
            continue
        column, _, end = name.rpartition("_")
        if name in known:
            members = listed(asked, name)
            conditions.append(_is_one_of(known[name], f"p{len(params)}"))
            params[f"p{len(params)}"] = members
        elif end in ("from", "to") and column in known and known[column].type == "date":
            conditions.append(_is_within(known[column], end, f"p{len(params)}"))
            params[f"p{len(params)}"] = asked_day(asked, name)
        else:
            told = ", ".join([*known, *NO_FILTERS])
            raise ProblemError(problems.UNKNOWN_QUERY, known=told)
    return conditions, params


def _is_one_of(column: Column, name: str) -> sql.Composable:
    """Compared as text: any spelling is a value, that nothing may have."""
    return sql.SQL("{}::text = ANY({})").format(sql.Identifier(column.name), sql.Placeholder(name))


def _is_within(column: Column, end: str, name: str) -> sql.Composable:
    comparison = sql.SQL(">=") if end == "from" else sql.SQL("<")
    return sql.SQL("{} {} {}").format(
        sql.Identifier(column.name), comparison, sql.Placeholder(name)
    )


def _link(asked: Asked, cursor: str) -> str:
    """The page after this one: a table has no place for a cursor."""
    query = {name: asked.query(name) for name in asked.request.query_params} | {"cursor": cursor}
    path = asked.route.path.replace("{view}", asked.path("view"))
    return f'<{path}?{urlencode(query)}>; rel="next"'
