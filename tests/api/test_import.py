"""The import on a real database: twice, killed in the middle, with bad rows among good ones."""

import asyncio
import csv
import subprocess
import sys
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import psycopg
import pytest

from api.desk import Desk
from api.importing.mapping import MappingError, load_mapping
from api.importing.records import FileProblem
from api.importing.rejects import default_rejects
from api.importing.run import ImportResult, import_file, summary
from api.progress import Progress, no_progress
from api.registry import registry
from domain.rulebook.defaults import DEFAULT_RULES
from ledger.application import Ledger
from projections import VIEWS
from tests.api.serving import runner_of
from tests.conftest import Database

T = TypeVar("T")

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = ROOT / "tests" / "data" / "cfpb_200.csv"

_COUNTS = """
SELECT type, data->>'name', data->>'value', data->>'channel', data->>'reason', count(*)
FROM ledger.readable_events
WHERE data->>'name' IS DISTINCT FROM 'sent_to_company_on' GROUP BY 1, 2, 3, 4, 5"""
_EVENTS = """
SELECT position, stream_id, version, type, data, metadata FROM ledger.events ORDER BY position"""
_CUT = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = %(name)s AND backend_type = 'client backend' AND pid <> pg_backend_pid()"""


def at_desk(database: Database, work: Callable[[Desk], Awaitable[T]]) -> T:
    """Do something at a desk of this database."""

    async def run() -> T:
        ledger = Ledger(database.app, registry())
        await ledger.open()
        try:
            return await work(Desk(ledger, DEFAULT_RULES))
        finally:
            await ledger.aclose()

    return asyncio.run(run())


def take_in(
    database: Database, path: Path, rejects: Path, progress: Progress = no_progress
) -> ImportResult:
    mapping = load_mapping("cfpb")
    return at_desk(
        database,
        lambda desk: import_file(desk, path, mapping, rejects=rejects, progress=progress),
    )


def select(database: Database, statement: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(database.uri("closedloop_audit")) as connection:
        return connection.execute(statement).fetchall()


def counts(database: Database) -> Counter[tuple[str, ...]]:
    """How often the ledger says what."""
    return Counter(
        {tuple(part for part in row[:-1] if part): row[-1] for row in select(database, _COUNTS)}
    )


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def write(path: Path, rows: list[dict[str, str]]) -> Path:
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def expected() -> Counter[tuple[str, ...]]:
    """The same counts, from the file itself."""
    found: Counter[tuple[str, ...]] = Counter()
    for row in rows_of(SAMPLE):
        channel = row["Submitted via"].lower().replace(" ", "_")
        response = row["Company response to consumer"]
        found["ComplaintRegistered", channel] += 1
        found[("ComplaintAssessed",)] += 1
        found["SourceFactRecorded", "company_response", response] += 1
        found["SourceFactRecorded", "timely_response", row["Timely response?"].lower()] += 1
        if disputed := row["Consumer disputed?"].lower():
            found["SourceFactRecorded", "disputed", disputed] += 1
        if response.startswith("Closed"):
            found["ComplaintClosed", "imported"] += 1
    return found


# --- once and again -------------------------------------------------------------------------


def test_what_is_imported_is_what_the_file_says_and_importing_again_changes_nothing(
    database: Database, tmp_path: Path
) -> None:
    rejects = tmp_path / "rejects.csv"
    shares: list[float] = []
    first = take_in(database, SAMPLE, rejects, lambda done, share: shares.append(share))
    assert first == ImportResult(rows=200, registered=200, closed=173)
    assert counts(database) == expected()
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    runner = runner_of(database)
    runner.catch_up()
    digests = {name: runner.digest(name) for name in VIEWS}
    events = select(database, _EVENTS)

    again = take_in(database, SAMPLE, rejects)
    assert again == ImportResult(rows=200, replayed=200)
    assert select(database, _EVENTS) == events
    runner.catch_up()
    assert {name: runner.digest(name) for name in digests} == digests
    assert not rejects.exists()
    assert "known already" in summary(again)


def test_an_import_starts_no_clock(database: Database) -> None:
    """The views were brought up to date by the test before."""
    assert select_views(database, "SELECT count(*) FROM views.sla_clocks") == [(0,)]


def select_views(database: Database, statement: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(database.app) as connection:
        return connection.execute(statement).fetchall()


# --- killed, cut off ------------------------------------------------------------------------

_IMPORT_AND_STOP = """
import sys
from pathlib import Path
from tests.api.test_import import SAMPLE, take_in
from tests.conftest import Database

class Here(Database):
    def __init__(self): pass
    app = sys.argv[1]

def progress(done, share):
    if done == 60:
        print("sixty", flush=True)
        sys.stdin.read()  # the orders in flight stay where they are until the kill

