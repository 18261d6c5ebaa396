"""The worker beside a server: started again when it dies, gone when the server is."""

import os
import signal
import sys
import threading
from collections.abc import Iterator

import msgspec
import psycopg
import pytest
from structlog.testing import capture_logs

import api.worker
from api.worker import APPENDED, AWAITED, Hearing, Lost, Step, Worker
from tests.api.serving import SECRET
from tests.conftest import Database
from tests.waiting import wait_until

_REGISTERED = "SELECT count(DISTINCT view) > 10 FROM views.positions"


@pytest.fixture
def worker(
    fresh_database: Database, tmp_path: os.PathLike[str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Worker]:
    secret = os.path.join(tmp_path, "secret")
    with open(secret, "w") as file:
        file.write(SECRET.hex())
    monkeypatch.setenv("DATABASE_URL_APP", fresh_database.app)
    monkeypatch.setenv("CLOSEDLOOP_DATA", str(tmp_path))
    monkeypatch.setenv("CLOSEDLOOP_SECRET_FILE", secret)
    worker = Worker()
    worker.start()
    try:
        yield worker
    finally:
        worker.close()


def test_a_worker_that_dies_is_missed_and_started_again(
    worker: Worker, fresh_database: Database
) -> None:
    first = worker.pid
    with psycopg.connect(fresh_database.owner, autocommit=True) as connection:
        wait_until(lambda: connection.execute(_REGISTERED).fetchone() == (True,))
    os.kill(first, signal.SIGKILL)
    wait_until(lambda: "runner" in worker.halted())
    worker.wake()  # says nothing to nobody
    wait_until(lambda: worker.pid != first)
    wait_until(lambda: worker.halted() == {})
    worker.close()
    with pytest.raises(ProcessLookupError):
        os.kill(worker.pid, 0)


def test_a_worker_that_cannot_be_started_for_now_is_tried_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Where memory or processes are short, starting fails with an error like that of no program."""
    monkeypatch.setattr(api.worker, "AGAIN_AFTER_SECONDS", 0.01)
    monkeypatch.setattr(api.worker, "_BESIDE", [sys.executable, "-c", "import sys; sys.exit(3)"])
    worker, heard = Worker(), threading.Event()
    monkeypatch.setattr(worker.reached, "tell", lambda *told: heard.set())
    with capture_logs() as logs:
        worker.start()
        try:
            monkeypatch.setattr(api.worker, "_BESIDE", ["no-such-program"])
            wait_until(lambda: [log.get("cause") for log in logs].count("ENOENT") > 1)
            assert "runner" in worker.halted()
            monkeypatch.setattr(api.worker, "_BESIDE", [sys.executable, "-c", _SAYS])
            assert heard.wait(30)
        finally:
            worker.close()


def test_a_line_that_nobody_understands_does_not_end_the_watch_over_the_worker(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    step = msgspec.json.encode(Step("complaints", 0, 7)).decode()
    says = f"import sys; print('hello'); print({step!r}, flush=True); sys.stdin.read()"
    monkeypatch.setattr(api.worker, "_BESIDE", [sys.executable, "-c", says])
    worker, heard = Worker(), threading.Event()
    monkeypatch.setattr(worker.reached, "tell", lambda *told: told[-1] == 7 and heard.set())
    worker.start()
    try:
        assert heard.wait(30)
    finally:
        worker.close()


def test_a_step_is_heard_at_once_and_no_line_of_which_the_end_is_missing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    step = msgspec.json.encode(Step("complaints", 0, 7)).decode()
    half = step[: len(step) // 2]
    says = f"import sys; print({step!r} + chr(10) + {half!r}, end='', flush=True); sys.stdin.read()"
    monkeypatch.setattr(api.worker, "_BESIDE", [sys.executable, "-c", says])
    worker, heard = Worker(), threading.Event()
    monkeypatch.setattr(worker.reached, "tell", lambda *told: heard.set())
    with capture_logs() as logs:
        worker.start()
        try:
            assert heard.wait(30), "while the next line is still being told"
        finally:
            worker.close()
    assert logs == []


@pytest.mark.parametrize(
    "then",
    [
        f"print({msgspec.json.encode(Lost()).decode()!r}, flush=True); sys.stdin.buffer.read()",
        "sys.exit(3)",
    ],
)
def test_what_the_worker_told_counts_no_more_once_it_lost_the_database_or_ended(
    monkeypatch: pytest.MonkeyPatch, then: str
) -> None:
    step = msgspec.json.encode(Step("complaints", 0, 1)).decode()
    program = f"import sys; print({step!r}, flush=True); sys.stdin.buffer.read(1); {then}"
    monkeypatch.setattr(api.worker, "AGAIN_AFTER_SECONDS", 60)
    monkeypatch.setattr(api.worker, "_BESIDE", [sys.executable, "-c", program])
    worker = Worker()
    worker.start()
    try:
        wait_until(lambda: worker.reached.has("complaints", {0: 1}))
        worker.wake()
        wait_until(lambda: not worker.reached.has("complaints", {0: 1}))
    finally:
        worker.close()


def test_only_the_first_command_after_a_pause_and_whoever_waits_hurry_the_worker(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(api.worker, "GATHER_SECONDS", 60)
    stop, wake = threading.Event(), threading.Event()
    hearing = Hearing(stop, wake)
    assert not hearing.is_pressed()
    hearing.hear(APPENDED)
    assert wake.is_set()
    assert hearing.is_pressed()
    wake.clear()
    hearing.hear(3 * APPENDED)
    assert not wake.is_set(), "it looks by itself"
    hearing.hear(APPENDED + AWAITED)
    assert wake.is_set()
    assert not stop.is_set()


def test_whoever_waits_for_a_view_hurries_the_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api.worker, "_BESIDE", [sys.executable, "-c", _ECHO])
    worker, heard = Worker(), threading.Event()
    monkeypatch.setattr(worker.reached, "tell", lambda *told: heard.set())
    worker.start()
    try:
        with worker.reached.listening("complaints", lambda: None):
            assert heard.wait(30)
    finally:
        worker.close()


_ECHO = f"""
import sys
assert sys.stdin.buffer.read(1) == {AWAITED!r}
print({msgspec.json.encode(Step("complaints", 0, 1)).decode()!r}, flush=True)
sys.stdin.buffer.read()"""

_SAYS = f"""
import sys
print({msgspec.json.encode(Step("complaints", 0, 1)).decode()!r}, flush=True)
sys.stdin.buffer.read()"""
