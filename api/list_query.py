"""What a request wants of the complaint list: which rows, in which order, with which fields."""

import hashlib
from typing import Any, get_args

import msgspec

from api import problems
from api.http import Asked
from api.moments import asked_moment
from api.parameters import parse_uuid, whole_number
from api.problems import ProblemError
from domain.complaint.vocabulary import CloseReason, Nature, Origin, Stage, WaitingOn
from domain.rules import Severity
from projections.hashes import external_ref_hash
from projections.search import grams_of, plain

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

SORTS = (
    "received_at",
    "recorded_at",
    "due_at",
    "severity",
    "stage",
    "channel",
    "ledger_position",
)
"""What a list can be sorted by; complaint_id breaks ties."""

MAX_Q = 200
_MAX_VALUES = 50
_CASTS = {
    "received_at": "timestamptz",
    "recorded_at": "timestamptz",
    "due_at": "timestamptz",
    "ledger_position": "bigint",
    "complaint_id": "uuid",
}
_DUE = """
LEFT JOIN views.sla_clocks AS k ON k.partition = c.partition AND k.complaint_id = c.complaint_id
    AND k.clock = 'resolve' AND k.cycle = c.cycle AND k.stopped_at IS NULL"""
# A union, not an OR: each part has an index of its own.
_FOUND = """c.complaint_id IN (
SELECT complaint_id FROM views.complaint_search
WHERE grams @> %(q_grams)s::text[] AND subject LIKE ALL (%(q_terms)s::text[])
UNION ALL SELECT complaint_id FROM views.complaints WHERE tracking_number = %(q_number)s
UNION ALL SELECT complaint_id FROM views.complaints WHERE external_ref_hash = %(q_hash)s
UNION ALL SELECT %(q_id)s::uuid)"""

Order = list[tuple[str, bool]]
"""The columns to sort by, each with whether it goes downwards."""


class ListQuery(msgspec.Struct, kw_only=True):
    """Which rows of the list, in which order, with which fields, after which row."""

    limit: int
    fields: list[str]
    order: Order
    conditions: list[str]
    params: dict[str, Any]
    bound_to: str = ""

    @property
    def views(self) -> list[str]:
        """The views that answer it."""
        names = ["complaints"]
        names += ["sla"] if self._has_due_at else []
        names += ["search"] if "q_terms" in self.params else []
        return names

    @property
    def statement(self) -> str:
        """The rows of one page and one more: the id, the fields, and what it is sorted by."""
        columns = [_column(name) for name in self.fields]
        columns += [f"{_sorted_by(*part)}::text" for part in self.order]
        order = [f"{_sorted_by(*part)} {'DESC' if part[1] else 'ASC'}" for part in self.order]
        where = f"WHERE {' AND '.join(self.conditions)}" if self.conditions else ""
        return (
            f"SELECT {', '.join(['c.complaint_id::text', *columns])} FROM views.complaints AS c"
            f"{_DUE if self._has_due_at else ''} {where}"
            f" ORDER BY {', '.join([*order, 'c.complaint_id'])} LIMIT %(limit)s"
        )

    @property
    def _has_due_at(self) -> bool:
        return "due_at" in self.fields or "due_at" in [name for name, _ in self.order]

    def go_on_after(self, last: list[str]) -> None:
        """Only what comes after this row: the values it was sorted by, and its id."""
        columns = [*self.order, ("complaint_id", False)]
        ways = []
        for index, part in enumerate(columns):
            equal = [
                f"{_sorted_by(*columns[before])} = {_value(before, columns[before][0])}"
                for before in range(index)
            ]
            comparison = "<" if part[1] else ">"
            ways.append(
                " AND ".join([*equal, f"{_sorted_by(*part)} {comparison} {_value(index, part[0])}"])
            )
        self.conditions.append(f"({' OR '.join(f'({way})' for way in ways)})")
        self.params |= {f"after_{index}": value for index, value in enumerate(last)}


