"""Faults 1 and 3: kill -9 of the API around COMMIT, and connections cut after COMMIT was sent."""

import asyncio
import random
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.api.serving import SECRET, keys_of
from tests.conftest import Database
from tests.faults.conftest import Rounds
from tests.faults.installation import Server, running
from tests.faults.invariants import agreed, dense, explained
from tests.faults.load import Load
from tests.faults.relay import Relay
from tests.waiting import wait_until

# Appends of two servers that come together are transactions; else each takes effect with a SELECT.
MOMENTS = [("BEGIN", 8), ("INSERT", 8), ("COMMIT", 8), ("SELECT", 1)]
OFTEN = {"SELECT": 60}  # the others come now and then
COMPLAINTS = 3


@pytest.fixture
def relay(fresh_database: Database, processes: ExitStack, tmp_path: Path) -> Relay:
    """What stands between the API and PostgreSQL."""
    (tmp_path / "secret").write_text(SECRET.hex())
    relay = Relay(fresh_database.app)
    processes.callback(relay.close)
    return relay


def served(database: Database, folder: Path, relay: Relay | None = None) -> Server:
    """An API whose database may be behind the relay; views are kept by nobody."""
    app = database.app if relay is None else relay.uri(database.app)
    return Server(folder, "--no-worker", DATABASE_URL=database.owner, DATABASE_URL_APP=app)


@pytest.mark.short
def test_a_killed_api_loses_doubles_and_halves_nothing(
    fresh_database: Database,
    relay: Relay,
    processes: ExitStack,
    tmp_path: Path,
    chance: random.Random,
    rounds: Rounds,
) -> None:
    key = asyncio.run(keys_of(fresh_database))["agent"]
    other = served(fresh_database, tmp_path)
    processes.enter_context(running(other))
    load = processes.enter_context(Load(key, chance, []))
    streams: list[str] = []
    for _ in range(rounds(1, 8)):
        server = served(fresh_database, tmp_path, relay)
        with running(server):
            load.urls = [server.ready().url, other.ready().url]
            load.again(5)  # of what was acknowledged before the last kill
            load.settle(5)
            streams = streams or load.streams(COMPLAINTS)
            moment, callers = chance.choice(MOMENTS)
            number = chance.randint(1, OFTEN.get(moment, 15))
            print(f"killed at {moment} number {number}, {load.acknowledged} acknowledged before")
            with (
                relay.trap(moment, number, server.process.kill) as trap,
                load.going(callers, streams, insist=False),
            ):
                wait_until(trap.is_sprung)
    server = served(fresh_database, tmp_path, relay)
    with running(server):
        load.urls = [server.ready().url]
        load.again(50)
        assert load.contact(streams[0]) is not None, "it goes on"
    assert dense(fresh_database) >= load.acknowledged // 2
    explained(load, fresh_database)
    agreed(fresh_database)


@pytest.mark.parametrize(("moment", "callers"), MOMENTS)
def test_a_cut_connection_leaves_one_effect_and_one_answer(
    moment: str,
    callers: int,
    fresh_database: Database,
    relay: Relay,
    processes: ExitStack,
    tmp_path: Path,
    chance: random.Random,
    rounds: Rounds,
) -> None:
    key = asyncio.run(keys_of(fresh_database))["agent"]
    servers = [served(fresh_database, tmp_path, relay), served(fresh_database, tmp_path)]
    for server in servers:
        processes.enter_context(running(server))
    load = processes.enter_context(Load(key, chance, [each.ready().url for each in servers]))
    streams = load.streams(COMPLAINTS)
    with load.going(callers, streams):
        for _ in range(rounds(2, 15)):
            with relay.trap(moment, chance.randint(1, 10)) as trap:
                wait_until(trap.is_sprung)
    assert {one.outcome for one in load.operations} <= {"accepted", "lost", "read"}, "all answered"
    load.again(50)
    dense(fresh_database)
    explained(load, fresh_database)
