"""Times as clients write them: RFC 3339 with an offset."""

from datetime import datetime
from typing import Any

import msgspec

from api import problems
from api.http import Asked
from api.problems import ProblemError

EXPECTED = "an RFC 3339 time with an offset"
IN_A_QUERY = " (a plus sign is sent as %2B)"
MOMENT_SCHEMA: dict[str, Any] = {"type": "string", "format": "date-time"}


def read_moment(text: str) -> datetime:
    """The time a text says; `ValueError` tells what was expected."""
    try:
        moment = msgspec.convert(text, datetime, strict=True)
    except msgspec.ValidationError:
        raise ValueError(EXPECTED) from None
    # PostgreSQL and the local calendars hold more, but nobody means it.
    if moment.tzinfo is None or not 1900 <= moment.year <= 2200:
        raise ValueError(EXPECTED)
    return moment


def asked_moment(asked: Asked, name: str) -> datetime | None:
    """A time of the query."""
    text = asked.query(name)
    if text is None:
        return None
    try:
        return read_moment(text)
    except ValueError as error:
        expected = f"{error}{IN_A_QUERY}"
        raise ProblemError(problems.BAD_QUERY, name=name, expected=expected) from None