def read_query(asked: Asked, known_fields: tuple[str, ...]) -> ListQuery:
    """What the request asks for; refuses what cannot be meant."""
    found = ListQuery(
        limit=whole_number(asked, "limit", 50, 1, 200),
        fields=_fields(asked, known_fields),
        order=_order(asked),
        conditions=[],
        params={},
    )
    _filter(asked, found)
    _search(asked, found)
    told = msgspec.json.encode([found.order, found.params], order="sorted")
    found.bound_to = hashlib.sha256(told).hexdigest()[:16]
    if (cursor := asked.query("cursor")) is not None:
        found.go_on_after(_row_before(asked, cursor, found.bound_to))
    return found


def _fields(asked: Asked, known: tuple[str, ...]) -> list[str]:
    text = asked.query("fields")
    if text is None:
        return [name for name in known if name != "complaint_id"]
    wanted = text.split(",")
    if not set(wanted) <= set(known):
        raise ProblemError(problems.BAD_QUERY, name="fields", expected=", ".join(known))
    return [name for name in dict.fromkeys(wanted) if name != "complaint_id"]


def _order(asked: Asked) -> Order:
    order: Order = []
    text = asked.query("sort")
    for part in ("-received_at" if text is None else text).split(","):
        name = part.removeprefix("-")
        if name not in SORTS or name in [known for known, _ in order]:
            raise ProblemError(problems.BAD_QUERY, name="sort", expected=", ".join(SORTS))
        order.append((name, part.startswith("-")))
    return order


def _filter(asked: Asked, found: ListQuery) -> None:
    for name in FILTERS:
        if (text := asked.query(name)) is None:
            continue
        values = text.split(",")
        if len(values) > _MAX_VALUES or "" in values:
            expected = f"1 to {_MAX_VALUES} values"
            raise ProblemError(problems.BAD_QUERY, name=name, expected=expected)
        known = CLOSED_LISTS.get(name)
        if known is not None and not set(values) <= set(known):
            raise ProblemError(problems.BAD_QUERY, name=name, expected=", ".join(known))
        found.conditions.append(f"c.{name} = ANY(%({name})s)")
        found.params[name] = values
    for name, comparison in (("received_from", ">="), ("received_to", "<")):
        if (moment := asked_moment(asked, name)) is not None:
            found.conditions.append(f"c.received_at {comparison} %({name})s")
            found.params[name] = moment


def _search(asked: Asked, found: ListQuery) -> None:
    """What is searched for: an id, a number or a reference as it is, or words of the subject."""
    if (text := asked.query("q")) is None:
        return
    if len(text) > MAX_Q or not (terms := plain(text).split()):
        expected = f"1 to {MAX_Q} characters, not only spaces"
        raise ProblemError(problems.BAD_QUERY, name="q", expected=expected)
    found.conditions.append(_FOUND)
    found.params |= {
        "q_grams": sorted({gram for term in terms for gram in grams_of(term)}),
        "q_terms": [f"%{_literally(term)}%" for term in terms],
        "q_number": plain(text).upper(),
        "q_hash": external_ref_hash(asked.services.places.secret, text.strip()),
        "q_id": parse_uuid(text.strip()),
    }


def _literally(term: str) -> str:
    """A term in a pattern of LIKE, meaning itself."""
    return term.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _row_before(asked: Asked, cursor: str, bound_to: str) -> list[str]:
    try:
        return asked.services.cursors.read(cursor, bound_to)
    except ValueError:
        expected = "the next of a page with the same filters and order"
        raise ProblemError(problems.BAD_QUERY, name="cursor", expected=expected) from None


# --- columns --------------------------------------------------------------------------------


def _column(name: str) -> str:
    return "k.due_at" if name == "due_at" else f"c.{name}"


def _sorted_by(name: str, is_down: bool) -> str:
    """What rows are compared by; those that nothing is due of come last either way."""
    if name == "due_at":
        return f"coalesce(k.due_at, '{'-' if is_down else ''}infinity')"
    return f"c.{name}"


def _value(index: int, name: str) -> str:
    return f"%(after_{index})s::{_CASTS.get(name, 'text')}"
