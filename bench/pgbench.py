"""The plainest baseline of an append: `pgbench`, one row in one transaction, prepared.

The row has the bytes of the event that our command records, in a table with the columns and
indexes of `ledger.events`. What pgbench does not do: know command ids, check versions, keep
positions dense and in commit order, or answer anybody.
"""

import re
import subprocess
import tempfile
from pathlib import Path

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from bench.places import Database
from ledger.embedded import binaries

_TABLE = """
CREATE SCHEMA bench;
CREATE TABLE bench.events (LIKE ledger.events);
ALTER TABLE bench.events ALTER position ADD GENERATED ALWAYS AS IDENTITY;
ALTER TABLE bench.events ADD PRIMARY KEY (partition, position),
    ADD UNIQUE (partition, stream_id, version)"""

_INSERT = """
INSERT INTO bench.events (partition, stream_id, version, type, schema_version, recorded_at,
                          data, metadata)
VALUES (0, uuidv7(), 1, {type}, 1, clock_timestamp(), {data}, {metadata});
"""
_TPS = re.compile(r"^tps = ([0-9.]+)", re.MULTILINE)


def prepare(database: Database) -> str:
    """Make the table; returns the script, with the bytes of the last event of the ledger."""
    with psycopg.connect(database.owner, autocommit=True) as connection:
        connection.execute(_TABLE)
        row = connection.execute(
            "SELECT type, data, metadata FROM ledger.events ORDER BY position DESC LIMIT 1"
        ).fetchone()
        assert row is not None
        values = dict(zip(("type", "data", "metadata"), map(sql.Literal, row), strict=True))
        return sql.SQL(_INSERT).format(**values).as_string(connection)


def inserts_per_second(database: Database, script: str, clients: int, seconds: int) -> float:
    """Transactions a second of so many clients."""
    parts = conninfo_to_dict(database.owner)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "insert.sql"
        file.write_text(script, encoding="utf-8")
        done = subprocess.run(
            [
                str(binaries() / "pgbench"),
                "--no-vacuum",
                "--protocol=prepared",
                f"--client={clients}",
                "--jobs=2",
                f"--time={seconds}",
                f"--file={file}",
                str(parts["dbname"]),
            ],
            env={
                "PGHOST": str(parts["host"]),
                "PGPORT": str(parts["port"]),
                "PGUSER": str(parts["user"]),
                "PGPASSWORD": str(parts["password"]),
            },
            capture_output=True,
            text=True,
            check=True,
        )
    found = _TPS.search(done.stdout)
    if found is None:
        raise RuntimeError(f"pgbench told no tps: {done.stdout}")
    return float(found[1])
