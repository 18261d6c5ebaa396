"""A row of the file as the orders it stands for: pure, so that every field can be tested.

The import invents nothing: whatever an order says stands in the row or in the mapping.
"""

from collections.abc import Mapping as Row
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from api.client import Client
from api.desk import COMMANDS, REGISTER
from api.importing.mapping import Mapping, Scalar, Source
from api.strict import MAX_BYTES, Invalid, NotJson, decode
from domain.kernel import Precision

ASSESS, SOURCE_FACT, CLOSE = "AssessComplaint", "RecordSourceFact", "CloseComplaint"


class BadRow(Exception):
    """The row cannot be imported; the text says why, and never what stands in the row."""


class PlannedOrder(msgspec.Struct, frozen=True, kw_only=True):
    """An order as it will be sent, except for the complaint that the first one makes."""

    step: str  # of the row: register, assess, source_fact.disputed, close
    command: str
    body: bytes
    key: str
    precision: Precision


class RowOrders(msgspec.Struct, frozen=True, kw_only=True):
    """All that a row stands for, in the order in which it is to be given."""

    external_ref: str
    orders: tuple[PlannedOrder, ...]
    latest_at: datetime


def client_of(mapping: Mapping) -> Client:
    """Who gives the orders of an import."""
    name = f"import:{mapping.source_system}"
    return Client(principal=name, client_id=name, role="import", kind="import")


def orders_of(mapping: Mapping, row: Row[str, str]) -> RowOrders:
    """The orders that a row stands for. Raises `BadRow`."""
    received_at, precision = _received(mapping, row)
    facts, latest_on = _source_facts(mapping, row)
    # Nobody knows when the source judged or closed: the last date the row has is all it says.
    latest_at = max([received_at, *(local_midnight(day, mapping.timezone) for day in latest_on)])
    registration = _registration(mapping, row)
    # White space around a reference is the file's, and would make two complaints of one.
    ref = registration["external_ref"] = registration["external_ref"].strip()

    planned = [("register", REGISTER, {"occurred_at": received_at, **registration})]
    if (path := _category_path(mapping, row)) and mapping.category:
        category = {"path": path, "taxonomy_version": mapping.category.taxonomy_version}
        planned.append(("assess", ASSESS, {"category": category, "decided_by": {"kind": "import"}}))
    planned += [
        (f"source_fact.{name}", SOURCE_FACT, {"name": name, "value": value})
        for name, value in facts.items()
    ]
    if _is_closed(mapping, row):
        planned.append(("close", CLOSE, {"reason": "imported"}))

    orders = []
    for step, command, body in planned:
        is_first = command == REGISTER
        orders.append(
            PlannedOrder(
                step=step,
                command=command,
                body=_checked(step, command, {"occurred_at": latest_at, **body}),
                key=f"{mapping.source_system}:{ref}:{step}",
                precision=precision if is_first else "unknown",
            )
        )
    return RowOrders(external_ref=ref, orders=tuple(orders), latest_at=latest_at)


def _checked(step: str, command: str, body: dict[str, Any]) -> bytes:
    """The body as JSON, if it is this command and no longer than the API takes."""
    sent = msgspec.json.encode(body)
    if len(sent) > MAX_BYTES:
        raise BadRow(f"{step}: longer than {MAX_BYTES} bytes")
    try:
        decode(COMMANDS[command], sent)
    except (Invalid, NotJson) as error:
        raise BadRow(f"{step}: {error}") from None
    return sent


# --- the parts of a row ---------------------------------------------------------------------


def _registration(mapping: Mapping, row: Row[str, str]) -> dict[str, Any]:
    told = {path: _value(source, row, mapping) for path, source in mapping.fields.items()}
    known = {path: value for path, value in told.items() if value is not None}
    body: dict[str, Any] = {"source_system": mapping.source_system}
    for path, value in (*mapping.constants.items(), *known.items()):
        part, _, _ = path.rpartition(".")
        siblings = [other for other in told if part and other.startswith(f"{part}.")]
        # A constant such as the source of the special groups says nothing by itself.
        if siblings and not any(sibling in known for sibling in siblings):
            continue
        _put(body, path, value)
    return body


def _put(body: dict[str, Any], path: str, value: Any) -> None:
    *parts, last = path.split(".")
    for part in parts:
        body = body.setdefault(part, {})
    body[last] = value


def _source_facts(mapping: Mapping, row: Row[str, str]) -> tuple[dict[str, str], list[date]]:
    facts: dict[str, str] = {}
    latest: list[date] = []
    for name, source in mapping.source_facts.items():
        value = _value(source, row, mapping)
        if value is None:
            continue
        if isinstance(value, date) and name in mapping.latest:
            latest.append(value)
        facts[name] = value.isoformat() if isinstance(value, date) else str(value)
    return facts, latest


