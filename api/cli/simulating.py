"""`simulate`: complaints invented and worked on, in any mix, and what the reports say of it."""

import asyncio
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import rich_click as click
from rich.table import Table

from api.cli.demo import COMPLAINTS, SEED
from api.cli.following import catch_up, runner_for
from api.cli.output import console, fail
from api.cli.session import open_services
from api.client import utc_now
from api.config import Config
from api.progress import progress_bar
from api.runtime import bi_login, checked_login
from api.simulation import (
    Line,
    Mix,
    MixError,
    SimulationFailed,
    SimulationResult,
    compare,
    default_until,
    load_mix,
    simulate_mix,
    summary,
)
from api.simulation import simulate as carry_out
from ledger import database


@click.command()
@click.argument("mix", required=False)
@click.option("--complaints", type=click.IntRange(1, 1_000_000), help="Default: 300.")
@click.option("--seed", type=int, help="Default: 7, or the one of the mix.")
@click.option(
    "--until",
    type=click.DateTime(["%Y-%m-%d"]),
    help="Nothing happens from this day on. Default: the day the ledger began, so that the same"
    " command run twice changes nothing.",
)
def simulate(
    mix: str | None, complaints: int | None, seed: int | None, until: datetime | None
) -> None:
    """Invent complaints and work on them by ordinary commands; run again, nothing is doubled.

    MIX is a shipped name (2025q3) or a TOML file: how many complaints, in which shares. Without
    one, the demonstration (source_system `demo`). A mix ends with what the reports say of it.
    """
    config = Config.from_environment()
    try:
        if mix is None:
            result = asyncio.run(_demonstrate(config, complaints, seed, until))
            console.print(summary(result), highlight=False)
        elif complaints is not None or until is not None:
            fail("a mix says itself how many complaints there are, and when")
        else:
            _mix(config, load_mix(mix), seed)
    except (SimulationFailed, MixError) as error:
        fail(str(error))


async def _demonstrate(
    config: Config, complaints: int | None, seed: int | None, until: datetime | None
) -> SimulationResult:
    async with open_services(config) as serving:
        zone = ZoneInfo(serving.desk.rules.zone)
        last = until.replace(tzinfo=zone) if until else None
        with progress_bar("complaints") as progress:
            return await carry_out(
                serving.desk,
                complaints=complaints or COMPLAINTS,
                seed=SEED if seed is None else seed,
                until=last or await default_until(serving.ledger, zone.key, utc_now()),
                progress=progress,
            )


def _mix(config: Config, mix: Mix, seed: int | None) -> None:
    """Load the mix, bring the views up to date, and hold the reports against it."""
    mix = mix if seed is None else mix.with_seed(seed)

    async def load() -> SimulationResult:
        async with open_services(config) as serving:
            with progress_bar("complaints") as progress:
                return await simulate_mix(serving.desk, mix, progress=progress)

    reader = bi_login(config)
    with database.connect(reader.uri, role=reader.role) as reports:
        [zone] = reports.execute("SELECT bi.reporting_zone()").fetchone() or [None]
        if zone != mix.zone:
            fail(f"the reports are in the zone {zone}, the mix in {mix.zone}")
        console.print(summary(asyncio.run(load())), highlight=False)
        catch_up(runner_for(config, checked_login(config)))
        lines = compare(mix, reports)
    console.print(_table(mix, lines))
    different = [line for line in lines if not line.is_equal]
    if different:
        fail(f"{len(different)} of {len(lines)} shares are not as asked for")


def _table(mix: Mix, lines: list[Line]) -> Table:
    columns: list[Any] = ["", "asked", "planned", "reported", "share", ""]
    table = Table(title=f"{mix.name}: asked for, and what the reports say")
    for place, name in enumerate(columns):
        table.add_column(name, justify="right" if place in (1, 2, 3, 4) else "left")
    before = ""
    for line in lines:
        if line.dimension != before:
            table.add_section()
            table.add_row(f"[bold]{line.dimension}[/bold]")
            before = line.dimension
        table.add_row(
            line.kind,
            f"{line.asked} %",
            f"{line.planned:,}",
            f"{line.reported:,}",
            f"{line.share} %",
            "equal" if line.is_equal else "[red]differs[/red]",
        )
    return table


COMMANDS = (simulate,)
