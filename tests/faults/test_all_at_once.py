"""Fault 15: four servers and four workers are started at once, and there is nothing yet."""

import asyncio
import random
from contextlib import ExitStack
from pathlib import Path

from tests.api.serving import keys_of
from tests.faults.installation import Installation, Program, Server, running
from tests.faults.invariants import agreed, at_head, dense, explained
from tests.faults.load import Load
from tests.projections.running import query
from tests.waiting import wait_until

EACH = 4


def test_four_servers_and_four_workers_start_at_once_on_nothing(
    tmp_path: Path, processes: ExitStack, chance: random.Random
) -> None:
    installation = Installation(tmp_path)
    processes.callback(installation.remove)
    servers = [Server(tmp_path, before=["migrate"]) for _ in range(EACH)]
    workers = [Program(tmp_path, "work", before=["migrate"]) for _ in range(EACH)]
    for program in (*servers, *workers):
        processes.enter_context(running(program))
    for server in servers:
        server.ready()
    key = asyncio.run(keys_of(installation.database))["agent"]
    load = processes.enter_context(Load(key, chance, [server.url for server in servers]))
    with load.going(8, load.streams(3)):
        wait_until(load.more(100))
    wait_until(lambda: at_head(installation.database))
    assert all(program.is_running for program in (*servers, *workers))
    load.again(20)
    dense(installation.database)
    explained(load, installation.database)
    [[applied, names]] = query(
        installation.database,
        "SELECT count(*), count(DISTINCT migration_id) FROM _yoyo_migration",
    )
    assert applied == names
    for program in (*servers, *workers):
        program.stop()
    agreed(installation.database)
