"""Fault 13: the ledger alone is brought back from an older backup; the views are ahead of it."""

import subprocess
from contextlib import ExitStack, suppress
from pathlib import Path

import httpx
import psycopg

from domain.policies import POLICIES
from ledger.backup import back_up
from ledger.embedded_programs import binaries
from tests.api.serving import SECRET, served
from tests.conftest import Database
from tests.faults.installation import Program, Server, running
from tests.faults.invariants import agreed, dense
from tests.faults.load import REGISTRATION
from tests.projections.running import query
from tests.waiting import wait_until

OLDER, LOST = 20, 10  # complaints in the backup, and after it


def test_views_ahead_of_the_ledger_stand_still_and_say_so(
    fresh_database: Database, processes: ExitStack, tmp_path: Path
) -> None:
    backup = tmp_path / "older.backup"
    with served(fresh_database) as api:
        for _ in range(OLDER):
            api.register()
        api.settle()
        back_up(fresh_database.owner, backup)
        for _ in range(LOST):
            api.register()
        api.settle()
    ahead = positions(fresh_database)
    bring_back_the_ledger(fresh_database, backup)
    head = dense(fresh_database)
    assert all(position == head + LOST for position in ahead.values())

    (tmp_path / "secret").write_text(SECRET.hex())
    logins = {"DATABASE_URL": fresh_database.owner, "DATABASE_URL_APP": fresh_database.app}
    server = Server(tmp_path, **logins)
    processes.enter_context(running(server))
    wait_until(lambda: told(server) == 503)
    ready = httpx.get(f"{server.url}/health/ready").json()
    assert {error["pointer"].removeprefix("/") for error in ready["errors"]} == ahead.keys()

    # As many new complaints as were lost, and more: the views are not to go on with those.
    for number in range(2 * LOST):
        answer = httpx.post(
            f"{server.url}/v1/complaints",
            json=REGISTRATION,
            headers={
                "Authorization": f"Bearer {api.keys['agent']}",
                "Idempotency-Key": str(number),
            },
        )
        assert answer.status_code == 201, answer.text
    assert told(server) == 503
    assert positions(fresh_database) == ahead
    server.stop()
    assert "ahead of the ledger" in server.said()

    rebuilding = Program(tmp_path, "rebuild", "all", **logins)
    with running(rebuilding):
        rebuilding.process.join(60)
        assert rebuilding.process.exitcode == 0, rebuilding.said()
    agreed(fresh_database, policies=())  # what they would say anew is for a person to decide
    halted = query(fresh_database, "SELECT view FROM views.positions WHERE halted_before <> ''")
    assert {view for (view,) in halted} == set(POLICIES)


def told(server: Server) -> int:
    with suppress(httpx.TransportError):
        return httpx.get(f"{server.url}/health/ready").status_code
    return 0


def positions(database: Database) -> dict[str, int]:
    return dict(query(database, "SELECT view, position FROM views.positions"))


def bring_back_the_ledger(database: Database, backup: Path) -> None:
    """The tables of the ledger alone, with PostgreSQL's own tools."""
    tables = ["events", "heads", "commands", "keys"]
    with psycopg.connect(database.superuser) as superuser:
        superuser.execute("SET session_replication_role = replica")
        superuser.execute(f"TRUNCATE {', '.join(f'ledger.{table}' for table in tables)}")
    subprocess.run(
        [
            binaries() / "pg_restore", "--data-only", "--disable-triggers", "--schema=ledger",
            *(f"--table={table}" for table in tables),
            f"--dbname={database.superuser}", backup,
        ],
        check=True,
        capture_output=True,
    )  # fmt: skip
