"""The complaint list: a page of the view, filtered, sorted, with a cursor that is bound to both."""

import hashlib
from typing import Any, get_args

import msgspec
from psycopg import sql

from api import problems
from api.http import Answer, Asked
from api.moments import asked_moment
from api.parameters import whole_number
from api.problems import ProblemError
from domain.complaint.vocabulary import CloseReason, Nature, Origin, Stage, WaitingOn
from domain.kernel import Moment
from domain.rules import Severity
from ledger.ids import write_token


class ComplaintItem(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A complaint in a list; nothing in it is personal."""

    complaint_id: str
    tracking_number: str | None = None
    version: int | None = None
    stage: Stage | None = None
    waiting_on: WaitingOn | None = None
    cycle: int | None = None
    nature: Nature | None = None
    severity: Severity | None = None
    is_provisional: bool | None = None
    channel: str | None = None
    source_system: str | None = None
    origin: Origin | None = None
    region: str | None = None
    category_path: list[str] | None = None
    problem_key: str | None = None
    customer_id: str | None = None
    owner_unit: str | None = None
    owner_person: str | None = None
    received_at: Moment | None = None
    recorded_at: Moment | None = None
    resolved_at: Moment | None = None
    closed_at: Moment | None = None
    close_reason: CloseReason | None = None
    is_imported: bool | None = None


class ComplaintList(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A page of complaints; `next` is the cursor of the page after it."""

    complaints: list[ComplaintItem]
    position: str
    next: str | None = None


FIELDS = ComplaintItem.__struct_fields__
FILTERS = (
    "stage",
    "severity",
    "nature",
    "channel",
    "source_system",
    "origin",
    "region",
    "waiting_on",
    "close_reason",
    "owner_unit",
    "owner_person",
    "customer_id",
    "problem_key",
)
CLOSED_LISTS: dict[str, tuple[str, ...]] = {
    "stage": get_args(Stage),
    "severity": get_args(Severity),
    "nature": get_args(Nature),
    "origin": get_args(Origin),
    "waiting_on": get_args(WaitingOn),
    "close_reason": get_args(CloseReason),
}
"""Filters that take these values only: a mistyped one is refused, not answered with nothing."""

SORTS = ("received_at", "recorded_at", "severity", "stage", "channel", "ledger_position")
"""What a list can be sorted by: columns that are never NULL; complaint_id breaks ties."""

_MAX_VALUES = 50


async def list_complaints(asked: Asked) -> Answer:
    """A page of the list."""
    limit = whole_number(asked, "limit", 50, 1, 200)
    fields = _fields(asked)
    order = _order(asked)
    conditions, params = _conditions(asked)
    bound_to = _fingerprint(order, params)
    if (cursor := asked.query("cursor")) is not None:
        condition, more = _after(order, _row_before(asked, cursor, bound_to))
        conditions.append(condition)
        params |= more
    await asked.services.places.wait_for("complaints", asked.query("at_least"))
    position = await asked.services.ledger.query(_POSITION, {})
    columns = [*fields, *(f"{name}::text AS sort_{name}" for name, _ in order)]
    statement = sql.SQL(
        "SELECT complaint_id::text, {columns} FROM views.complaints {where} ORDER BY {order}"
        " LIMIT %(limit)s"
    ).format(
        columns=sql.SQL(", ").join(sql.SQL(column) for column in columns),
        where=sql.SQL("WHERE {}").format(sql.SQL(" AND ").join(conditions))
        if conditions
        else sql.SQL(""),
        order=sql.SQL(", ").join(
            sql.SQL(f"{name} {'DESC' if is_down else 'ASC'}")
            for name, is_down in [*order, ("complaint_id", False)]
        ),
    )
    rows = await asked.services.ledger.query(statement.as_string(), {**params, "limit": limit + 1})
    page = rows[:limit]
    names = ("complaint_id", *fields)
    return Answer(
        content=ComplaintList(
            complaints=[
                ComplaintItem(**dict(zip(names, row[: len(names)], strict=True))) for row in page
            ],
            position=write_token(dict(position)),
            next=asked.services.cursors.write(bound_to, [*page[-1][len(names) :], page[-1][0]])
            if len(rows) > limit
            else None,
        )
    )


_POSITION = "SELECT partition, position FROM views.positions WHERE view = 'complaints'"


def _fields(asked: Asked) -> list[str]:
    text = asked.query("fields")
    if text is None:
        return list(FIELDS[1:])
    wanted = text.split(",")
    if not set(wanted) <= set(FIELDS):
        raise ProblemError(problems.BAD_QUERY, name="fields", expected=", ".join(FIELDS))
    return [name for name in dict.fromkeys(wanted) if name != "complaint_id"]


def _order(asked: Asked) -> list[tuple[str, bool]]:
    """The columns to sort by, each with whether it goes downwards."""
    order: list[tuple[str, bool]] = []
    text = asked.query("sort")
    for part in ("-received_at" if text is None else text).split(","):
        name = part.removeprefix("-")
        if name not in SORTS or name in [known for known, _ in order]:
            raise ProblemError(problems.BAD_QUERY, name="sort", expected=", ".join(SORTS))
        order.append((name, part.startswith("-")))
    return order


def _conditions(asked: Asked) -> tuple[list[sql.Composable], dict[str, Any]]:
    conditions: list[sql.Composable] = []
    params: dict[str, Any] = {}
    for name in FILTERS:
        if (text := asked.query(name)) is not None:
            values = text.split(",")
            if len(values) > _MAX_VALUES or "" in values:
                raise ProblemError(
                    problems.BAD_QUERY, name=name, expected=f"1 to {_MAX_VALUES} values"
                )
            known = CLOSED_LISTS.get(name)
            if known is not None and not set(values) <= set(known):
                raise ProblemError(problems.BAD_QUERY, name=name, expected=", ".join(known))
            conditions.append(sql.SQL(f"{name} = ANY(%({name})s)"))
            params[name] = values
    for name, comparison in (("received_from", ">="), ("received_to", "<")):
        if (moment := asked_moment(asked, name)) is not None:
            conditions.append(sql.SQL(f"received_at {comparison} %({name})s"))
            params[name] = moment
    return conditions, params


# --- cursors --------------------------------------------------------------------------------


def _fingerprint(order: list[tuple[str, bool]], params: dict[str, Any]) -> str:
    return hashlib.sha256(msgspec.json.encode([order, params], order="sorted")).hexdigest()[:16]


def _row_before(asked: Asked, cursor: str, bound_to: str) -> list[str]:
    try:
        return asked.services.cursors.read(cursor, bound_to)
    except ValueError:
        expected = "the next of a page with the same filters and order"
        raise ProblemError(problems.BAD_QUERY, name="cursor", expected=expected) from None


_CASTS = {"received_at": "timestamptz", "recorded_at": "timestamptz", "ledger_position": "bigint"}


def _after(order: list[tuple[str, bool]], last: list[str]) -> tuple[sql.Composable, dict[str, Any]]:
    """The condition for what comes after a row, in an order of several directions."""
    params = {f"after_{index}": value for index, value in enumerate(last)}
    columns = [*order, ("complaint_id", False)]
    casts = [_CASTS.get(name, "uuid" if name == "complaint_id" else "text") for name, _ in columns]
    ways = []
    for index, (name, is_down) in enumerate(columns):
        equal = [
            f"{columns[before][0]} = %(after_{before})s::{casts[before]}" for before in range(index)
        ]
        beyond = f"{name} {'<' if is_down else '>'} %(after_{index})s::{casts[index]}"
        ways.append(" AND ".join([*equal, beyond]))
    return sql.SQL(f"({' OR '.join(f'({way})' for way in ways)})"), params
