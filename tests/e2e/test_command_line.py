"""The command line as an operator uses it: every failure is one clear line and a status."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from ledger.migrate import MIGRATIONS


class Installation:
    """A data folder with its own embedded server, worked on by the command line alone."""

    def __init__(self, folder: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.folder = folder
        self.environment = {
            name: value for name, value in os.environ.items() if not name.startswith("DATABASE_URL")
        } | {
            "CLOSEDLOOP_DATA": str(folder / "data"),
            "CLOSEDLOOP_PORT": str(self.port),
            "NO_COLOR": "1",
            "COLUMNS": "120",
        }

    def start(self, *words: str, **environment: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "api.cli", *words],
            env=self.environment | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *words: str, status: int = 0, **environment: str) -> str:
        process = self.start(*words, **environment)
        output, errors = process.communicate(timeout=120)
        assert process.returncode == status, output + errors
        assert "Traceback" not in errors
        return output + errors

    def refused(self, *words: str, **environment: str) -> str:
        """The one line that says why it did not work."""
        told = self.run(*words, status=1, **environment).strip()
        assert told.startswith("closedloop: ")
        assert "\n" not in told
        return told


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    installation = Installation(tmp_path_factory.mktemp("installation"))
    assert "not running" in installation.run("status")
    assert "run `closedloop migrate`" in installation.refused("serve")
    assert f"{len(list(MIGRATIONS.glob('*.sql')))} applied" in installation.run("migrate")
    try:
        yield installation
    finally:
        assert "stopped" in installation.run("stop")
        assert "not running" in installation.run("status")


def test_migrating_again_applies_nothing(installation: Installation) -> None:
    assert "nothing to apply" in installation.run("migrate")
    assert "no time zone" in installation.refused("migrate", "--zone", "Mars/Olympus")


def test_a_demonstration_is_loaded_once_and_told(installation: Installation) -> None:
    assert "5 complaints" in installation.run("simulate", "--complaints", "5", "--seed", "3")
    again = installation.run("simulate", "--complaints", "5", "--seed", "3")
    assert "0 of them new" in again
    with psycopg.connect(installation.run("uri").strip()) as owner:
        row = owner.execute("SELECT stream_id::text, position FROM ledger.events LIMIT 1")
        complaint_id, _ = row.fetchone() or ("", 0)
    story = installation.run("replay", complaint_id)
    assert "ComplaintRegistered" in story
    assert "stage" in story
    first = installation.run("replay", complaint_id, "--as-of", "v1")
    assert "stage registered" in first
    assert len(first) < len(story)
    assert "a time with an offset" in installation.refused(
        "replay", complaint_id, "--as-of", "yesterday"
    )
    assert "time with an offset" in installation.refused(
        "replay", complaint_id, "--occurred-by", "2026-01-01"
    )
    assert "received later" in installation.refused("replay", complaint_id, "--as-of", "0:0")
    assert "no complaint" in installation.refused("replay", "CL0-999999-9")


def test_views_are_rebuilt_to_the_same_digest(installation: Installation) -> None:
    once = installation.run("rebuild", "all")
    assert installation.run("rebuild", "all", "--batch", "3") == once
    assert installation.run("status", "--digests").split()[1] in once
    installation.run("rebuild", "nonsense", status=2)
    assert "complaints" in installation.run("status")


def test_streams_are_parked_and_events_skipped_by_hand(installation: Installation) -> None:
    """The commands of docs/operate.md."""
    with psycopg.connect(installation.run("uri").strip()) as owner:
        row = owner.execute("SELECT stream_id::text FROM ledger.events WHERE type LIKE 'Compl%'")
        [stream] = row.fetchone() or ("",)
    assert f"parked {stream} in sla" in installation.run("park", "sla", "--stream", stream)
    assert "is parked in sla already" in installation.refused("park", "sla", "--stream", stream)
    told = installation.run("status", COLUMNS="200")
    [sla] = [line for line in told.splitlines() if line.startswith("│ sla ")]
    assert "nobody" in sla
    assert sla.split("│")[7].strip() == "1", "one stream is parked"
    assert "1 taken in again, 0 stay parked" in installation.run("unpark", "sla")
    assert "give --stream" in installation.refused("park", "sla")
    assert "is a policy" in installation.refused("park", "classify_repeat")
    assert "taken in 0:1 already" in installation.refused("skip", "sla", "0:1", "--reason", "why")
    assert "no event at 0:999999" in installation.refused(
        "skip", "sla", "0:999999", "--reason", "why"
    )
    assert "is written" in installation.refused("skip", "sla", "here", "--reason", "why")
    assert "not 'slow'" in installation.refused("status", CLOSEDLOOP_PARK="sla,slow")


def test_an_import_that_cannot_begin_says_why(installation: Installation) -> None:
    empty = installation.folder / "empty.csv"
    empty.write_text("a,b\n1,2\n")
    assert "no column" in installation.refused("import", str(empty))
    assert "nothing" in installation.refused("import", str(empty), "--mapping", "nothing")
    installation.run("import", "missing.csv", status=2)


def test_keys_are_made_listed_and_taken_back(installation: Installation) -> None:
    words = ("--name", "hotline", "--role", "agent", "--rate", "1234")
    key = installation.run("key", "create", *words).strip()
    assert key.startswith("cl_")
    key_id, secret = key.split("_", 2)[1:]
    listed = installation.run("key", "list")
    assert key_id in listed
    assert "1234" in listed
    assert secret not in listed
    assert "revoked" in installation.run("key", "revoke", key_id)
    assert "no key" in installation.refused("key", "revoke", "nothing")
    assert "a principal is" in installation.refused(
        "key", "create", "--name", "two words", "--role", "agent"
    )
    installation.run("key", "create", *words[:4], "--rate", "0", status=2)


def test_addresses_work_after_the_command_has_ended(installation: Installation) -> None:
    for role, statement in (
        ("owner", "SELECT count(*) FROM ledger.events"),
        ("app", "SELECT count(*) FROM views.complaints"),
        ("bi", "SELECT count(*) FROM bi.complaints"),
        ("audit", "SELECT count(*) FROM ledger.readable_events"),
    ):
        uri = installation.run("uri", "--role", role).strip()
        with psycopg.connect(uri) as connection:
            assert connection.execute(statement).fetchone() is not None


def test_settings_are_shown_without_secrets(installation: Installation) -> None:
    shown = installation.run(
        "status", "--config", DATABASE_URL="postgresql://owner:hidden@db.example/closedloop"
    )
    assert "hidden" not in shown
    assert "owner@db.example" in shown
    assert "CLOSEDLOOP_PORT" in installation.refused("serve", CLOSEDLOOP_PORT="http")


def test_a_database_that_is_away_is_one_line(installation: Installation) -> None:
    away = {"DATABASE_URL": "postgresql://owner@127.0.0.1:1/closedloop"}
    for command in ("migrate", "status", "work"):
        assert "refused" in installation.refused(command, **away)


def test_addresses_are_taken_in_every_form_libpq_takes(installation: Installation) -> None:
    uri = installation.run("uri").strip()
    for form in (uri.replace("postgresql://", "postgres://"), make_conninfo(uri)):
        assert "nothing to apply" in installation.run("migrate", DATABASE_URL=form)
    for wrong in ("host=here password=hidden port", "postgresql://o:hidden@[h/d"):
        told = installation.refused("status", "--config", DATABASE_URL=wrong)
        assert "DATABASE_URL is no address" in told
        assert "hidden" not in told


def test_another_installations_secret_is_refused(installation: Installation) -> None:
    other = installation.folder / "other"
    other.write_text("00" * 32)
    told = installation.refused("rebuild", "all", CLOSEDLOOP_SECRET_FILE=str(other))
    assert "secret is not the one" in told
    other.write_text("")
    told = installation.refused("serve", CLOSEDLOOP_SECRET_FILE=str(other))
    assert "does not hold 32 bytes" in told


def test_a_data_folder_that_cannot_be_is_one_line(installation: Installation) -> None:
    file = installation.folder / "file"
    file.touch()
    for command in ("status", "migrate", "serve"):
        installation.refused(command, CLOSEDLOOP_DATA=str(file))
    installation.refused("serve", CLOSEDLOOP_SECRET_FILE=str(installation.folder))


def test_a_busy_port_is_one_line(installation: Installation) -> None:
    with socket.create_server(("127.0.0.1", installation.port)):
        assert "set CLOSEDLOOP_PORT" in installation.refused("serve")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("words", [("serve",), ("serve", "--no-worker"), ("work",)])
def test_what_stays_stops_cleanly(
    installation: Installation, words: tuple[str, ...], number: signal.Signals
) -> None:
    process = installation.start(*words)
    if words[0] == "serve":
        transport = httpx.HTTPTransport(retries=12)
        with httpx.Client(transport=transport) as http:
            ready = http.get(f"http://127.0.0.1:{installation.port}/health/ready")
            assert ready.status_code == 200
    process.send_signal(number)
    _, errors = process.communicate(timeout=60)
    assert "Traceback" not in errors
    # `work` has nothing to show that it has begun, and may not have yet
    assert process.returncode in ((0,) if words[0] == "serve" else (0, 130, -number))
