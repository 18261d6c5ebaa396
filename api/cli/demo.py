"""The demo that `make run` loads: simulated complaints and real ones, keys to try them with."""

import json
import os
from pathlib import Path
from typing import Any

from rich.panel import Panel
from rich.table import Table

from api.cli import first_look
from api.cli.following import catch_up
from api.cli.output import console
from api.cli.session import open_services
from api.client import utc_now
from api.config import Config
from api.http import Services
from api.importing.mapping import load_mapping
from api.importing.run import import_file
from api.progress import progress_bar
from api.runtime import Login, bi_login
from api.simulation import default_until, simulate
from ledger import database
from projections.engine import Runner

COMPLAINTS, SEED = 300, 7
SAMPLE = Path(__file__).resolve().parents[2] / "tests" / "data" / "cfpb_200.csv"
_COUNTS = """
SELECT source_system, count(*), count(*) FILTER (WHERE stage <> 'closed') FROM views.complaints
GROUP BY source_system ORDER BY source_system"""


async def load(config: Config) -> dict[str, str]:
    """Load what is missing of the demo and return the keys by role; run again, nothing changes."""
    async with open_services(config) as serving:
        keys = await _keys(config, serving)
        with progress_bar("complaints simulated") as progress:
            await simulate(
                serving.desk,
                complaints=COMPLAINTS,
                seed=SEED,
                until=await default_until(serving.ledger, serving.desk.rules.zone, utc_now()),
                progress=progress,
            )
        with progress_bar("real complaints imported") as progress:
            await import_file(
                serving.desk,
                SAMPLE,
                load_mapping("cfpb"),
                rejects=config.data / "demo.rejects.csv",
                progress=progress,
            )
    return keys


async def _keys(config: Config, serving: Services) -> dict[str, str]:
    """The demo's keys: those of an earlier run as long as they open, else new ones."""
    file = config.data / "demo-keys.json"
    known: dict[str, str] = json.loads(file.read_text()) if file.exists() else {}
    for role in ("agent", "supervisor", "auditor"):
        if role not in known or await serving.keys.recognise(known[role]) is None:
            known[role] = await serving.keys.issue(
                # a program's key: the people who sit before it are named by On-Behalf-Of
                name=f"demo {role}",
                role=role,
                principal=f"demo-{role}",
                kind="system",
            )
    handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w") as written:
        json.dump(known, written, indent=2)
    return known


def count(runner: Runner, login: Login) -> list[Any]:
    """Bring the views up to date and count what is there, by source."""
    catch_up(runner)
    with database.connect(login.uri, role=login.role) as connection:
        return connection.execute(_COUNTS).fetchall()


def show(config: Config, counts: list[Any], keys: dict[str, str]) -> None:
    """Say what was loaded, what the reports say, where it is served, and what to try first."""
    table = Table("source", "complaints", "open", title="loaded")
    for source, complaints, still_open in counts:
        table.add_row(source, f"{complaints:,}", f"{still_open:,}")
    console.print(table)
    reader = bi_login(config)
    with database.connect(reader.uri, role=reader.role) as reports:
        for report in first_look.tables(reports):
            console.print(report)
    address = f"http://{config.host}:{config.port}"
    console.print(
        Panel(
            f"docs   {address}/docs\n"
            f"keys   {config.data / 'demo-keys.json'} (agent, supervisor, auditor)\n"
            'SQL    psql "$(.venv/bin/closedloop uri --role bi)"\n'
            "stop   Ctrl-C",
            title="closedloop is up",
            expand=False,
        )
    )
    # Printed plainly, so that it can be pasted whole.
    print(
        f"""
export KEY={keys["agent"]}
curl -sS {address}/v1/complaints -H "Authorization: Bearer $KEY" \\
  -H "Idempotency-Key: first-1" -H "Content-Type: application/json" \\
  -d '{{"channel": "phone", "source_system": "hotline", "nature": "complaint", "origin": "person",
       "narrative": "新买的空调不制冷"}}'

# the repeat share by month, and the complaints behind it
curl -sS "{address}/v1/metrics/repeat_share?group_by=month" -H "Authorization: Bearer $KEY"
curl -sS "{address}/v1/metrics/repeat_share/evidence?part=numerator" -H "Authorization: Bearer $KEY"
""",
        flush=True,
    )
