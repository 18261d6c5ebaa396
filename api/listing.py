"""The complaint list: a page of the view, filtered, sorted, with a cursor that is bound to both."""

import base64
import hashlib
from datetime import datetime
from typing import Any

import msgspec
from psycopg import sql

from api import problems
from api.http import Answer, Asked, whole_number
from api.problems import ProblemError
from ledger.ids import write_token


class ComplaintItem(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A complaint in a list; nothing in it is personal."""

    complaint_id: str
    tracking_number: str | None = None
    version: int | None = None
    stage: str | None = None
    waiting_on: str | None = None
    cycle: int | None = None
    nature: str | None = None
    severity: str | None = None
    is_provisional: bool | None = None
    channel: str | None = None
    source_system: str | None = None
    origin: str | None = None
    region: str | None = None
    category_path: list[str] | None = None
    problem_key: str | None = None
    customer_id: str | None = None
    owner_unit: str | None = None
    owner_person: str | None = None
    received_at: datetime | None = None
    recorded_at: datetime | None = None
    resolved_at: datetime | None = None
    closed_at: datetime | None = None
    close_reason: str | None = None
    is_imported: bool | None = None


class ComplaintList(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A page of complaints; `next` is the cursor of the page after it."""

    complaints: list[ComplaintItem]
    position: str
    next: str | None = None


FIELDS = tuple(name for name in ComplaintItem.__struct_fields__ if name != "complaint_id")
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
        condition, more = _after(order, _read_cursor(cursor, bound_to, len(order) + 1))
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
            next=_cursor(bound_to, [*page[-1][len(names) :], page[-1][0]])
            if len(rows) > limit
            else None,
        )
    )


_POSITION = "SELECT partition, position FROM views.positions WHERE view = 'complaints'"


def _fields(asked: Asked) -> list[str]:
    text = asked.query("fields")
    if text is None:
        return list(FIELDS)
    wanted = text.split(",")
    if not set(wanted) <= set(FIELDS):
        raise ProblemError(problems.BAD_QUERY, name="fields", expected=", ".join(FIELDS))
    return list(dict.fromkeys(wanted))


def _order(asked: Asked) -> list[tuple[str, bool]]:
    """The columns to sort by, each with whether it goes downwards."""
    order: list[tuple[str, bool]] = []
    for part in (asked.query("sort") or "-received_at").split(","):
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
            if len(values) > _MAX_VALUES or "" in values or "\x00" in text:
                raise ProblemError(
                    problems.BAD_QUERY, name=name, expected=f"1 to {_MAX_VALUES} values"
                )
            conditions.append(sql.SQL(f"{name} = ANY(%({name})s)"))
            params[name] = values
    for name, comparison in (("received_from", ">="), ("received_to", "<")):
        if (text := asked.query(name)) is not None:
            conditions.append(sql.SQL(f"received_at {comparison} %({name})s"))
            params[name] = _moment(name, text)
    return conditions, params


def _moment(name: str, text: str) -> datetime:
    expected = "an RFC 3339 time with an offset"
    try:
        moment = msgspec.convert(text, datetime, strict=True)
    except msgspec.ValidationError:
        raise ProblemError(problems.BAD_QUERY, name=name, expected=expected) from None
    if moment.tzinfo is None or not 1900 <= moment.year <= 2200:
        raise ProblemError(problems.BAD_QUERY, name=name, expected=expected)
    return moment


# --- cursors --------------------------------------------------------------------------------


def _fingerprint(order: list[tuple[str, bool]], params: dict[str, Any]) -> str:
    return hashlib.sha256(msgspec.json.encode([order, params], order="sorted")).hexdigest()[:16]


def _cursor(bound_to: str, last: list[Any]) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode([bound_to, last])).decode().rstrip("=")


def _read_cursor(cursor: str, bound_to: str, size: int) -> list[str]:
    expected = "the next of a page with the same filters and order"
    try:
        raw = base64.urlsafe_b64decode(cursor.encode() + b"=" * (-len(cursor) % 4))
        of, last = msgspec.json.decode(raw, type=tuple[str, list[str]])
    except (ValueError, msgspec.MsgspecError):
        raise ProblemError(problems.BAD_QUERY, name="cursor", expected=expected) from None
    if of != bound_to or len(last) != size:
        raise ProblemError(problems.BAD_QUERY, name="cursor", expected=expected)
    return last


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
