"""The live runner never gives up: what holds it up is told, waited for and forgotten."""

import threading

import psycopg
import pytest
from structlog.testing import capture_logs

from domain.policies import POLICIES
from projections import VIEWS
from tests.api.serving import served
from tests.conftest import Database
from tests.projections.histories import REGISTRY, store
from tests.projections.running import HISTORY, following, query_all, runner
from tests.waiting import wait_until


def break_and_keep(database: Database, position: int) -> None:
    """Take an event out of the ledger, so that it can be put back."""
    query_all(database, "ALTER TABLE ledger.events DISABLE TRIGGER events_are_for_ever")
    query_all(
        database,
        "CREATE TABLE public.kept AS SELECT * FROM ledger.events"
        f" WHERE position = {position}; DELETE FROM ledger.events WHERE position = {position}",
    )


def put_back(database: Database) -> None:
    query_all(database, "INSERT INTO ledger.events SELECT * FROM public.kept")


def test_a_damaged_ledger_is_told_until_it_is_repaired(fresh_database: Database) -> None:
    store(fresh_database.owner, HISTORY[:10])
    break_and_keep(fresh_database, 5)
    running = runner(fresh_database)
    with following(running):
        wait_until(lambda: "no event at position 5 " in running.halted().get("ledger", ""))
        put_back(fresh_database)
        wait_until(lambda: running.positions() == {view: {0: 10} for view in VIEWS})
        wait_until(lambda: running.halted() == {})


def test_a_runner_that_may_not_read_is_told_and_works_once_it_may(
    fresh_database: Database,
) -> None:
    store(fresh_database.owner, HISTORY[:10])
    query_all(fresh_database, "REVOKE SELECT ON ledger.heads FROM closedloop_app")
    running = runner(fresh_database)
    with capture_logs() as logs, following(running):
        wait_until(lambda: "InsufficientPrivilege" in running.halted().get("runner", ""))
        query_all(fresh_database, "GRANT SELECT ON ledger.heads TO closedloop_app")
        wait_until(lambda: running.positions() == {view: {0: 10} for view in VIEWS})
        wait_until(lambda: running.halted() == {})
    assert {entry["event"] for entry in logs} == {"runner failed"}


def test_errors_are_retried_ever_more_rarely(fresh_database: Database) -> None:
    store(fresh_database.owner, HISTORY[:10])
    break_and_keep(fresh_database, 5)
    running = runner(fresh_database)
    with capture_logs() as logs, following(running):
        wait_until(lambda: len(logs) >= 4)
    pauses = [entry["retry_in"] for entry in logs]
    assert pauses[:4] == [0.05, 0.1, 0.2, 0.4]


def test_a_runner_whose_thread_is_ended_says_so(fresh_database: Database) -> None:
    class Ended(BaseException):
        pass

    class Wake(threading.Event):
        def clear(self) -> None:
            raise Ended

    running = runner(fresh_database)
    with pytest.raises(Ended):
        running.run(threading.Event(), Wake())
    assert running.halted()["runner"].startswith("its thread has ended: Ended in ")


def test_a_locked_view_does_not_hold_up_the_others(fresh_database: Database) -> None:
    store(fresh_database.owner, HISTORY[:10])
    running = runner(fresh_database)
    with psycopg.connect(fresh_database.owner) as other, capture_logs() as logs:
        other.execute("LOCK TABLE views.complaints")
        with following(running):
            wait_until(lambda: running.positions()["sla"] == {0: 10})
            wait_until(lambda: len(logs) >= 2)  # tried again
            reached = running.positions()
            assert (reached["complaints"], reached["timeline"]) == ({0: 0}, {0: 10})
            assert running.halted() == {}
            other.rollback()
            wait_until(lambda: running.positions()["complaints"] == {0: 10})
    assert {(entry["event"], entry["view"]) for entry in logs} == {("view locked", "complaints")}


def test_a_view_ahead_of_the_ledger_that_is_locked_does_not_hold_up_the_others(
    fresh_database: Database,
) -> None:
    """As when its rebuild is about to swap: it cannot be told to stand still just then."""
    store(fresh_database.owner, HISTORY[:10])
    running = runner(fresh_database)
    running.catch_up()
    ahead = "UPDATE views.positions SET position = 90 WHERE view = 'complaints'"
    query_all(fresh_database, ahead)
    with psycopg.connect(fresh_database.owner) as other, capture_logs() as logs:
        other.execute("SELECT FROM views.positions WHERE view = 'complaints' FOR UPDATE")
        with following(running):
            wait_until(lambda: logs)
            store(fresh_database.owner, HISTORY[10:20])
            wait_until(lambda: running.positions()["timeline"] == {0: 20})
            assert "runner" not in running.halted()
            other.rollback()
            wait_until(lambda: "beyond the end" in running.halted().get("complaints", ""))
    assert {entry["event"] for entry in logs} == {"view locked", "view ahead of the ledger"}


