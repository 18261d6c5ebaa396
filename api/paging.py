"""What metrics and views share: lists of values, pages, and how far the views behind them are."""

import asyncio
import hashlib
import re
from collections.abc import Sequence
from datetime import date
from typing import Any

import msgspec

from api import problems
from api.http import MAX_QUERY, Asked, Parameter
from api.problems import ProblemError
from ledger.ids import write_token

REPORTS_AT_ONCE = 4
"""How many statements on `bi` run at once: they may take long, and orders need connections too."""
_PATIENCE_SECONDS = 10.0
MAX_VALUES = 50
MOST = 1000
LIMIT = Parameter(
    name="limit",
    place="query",
    description="How many at most.",
    schema={"type": "integer", "minimum": 1, "maximum": MOST, "default": 200},
)
CURSOR = Parameter(
    name="cursor",
    place="query",
    description="The `next` of the page before; it belongs to its filters and groups.",
    schema={"type": "string", "minLength": 1, "maxLength": MAX_QUERY},
)

_POSITIONS = """
SELECT partition, min(position) FROM views.positions
WHERE view = ANY(%(views)s) GROUP BY partition"""


async def report(asked: Asked, statement: str, params: dict[str, Any]) -> Sequence[tuple[Any, ...]]:
    """The rows of a statement on `bi`, when it is its turn; nobody waits for that for ever."""
    turn = asked.services.reports
    try:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            await turn.acquire()
    except TimeoutError:
        raise ProblemError(problems.UNAVAILABLE) from None
    try:
        return await asked.services.ledger.query(statement, params)
    finally:
        turn.release()


async def reached(asked: Asked, views: tuple[str, ...]) -> str:
    """How far these views have come, once they are where the client wants them."""
    for view in views:
        await asked.services.places.wait_for(view, asked.query("at_least"))
    return write_token(dict(await asked.services.ledger.query(_POSITIONS, {"views": list(views)})))


def values(asked: Asked, name: str) -> list[str] | None:
    """Values of the query joined by commas; None where the parameter is missing."""
    text = asked.query(name)
    if text is None:
        return None
    found = text.split(",")
    if len(found) > MAX_VALUES or "" in found:
        raise ProblemError(problems.BAD_QUERY, name=name, expected=f"1 to {MAX_VALUES} values")
    return found


def chosen(asked: Asked, name: str, known: tuple[str, ...]) -> list[str]:
    """Values of the query that are all known, each once."""
    found = list(dict.fromkeys(values(asked, name) or []))
    if not set(found) <= set(known):
        raise ProblemError(problems.BAD_QUERY, name=name, expected=f"some of {', '.join(known)}")
    return found


def asked_day(asked: Asked, name: str) -> date:
    """A date of the query."""
    text = asked.query(name) or ""
    try:
        if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text, re.ASCII) is None:
            raise ValueError
        return date.fromisoformat(text)
    except ValueError:
        raise ProblemError(problems.BAD_QUERY, name=name, expected="YYYY-MM-DD") from None


def fingerprint(*asked_for: Any) -> str:
    """What a cursor is bound to."""
    return hashlib.sha256(msgspec.json.encode(asked_for, order="sorted")).hexdigest()[:16]


def row_before(asked: Asked, bound_to: str) -> str:
    """The key of the last row of the page before; at the first page one before all others."""
    cursor = asked.query("cursor")
    if cursor is None:
        return ""
    try:
        [key] = asked.services.cursors.read(cursor, bound_to)
    except ValueError:
        expected = "the next of a page with the same filters and groups"
        raise ProblemError(problems.BAD_QUERY, name="cursor", expected=expected) from None
    return key


def row_after(asked: Asked, bound_to: str, keys: list[str], limit: int) -> str | None:
    """The cursor of the next page, where more rows were found than a page holds."""
    if len(keys) <= limit:
        return None
    return asked.services.cursors.write(bound_to, [keys[limit - 1]])
