"""The import itself: reads rows, gives their orders at the desk, tells what became of them.

Several complaints are in flight at once, the orders of one in sequence. Every order has a key
made of the row's reference, so an import may be run again, or go on after it was killed.
"""

from contextlib import aclosing
from datetime import timedelta
from pathlib import Path
from typing import Literal

import msgspec

from api.desk import REGISTER, Desk, Order
from api.importing.flow import in_order, take_patiently
from api.importing.mapping import Mapping, MappingError
from api.importing.orders import CLOSE, BadRow, RowOrders, client_of, orders_of
from api.importing.records import Record, open_records
from api.importing.rejects import Rejects, Seen
from api.progress import Progress, no_progress
from domain.kernel import Rejected
from ledger.application import IdempotencyKeyReused


class ImportResult(msgspec.Struct, kw_only=True):
    """What became of the rows; registered + completed + replayed + rejected = rows."""

    rows: int = 0
    registered: int = 0  # complaints that are new
    completed: int = 0  # known already; something of the row was not
    replayed: int = 0  # known already, to the last order
    rejected: int = 0
    closed: int = 0  # closed now, because the source says so
    rejects: Path | None = None  # the file of rejected rows, if there is one


Kind = Literal["registered", "completed", "replayed", "rejected"]


class _Outcome(msgspec.Struct):
    """What became of one row."""

    kind: Kind
    reason: str = ""
    is_closed: bool = False


async def import_file(
    desk: Desk,
    path: Path,
    mapping: Mapping,
    *,
    rejects: Path,
    progress: Progress = no_progress,
) -> ImportResult:
    """Import the complaints of a CSV file; a bad row is kept in `rejects`, and the rest goes on.

    Raises `FileProblem` or `MappingError` before anything is done, `Unavailable` when the
    ledger stays away; then the same import, run again, goes on where it stopped.
    """
    result = ImportResult()
    with open_records(path, mapping.file) as records:
        _check_columns(records.columns, mapping)
        rejected_rows = Rejects(rejects, path, records.columns, mapping.file)
        with rejected_rows as refused, Seen() as seen:
            work = _Import(desk, mapping, records.columns, seen)
            outcomes = in_order(lambda row: work.carry_out(row[1]), map(work.read, records))
            async with aclosing(outcomes):
                async for (record, _), outcome in outcomes:
                    _count(result, outcome)
                    if outcome.kind == "rejected":
                        refused.add(record, outcome.reason)
                        result.rejects = refused.path
                    progress(result.rows, records.share)
    progress(result.rows, 1.0)
    return result


def summary(result: ImportResult) -> str:
    """What became of the rows, as a person reads it."""
    lines = [
        ("rows", result.rows, "行数"),
        ("registered", result.registered, "新登记"),
        ("completed", result.completed, "续传补全"),
        ("known already", result.replayed, "此前已导入"),
        ("rejected", result.rejected, "被拒绝"),
        ("closed as imported", result.closed, "按来源结案"),
    ]
    text = "\n".join(f"{name:<20}{count:>9,}  {zh}" for name, count, zh in lines)
    return f"{text}\nrejected rows: {result.rejects}" if result.rejects else text


def _check_columns(columns: list[str], mapping: Mapping) -> None:
    missing = [name for name in mapping.columns if name not in columns]
    if missing:
        raise MappingError(f"the file has no column {', '.join(repr(name) for name in missing)}")
    doubled = [name for name in mapping.columns if columns.count(name) > 1]
    if doubled:
        raise MappingError(f"the file has column {doubled[0]!r} more than once")


class _Import:
    """One run over one file."""

    def __init__(self, desk: Desk, mapping: Mapping, columns: list[str], seen: Seen) -> None:
        self._desk = desk
        self._mapping = mapping
        self._columns = columns
        self._seen = seen
        self._client = client_of(mapping)

    def read(self, record: Record) -> tuple[Record, RowOrders | _Outcome]:
        """A row with its orders, or with what becomes of it without any."""
        return record, self._read(record)

    def _read(self, record: Record) -> RowOrders | _Outcome:
        if record.problem is not None:
            return _rejected(record.problem)
        try:
            planned = orders_of(self._mapping, dict(zip(self._columns, record.cells, strict=True)))
        except BadRow as error:
            return _rejected(str(error))
        tolerance = timedelta(seconds=self._desk.rules.future_tolerance_seconds)
        if planned.latest_at > self._desk.now() + tolerance:
            return _rejected("a date of this row lies in the future")
        if (before := self._seen.before(planned.external_ref, record)) is None:
            return planned
        line, is_same = before
        if is_same:
            return _Outcome("replayed")
        return _rejected(f"line {line} has the same external_ref and says something else")

    async def carry_out(self, planned: RowOrders | _Outcome) -> _Outcome:
        """Give the orders of a row, each after the one before."""
        if isinstance(planned, _Outcome):
            return planned
        complaint_id, recorded = None, []
        for order in planned.orders:
            try:
                receipt = await take_patiently(
                    self._desk,
                    Order(
                        command=order.command,
                        body=order.body,
                        key=order.key,
                        complaint_id=complaint_id,
                        precision=order.precision,
                    ),
                    self._client,
                )
            except IdempotencyKeyReused:
                return _rejected(f"{order.step}: an earlier import said something else here")
            except Rejected as refusal:
                return _rejected(f"{order.step}: {': '.join(refusal.explain())}")
            complaint_id = receipt.stream_id
            if not receipt.is_replay:
                recorded.append(order.command)
        if not recorded:
            return _Outcome("replayed")
        kind: Kind = "registered" if recorded[0] == REGISTER else "completed"
        return _Outcome(kind, is_closed=CLOSE in recorded)


def _rejected(reason: str) -> _Outcome:
    return _Outcome("rejected", reason)


def _count(result: ImportResult, outcome: _Outcome) -> None:
    result.rows += 1
    result.closed += outcome.is_closed
    match outcome.kind:
        case "registered":
            result.registered += 1
        case "completed":
            result.completed += 1
        case "replayed":
            result.replayed += 1
        case "rejected":
            result.rejected += 1