take_in(Here(), SAMPLE, Path(sys.argv[2]), progress)
"""


def test_an_import_that_was_killed_is_completed_by_the_next_one(
    fresh_database: Database, tmp_path: Path
) -> None:
    rejects = tmp_path / "rejects.csv"
    command = [sys.executable, "-c", _IMPORT_AND_STOP, fresh_database.app, str(rejects)]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as killed:
        assert killed.stdout is not None
        assert killed.stdout.readline() == "sixty\n"
        killed.kill()
    known = counts(fresh_database)
    assert 60 <= known.total() < expected().total()

    result = take_in(fresh_database, SAMPLE, rejects)
    assert counts(fresh_database) == expected()
    assert result.rejected == 0
    assert result.replayed >= 60
    assert result.registered + result.completed + result.replayed == 200
    assert 0 < result.registered < 140


def test_an_import_outlives_cut_connections(fresh_database: Database, tmp_path: Path) -> None:
    cuts = []

    def cut(done: int, share: float) -> None:
        if done in (20, 90, 160):
            with psycopg.connect(fresh_database.owner, autocommit=True) as connection:
                connection.execute("SET ROLE closedloop_app")
                cuts.append(connection.execute(_CUT, {"name": fresh_database.name}).fetchall())

    result = take_in(fresh_database, SAMPLE, tmp_path / "rejects.csv", cut)
    assert len(cuts) == 3
    assert all(cuts)
    assert result.rows == 200
    assert result.rejected == 0
    assert counts(fresh_database) == expected()


# --- bad rows -------------------------------------------------------------------------------


def test_bad_rows_are_kept_apart_and_can_be_mended(
    fresh_database: Database, tmp_path: Path
) -> None:
    good = rows_of(SAMPLE)[:6]
    long = {**good[1], "Consumer complaint narrative": 'x, "投诉"\r\n😀 ' * 9_000}
    file = write(
        tmp_path / "mixed.csv",
        [
            {**good[0], "Date received": "soon"},
            long,
            {**good[2], "Submitted via": "Carrier pigeon"},
            {**good[3], "Date received": "2199-01-01"},
            good[4],
            {**good[4], "State": "WY"},  # the same complaint, and not the same
            good[4],  # the same row once more
            {**good[5], "Company": "x" * 501},
        ],
    )
    with file.open("ab") as handle:
        handle.write(b"only,three,columns\r\n")
    result = take_in(fresh_database, file, default_rejects(file))
    assert result == ImportResult(
        rows=9, registered=2, replayed=1, rejected=6, closed=2, rejects=default_rejects(file)
    )
    assert result.rejects is not None
    rejected = rows_of(result.rejects)
    lines = [int(row["reject_line"]) for row in rejected]
    assert lines == sorted(lines)
    assert lines[0] == 2
    assert [row["reject_reason"].partition(":")[0] for row in rejected] == [
        "Date received",
        "Submitted via",
        "a date of this row lies in the future",
        f"line {lines[3] - 1} has the same external_ref and says something else",
        "register",
        "3 columns where the header has 18",
    ]
    assert result.rejects.stat().st_mode & 0o077 == 0
    [[narrative]] = select(
        fresh_database,
        "SELECT data->>'narrative' FROM ledger.readable_events WHERE length(data::text) > 90000",
    )
    assert narrative == long["Consumer complaint narrative"]

    mended = write(tmp_path / "mended.csv", [{**rejected[0], "Date received": "2019-03-01"}])
    assert take_in(fresh_database, mended, tmp_path / "none.csv").registered == 1


def test_a_row_that_says_something_else_now_is_rejected_and_changes_nothing(
    fresh_database: Database, tmp_path: Path
) -> None:
    row = rows_of(SAMPLE)[0]
    take_in(fresh_database, write(tmp_path / "a.csv", [row]), tmp_path / "a.rejects.csv")
    before = select(fresh_database, _EVENTS)

    changed = write(tmp_path / "b.csv", [{**row, "Company": "ANOTHER BANK"}])
    result = take_in(fresh_database, changed, tmp_path / "b.rejects.csv")
    assert result.rejected == 1
    assert result.rejects is not None
    [rejected] = rows_of(result.rejects)
    assert rejected["reject_reason"] == "register: an earlier import said something else here"
    assert select(fresh_database, _EVENTS) == before


def test_what_cannot_be_imported_at_all_is_refused_before_anything_is_done(
    fresh_database: Database, tmp_path: Path
) -> None:
    other = tmp_path / "other.csv"
    other.write_text("a,b\n1,2\n")
    with pytest.raises(MappingError, match="the file has no column 'Date received'"):
        take_in(fresh_database, other, tmp_path / "rejects.csv")
    with pytest.raises(FileProblem, match="cannot be the file itself"):
        take_in(fresh_database, SAMPLE, SAMPLE)
    with pytest.raises(FileProblem, match="is no file of rejected rows"):
        take_in(fresh_database, SAMPLE, other)
    assert other.read_text() == "a,b\n1,2\n"
    assert select(fresh_database, _EVENTS) == []
