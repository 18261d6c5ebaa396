"""The embedded PostgreSQL server, tried on real servers in folders of their own."""

import json
import os
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from ledger.embedded import ROLES, Embedded, EmbeddedError, binaries
from tests.waiting import wait_until

ROOT = Path(__file__).resolve().parents[2]
START = "import sys; from pathlib import Path; from ledger.embedded import Embedded; "
START += (
    "server = Embedded(Path(sys.argv[1])); server.start(); print(server.status().pid, flush=True); "
)


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Path]:
    """A folder that does not exist yet; its server and data are gone after the test."""
    folder = tmp_path / "postgresql"
    yield folder
    Embedded(folder).remove()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """One folder for the tests that leave a good server behind."""
    folder = tmp_path_factory.mktemp("shared") / "postgresql"
    yield folder
    Embedded(folder).remove()


@pytest.fixture
def server(folder: Path) -> Embedded:
    server = Embedded(folder)
    server.start()
    return server


def starter(folder: Path, then: str = "") -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", START + then, str(folder)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def cluster_of(folder: Path) -> Path:
    place = folder / "place"
    return (place if place.is_symlink() else folder).resolve() / "cluster"


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def query(uri: str, statement: str) -> tuple[object, ...]:
    with psycopg.connect(uri, autocommit=True) as connection:
        row = connection.execute(statement).fetchone()
        assert row is not None
        return row


def test_a_new_folder_becomes_a_running_server(server: Embedded, folder: Path) -> None:
    status = server.status()
    assert status.running
    assert server.is_running()
    assert status.folder == folder
    assert (status.version or "").startswith("18.")
    assert f"127.0.0.1:{status.port}/closedloop" in server.uri()
    assert query(server.uri(), "SELECT current_user, current_database()") == (
        "closedloop",
        "closedloop",
    )


def test_the_owner_is_no_superuser_but_may_make_roles(server: Embedded) -> None:
    rights = "rolsuper, rolcreaterole, rolcreatedb, rolreplication, rolbypassrls"
    assert query(server.uri(), f"SELECT {rights} FROM pg_roles WHERE rolname = current_user") == (
        False,
        True,
        False,
        False,
        False,
    )
    owner = "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = 'closedloop'"
    assert query(server.uri(), owner) == ("closedloop",)


def test_text_is_utf8_and_pages_have_checksums(server: Embedded) -> None:
    settings = "current_setting('server_encoding'), current_setting('data_checksums')"
    assert query(server.uri(), f"SELECT {settings}, lower('ÄÖ')") == ("UTF8", "on", "äö")


def test_what_protects_the_data_cannot_be_switched_off(server: Embedded) -> None:
    with psycopg.connect(server.superuser_uri(), autocommit=True) as connection:
        connection.execute("ALTER SYSTEM SET fsync = off")
        connection.execute("ALTER SYSTEM SET listen_addresses = '*'")
        connection.execute("ALTER SYSTEM SET max_connections = 90")  # an operator may do this
    server.stop()
    server.start()
    names = ("fsync", "synchronous_commit", "listen_addresses", "unix_socket_directories")
    for name, value in zip(
        (*names, "max_connections"), ("on", "on", "127.0.0.1", "", "90"), strict=True
    ):
        assert query(server.superuser_uri(), f"SHOW {name}") == (value,)


def test_only_the_account_itself_can_read_the_folder(server: Embedded, folder: Path) -> None:
    assert mode(cluster_of(folder)) == 0o700
    assert mode(folder / "passwords.json") == 0o600
    assert (folder / "passwords.json").stat().st_uid == os.geteuid()
    passwords = json.loads((folder / "passwords.json").read_text())
    assert set(passwords) == set(ROLES)
    assert len(set(passwords.values())) == len(ROLES)
    assert mode(folder) & 0o066 == 0  # root's folder lets the server's account pass, not look


