"""Fault 11: no more space for the ledger or for a view, and then there is again."""

import asyncio
import random
import resource
import sys
from contextlib import ExitStack

import psycopg
import pytest

from tests.api.serving import keys_of
from tests.faults.installation import Installation, Program, Server, limit_files, running
from tests.faults.invariants import agreed, at_head, dense, explained
from tests.faults.load import Load
from tests.waiting import wait_until

# Rolled back: the space stays taken until a VACUUM, which is not to come. Rows of 2 kB fill the
# pages; the limit has to lie beyond the 16 MiB of a segment of the write-ahead log.
FILL = {
    "ledger.commands": """
INSERT INTO ledger.commands (partition, command_id, digest, status, stream_id, version, position,
                             events, recorded_at)
SELECT 0, gen_random_uuid(), decode(repeat('00', 1930), 'hex'), 200, gen_random_uuid(), 1, 1, '{}',
       now() FROM generate_series(1, 8600)""",
    "ledger.events": """
INSERT INTO ledger.events (partition, position, stream_id, version, type, schema_version,
                           recorded_at, data, metadata)
SELECT 0, -n, overlay(gen_random_uuid()::text placing '00' from 35)::uuid, 1, 'Filler', 1, now(),
       decode(repeat('00', 1930), 'hex'), '' FROM generate_series(1, 8600) AS n""",
}
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="prlimit is of Linux")


@pytest.mark.parametrize("table", FILL)
def test_a_full_disk_refuses_cleanly_and_forgets_it_once_there_is_space(
    table: str, installation: Installation, processes: ExitStack, chance: random.Random
) -> None:
    key = asyncio.run(keys_of(installation.database))["agent"]
    with psycopg.connect(installation.database.superuser, autocommit=True) as superuser:
        superuser.execute(f"ALTER TABLE {table} SET (autovacuum_enabled = false)")
        with superuser.transaction(force_rollback=True):
            superuser.execute(FILL[table])
        [size] = superuser.execute("SELECT pg_relation_size(%s)", (table,)).fetchone() or (0,)
    assert size > 16 * 2**20
    server, worker = Server(installation.folder), Program(installation.folder, "work")
    for program in (server, worker):
        processes.enter_context(running(program))
    load = processes.enter_context(Load(key, chance, [server.ready().url]))
    streams = load.streams(3)
    limit_files(installation.processes(), size)
    with load.going(8, streams):
        wait_until(lambda: load.turned_away >= 4 or load.strange)
        assert load.strange == [], "unavailable, and nothing else"
        dense(installation.database)
        assert load.read(streams[0]), "reading goes on"
        limit_files(installation.processes(), resource.RLIM_INFINITY)
        wait_until(load.more(50))
    assert server.is_running
    assert worker.is_running
    wait_until(lambda: at_head(installation.database))
    load.again(50)
    dense(installation.database)
    explained(load, installation.database)
    for program in (server, worker):
        program.stop()
    agreed(installation.database)
