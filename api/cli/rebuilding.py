"""`rebuild`: views made anew from the first event on, while they serve."""

import rich_click as click

from api.cli.following import runner_for
from api.cli.output import fail
from api.config import Config
from api.progress import progress_bar
from api.runtime import checked_login
from domain.policies import POLICIES
from projections import VIEWS
from projections.engine import Runner
from projections.slicing import EVENTS


@click.command()
@click.argument("views", nargs=-1, type=click.Choice([*VIEWS, *POLICIES, "all"]))
@click.option("--all", "is_all", is_flag=True, help="Every view, one after the other.")
@click.option(
    "--workers",
    type=click.IntRange(1, 64),
    help="How many processes fold; by default the number of cores, at most 4, of a large ledger.",
)
@click.option(
    "--batch",
    type=click.IntRange(1, 100_000),
    default=EVENTS,
    show_default=True,
    help="About how many events are folded, and held in memory, at a time.",
)
@click.option("--drop-old", is_flag=True, help="Only drop the rows that rebuilds have replaced.")
def rebuild(
    views: tuple[str, ...], is_all: bool, workers: int | None, batch: int, drop_old: bool
) -> None:
    """Make views again from the first event on, while the old rows serve and work goes on.

    Interrupted, it goes on where it was when it is given again. The rows that were replaced stay
    aside until the next rebuild of the view, or `--drop-old`.
    """
    for name in views:
        if name in POLICIES:
            fail(f"{name} is a policy: its reactions are events, there is nothing to rebuild")
    names = VIEWS if is_all or "all" in views else views
    if not names and not drop_old:
        fail("name the views to rebuild, or give --all")
    config = Config.from_environment()
    runner = runner_for(config, checked_login(config))
    if drop_old:
        dropped = sum(runner.drop_old(name) for name in names or VIEWS)
        click.echo(f"{dropped} tables dropped")
        return
    for name in names:
        _rebuild(runner, name, batch, workers)


def _rebuild(runner: Runner, name: str, batch: int, workers: int | None) -> None:
    with progress_bar("events") as show:
        events = runner.rebuild(
            name,
            batch_size=batch,
            progress=lambda done, total: show(done, done / max(total, 1)),
            workers=workers,
            tell=lambda line: click.echo(f"{name}: {line}", err=True),
        )
    click.echo(f"{name}: {events:,} events, digest {runner.digest(name)}")


COMMANDS = (rebuild,)