def test_nobody_gets_in_without_the_right_password(
    server: Embedded, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGPASSFILE", os.devnull)
    monkeypatch.delenv("PGPASSWORD", raising=False)
    port = server.status().port
    owner_password = server.uri().split(":")[2].partition("@")[0]
    for role in ("postgres", "closedloop_app", "nobody"):
        for password in ("", "guess", owner_password):
            with pytest.raises(psycopg.OperationalError, match="password"):
                psycopg.connect(
                    host="127.0.0.1", port=port, user=role, password=password, dbname="closedloop"
                )


def test_the_server_outlives_its_starter_and_the_terminal_s_interrupt(
    server: Embedded, folder: Path
) -> None:
    server.stop()
    with starter(folder, then="sys.stdin.read()") as process:
        assert process.stdout is not None
        pid = int(process.stdout.readline())
        os.killpg(process.pid, signal.SIGINT)
        process.communicate()
        assert process.returncode != 0
    assert server.status().pid == pid


def test_four_processes_that_start_it_at_once_get_one_server(fresh: Path) -> None:
    starters = [starter(fresh) for _ in range(4)]
    pids = {process.communicate()[0] for process in starters}
    assert [process.returncode for process in starters] == [0, 0, 0, 0]
    assert pids == {f"{Embedded(fresh).status().pid}\n"}


def test_after_a_kill_nothing_committed_is_lost(server: Embedded) -> None:
    with psycopg.connect(server.uri()) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS n")
    pid = server.status().pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    server.start()
    assert server.status().pid != pid
    assert query(server.uri(), "SELECT n FROM kept") == (42,)


def test_a_server_that_died_is_told_from_one_that_was_stopped(server: Embedded) -> None:
    pid = server.status().pid
    assert pid is not None
    assert not server.has_died()
    os.kill(pid, signal.SIGKILL)
    wait_until(server.has_died)  # its other processes end when they notice
    server.start()
    assert not server.has_died()
    server.stop()
    assert not server.has_died()
    server.start()


def test_a_pid_file_that_names_another_process_heals(server: Embedded, folder: Path) -> None:
    pid_file = cluster_of(folder) / "postmaster.pid"
    pid, left_behind = server.status().pid, pid_file.read_text()
    assert pid is not None
    owner = pid_file.stat()
    server.stop("immediate")
    user = owner.st_uid if os.geteuid() == 0 else None
    # PostgreSQL itself refuses to start while any process of its account has that pid.
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE, cwd="/", user=user) as stranger:
        pid_file.write_text(left_behind.replace(str(pid), str(stranger.pid), 1))
        os.chown(pid_file, owner.st_uid, owner.st_gid)
        server.start()
        server.stop()
        assert stranger.poll() is None
    server.start()


def test_a_torn_pid_file_heals(server: Embedded, folder: Path) -> None:
    server.stop()
    (cluster_of(folder) / "postmaster.pid").write_text("")
    server.start()
    assert server.is_running()


def test_a_taken_port_is_given_up_for_good(server: Embedded) -> None:
    before = server.status().port
    server.stop()
    with socket.create_server(("127.0.0.1", before or 0)):
        server.start()
        after = server.status().port
        assert after != before
    server.stop()
    server.start()
    assert server.status().port == after
    assert query(server.uri(), "SELECT inet_server_port()") == (after,)


def test_an_initdb_killed_half_way_heals(fresh: Path) -> None:
    half_way = (fresh / "new" / "cluster", fresh / "place" / "new" / "cluster")
    with starter(fresh) as process:
        while process.poll() is None and not any(path.exists() for path in half_way):
            pass
        process.kill()
    assert not cluster_of(fresh).exists()
    (cluster_of(fresh).parent / "new" / "rubbish").mkdir()
    Embedded(fresh).start()
    assert query(Embedded(fresh).uri(), "SELECT 1") == (1,)
    assert not any(path.exists() for path in half_way)


def test_postgresql_16_runs_and_is_not_taken_for_18(fresh: Path) -> None:
    older = Embedded(fresh, major=16)
    older.start()
    assert (older.status().version or "").startswith("16.")
    assert query(older.uri(), "SELECT current_user") == ("closedloop",)
    older.stop()
    with pytest.raises(EmbeddedError, match=r"is of PostgreSQL 16, not 18"):
        Embedded(fresh).start()


def test_a_role_that_a_later_release_adds_gets_its_password(server: Embedded, folder: Path) -> None:
    passwords = json.loads((folder / "passwords.json").read_text())
    del passwords["closedloop_audit"]
    (folder / "passwords.json").write_text(json.dumps(passwords))
    with pytest.raises(EmbeddedError, match="no role closedloop_audit"):
        server.uri("closedloop_audit")
    server.start()
    now = json.loads((folder / "passwords.json").read_text())
    assert now == passwords | {"closedloop_audit": now["closedloop_audit"]}


def test_lost_passwords_are_one_clear_line(server: Embedded, folder: Path) -> None:
    server.stop()
    (folder / "passwords.json").rename(folder / "elsewhere")
    try:
        with pytest.raises(EmbeddedError, match="bring it back"):
            server.start()
    finally:
        (folder / "elsewhere").rename(folder / "passwords.json")
    server.start()


def test_a_folder_without_a_server_says_so(tmp_path: Path) -> None:
    server = Embedded(tmp_path / "none")
    server.stop()
    server.remove()
    assert server.status().port is None
    assert not server.is_running()
    assert not (tmp_path / "none").exists()
    with pytest.raises(EmbeddedError, match="not been started"):
        server.uri()


def test_binaries_finds_the_programs_and_names_what_is_missing() -> None:
    for major in (16, 18):
        told = subprocess.run(
            [binaries(major) / "pg_dump", "--version"], capture_output=True, text=True, check=True
        )
        assert f"(PostgreSQL) {major}." in told.stdout
    with pytest.raises(EmbeddedError, match="no programs of PostgreSQL 12"):
        binaries(12)