def test_an_internal_error_of_the_database_halts_one_view_and_no_other(
    fresh_database: Database,
) -> None:
    """Only a file that cannot grow passes by itself; a bug would hold up all views for ever."""
    store(fresh_database.owner, HISTORY[:10])
    query_all(
        fresh_database,
        "CREATE FUNCTION public.fail() RETURNS trigger LANGUAGE plpgsql"
        " AS 'BEGIN RAISE ''a bug'' USING ERRCODE = ''XX000''; END';"
        "CREATE TRIGGER fails BEFORE INSERT ON views.complaint_search"
        " FOR EACH ROW EXECUTE FUNCTION public.fail()",
    )
    running = runner(fresh_database, parks=["search"])
    with following(running):
        wait_until(lambda: "InternalError" in running.halted().get("search", ""))
        wait_until(lambda: running.positions()["lookups"] == {0: 10})
    assert running.halted().keys() == {"search"}


def test_a_server_whose_views_stand_still_is_not_ready(fresh_database: Database) -> None:
    everything = (*VIEWS, *POLICIES)
    with served(fresh_database) as api:
        wait_until(lambda: api.http.get("/health/ready").status_code == 200)
        halts = runner(fresh_database)
        halts.catch_up()
        [position] = {place for places in halts.positions().values() for place in places.values()}
        store(fresh_database.owner, HISTORY[:1])
        wait_until(lambda: halts.positions()["timeline"] == {0: position + 1})

        newer = REGISTRY.encode(HISTORY[0].event, HISTORY[0].metadata)
        with psycopg.connect(fresh_database.owner) as connection:
            connection.execute(
                "INSERT INTO ledger.events (partition, position, stream_id, version, type,"
                " schema_version, recorded_at, data, metadata) VALUES (0, %s, gen_random_uuid(), 1,"
                " 'ComplaintPraised', 1, now(), %s, %s)",
                (position + 2, newer.data, newer.metadata),
            )
            connection.execute("UPDATE ledger.heads SET position = %s", (position + 2,))
        wait_until(lambda: api.http.get("/health/ready").status_code == 503)
        wait_until(lambda: len(api.http.get("/health/ready").json()["errors"]) == len(everything))
        answer = api.http.get("/health/ready")
        told = answer.json()
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert (told["code"], told["retryable"]) == ("unavailable", True)
        assert {error["pointer"] for error in told["errors"]} == {f"/{view}" for view in everything}
        assert all("ComplaintPraised" in error["detail"] for error in told["errors"])
        metrics = api.http.get("/metrics").text
        assert all(f'closedloop_halted{{name="{view}"}} 1.0' in metrics for view in everything)
        assert 'closedloop_halted{name="runner"} 0.0' in metrics


def test_a_server_says_that_views_are_ahead_of_the_ledger_whoever_keeps_them(
    fresh_database: Database,
) -> None:
    """No worker has seen it yet: the server compares."""
    with served(fresh_database, keeps_views=False) as api:
        runner(fresh_database).catch_up()
        wait_until(lambda: api.http.get("/health/ready").status_code == 200)
        query_all(
            fresh_database,
            "UPDATE views.positions SET position = position + 2 WHERE view = 'sla'",
        )
        answer = api.http.get("/health/ready")
        assert answer.status_code == 503
        [error] = answer.json()["errors"]
        assert error["pointer"] == "/sla"
        assert "taken in more than the ledger holds" in error["detail"]


def test_metrics_tell_lag_queue_and_the_latency_of_appending(fresh_database: Database) -> None:
    with served(fresh_database) as api:
        before = samples(api.http.get("/metrics").text)
        api.register()
        wait_until(lambda: samples(api.http.get("/metrics").text).get(_AGE) == 0)
        after = samples(api.http.get("/metrics").text)
    for name in ("closedloop_append_seconds_count", "closedloop_append_entries_sum"):
        assert after[name] == before[name] + 1
    assert after["closedloop_append_queue"] == 0


_AGE = 'closedloop_view_lag_seconds{partition="0",view="complaints"}'


def samples(text: str) -> dict[str, float]:
    """The values of metrics by their names with labels."""
    lines = [line.rpartition(" ") for line in text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in lines}


def test_one_that_rests_for_the_sake_of_commands_comes_to_the_head_all_the_same(
    fresh_database: Database,
) -> None:
    store(fresh_database.owner, HISTORY[:60])
    running, asked = runner(fresh_database, batch_size=20), [0]

    def is_pressed() -> bool:
        asked[0] += 1
        return True

    stop, wake = threading.Event(), threading.Event()
    thread = threading.Thread(target=running.run, args=(stop, wake, is_pressed))
    thread.start()
    try:
        wait_until(lambda: running.positions() == {view: {0: 60} for view in VIEWS})
    finally:
        stop.set()
        wake.set()
        thread.join(30)
    assert asked[0] >= 3, "after each batch that was full"