def _category_path(mapping: Mapping, row: Row[str, str]) -> list[str]:
    if mapping.category is None:
        return []
    cells = [row[column] for column in mapping.category.columns]
    return [cell for cell in cells if not _is_blank(cell, mapping.category.blank)]


def _is_closed(mapping: Mapping, row: Row[str, str]) -> bool:
    if mapping.closed is None:
        return False
    cell = row[mapping.closed.column].strip()
    return cell in mapping.closed.values or cell.startswith(tuple(mapping.closed.starts_with))


def _received(mapping: Mapping, row: Row[str, str]) -> tuple[datetime, Precision]:
    column, formats = mapping.received.column, mapping.received.formats
    cell = row[column].strip()
    if not cell:
        raise BadRow(f"{column}: required, but blank")
    return _moment(column, cell, formats, mapping.timezone)


# --- single values --------------------------------------------------------------------------


def _is_blank(cell: str, blank: list[str]) -> bool:
    return not cell.strip() or cell.strip() in blank


def _value(source: Source, row: Row[str, str], mapping: Mapping) -> Any:
    cell = row[source.column]
    if _is_blank(cell, source.blank):
        if source.required:
            raise BadRow(f"{source.column}: required, but blank")
        return None
    if source.split is not None:
        items = [item.strip() for item in cell.split(source.split)]
        return [_text(source, item) for item in items if not _is_blank(item, source.blank)] or None
    match source.type:
        case "integer":
            return _integer(source.column, cell.strip())
        case "amount":
            return _minor_units(source.column, cell.strip(), source.decimals)
        case "date":
            return _parsed(source.column, cell.strip(), source.formats or [])[0].date()
        case "time":
            formats = source.formats or []
            return _moment(source.column, cell.strip(), formats, mapping.timezone)[0]
    return _text(source, cell)


def _text(source: Source, cell: str) -> Scalar:
    """The text as it stands, or what the table of values says for it."""
    value: Scalar = cell
    if source.values is not None:
        if cell.strip() in source.values:
            value = source.values[cell.strip()]
        elif source.others == "reject":
            raise BadRow(f"{source.column}: a value that the mapping's table does not have")
    return f"{source.prefix}{value}" if source.prefix else value


def _integer(column: str, cell: str) -> int:
    digits = cell.removeprefix("-")
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 18):
        raise BadRow(f"{column}: not an integer")
    return int(cell)


def _minor_units(column: str, cell: str, decimals: int) -> int:
    """12.50 as 1250: exactly, or not at all."""
    try:
        minor = Decimal(cell).scaleb(decimals)
        if len(cell) <= 32 and minor == minor.to_integral_value():
            return int(minor)
    except InvalidOperation:
        pass
    raise BadRow(f"{column}: not an amount with at most {decimals} decimals")


def _parsed(column: str, cell: str, formats: list[str]) -> tuple[datetime, str]:
    for format_ in formats:
        try:
            # With a %z the time has an offset; without one, the mapping's zone is put to it.
            return datetime.strptime(cell, format_), format_  # noqa: DTZ007
        except ValueError:
            continue
    raise BadRow(f"{column}: not a date of the form {' or '.join(formats)}")


def _moment(
    column: str, cell: str, formats: list[str], zone: ZoneInfo
) -> tuple[datetime, Precision]:
    """The moment that a cell tells, as precisely as its format can."""
    told, format_ = _parsed(column, cell, formats)
    if told.year < 1900:  # before the zones; far from any real complaint
        raise BadRow(f"{column}: the year is out of range")
    at = told if told.tzinfo else in_zone(told, zone)
    if any(seconds in format_ for seconds in ("%S", "%f", "%X", "%c")):
        return at, "instant"
    return at, "minute" if "%M" in format_ else "day"


def local_midnight(day: date, zone: ZoneInfo) -> datetime:
    """The instant at which a local day begins."""
    return in_zone(datetime.combine(day, time()), zone)


def in_zone(told: datetime, zone: ZoneInfo) -> datetime:
    """A local time with its offset: in a gap the end of the gap, in a fold the first."""
    utc = told.replace(tzinfo=zone).astimezone(UTC)
    if utc.astimezone(zone).replace(tzinfo=None) == told:
        return utc.astimezone(zone)
    # The two readings of a time in a gap lie on either side of the jump: halve until it is found.
    early = told.replace(tzinfo=zone, fold=1).astimezone(UTC).replace(microsecond=0)
    late = utc.replace(microsecond=0)
    after = late.astimezone(zone).utcoffset()
    while late - early > timedelta(seconds=1):
        middle = (early + (late - early) / 2).replace(microsecond=0)
        if middle.astimezone(zone).utcoffset() == after:
            late = middle
        else:
            early = middle
    return late.astimezone(zone)
