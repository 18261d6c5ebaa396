"""Rows as CSV for spreadsheets: UTF-8 with a byte order mark, and no cell that is a formula."""

import csv
import io
import re
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any

from api import problems
from api.http import Asked, Parameter
from api.negotiation import ranks
from api.problems import ProblemError

CSV = "text/csv"
CONTENT_TYPE = "text/csv; header=present"  # Litestar adds the charset of every text
FORMAT = Parameter(
    name="format",
    place="query",
    description="`csv` for a table in UTF-8 with a byte order mark, its first row the names of the"
    " columns; as `Accept: text/csv`. A text cell that a spreadsheet would take for a formula"
    " begins with an apostrophe.",
    schema={"type": "string", "enum": ["json", "csv"]},
)
_BOM = "\ufeff"
# As in JSON: what Excel and LibreOffice start a formula at, behind white space too, and its
# full-width forms.
_FORMULA = re.compile(r"^[\s\x00]*[=+\-@\uff1d\uff0b\uff0d\uff20]|^[\t\r\n]")


def csv_of(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> bytes:
    """A table as CSV (RFC 4180); what is absent is an empty cell."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow([_cell(name) for name in columns])
    writer.writerows([_cell(value) for value in row] for row in rows)
    return (_BOM + text.getvalue()).encode()


def wants_csv(asked: Asked) -> bool:
    """Whether CSV is asked for, by `format` or else by `Accept`."""
    match asked.query("format"):
        case None:
            return _prefers_csv(asked.headers.get("accept", ""))
        case "csv" | "json" as named:
            return named == "csv"
    raise ProblemError(problems.BAD_QUERY, name="format", expected="json or csv")


def _cell(value: Any) -> str:
    """A value as text; numbers stay numbers, also negative ones."""
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case str():
            return f"'{value}" if _FORMULA.match(value) else value
        case datetime():
            return value.isoformat().replace("+00:00", "Z")
        case date():
            return value.isoformat()
        case list() | tuple():
            return _cell(" > ".join(map(str, value)))
    return str(value)


def _prefers_csv(accept: str) -> bool:
    """Whether CSV is ranked above JSON; who takes anything gets JSON."""
    csv_rank, json_rank = ranks(accept, "text/csv", "application/json")
    return csv_rank > json_rank
