"""`status`: what runs, and how far it has come."""

from typing import Any

import psycopg
import rich_click as click
from rich.table import Table

from api.cli.output import console
from api.config import Config
from api.runtime import checked_login, embedded, first_line, owner_uri
from domain.policies import POLICIES
from ledger.database import DatabaseError
from ledger.ids import write_token
from ledger.migrate import missing_migrations
from projections import VIEWS
from projections.lag import State, states_of


@click.command()
@click.option("--config", "show_config", is_flag=True, help="Print the settings, without secrets.")
@click.option("--digests", is_flag=True, help="Print a digest of the content of each view.")
def status(show_config: bool, digests: bool) -> None:
    """Show what runs, how many events there are, and how far the views have come."""
    config = Config.from_environment()
    if show_config:
        settings = Table("setting", "value")
        for name, value in config.shown().items():
            settings.add_row(name, value)
        console.print(settings)
        return
    if digests:
        _show_digests(config)
        return
    if config.database_url is None:
        found = embedded(config).status()
        state = f"running on port {found.port}" if found.running else "not running"
        console.print(f"PostgreSQL {found.version or ''} (embedded): {state}")
        if not found.running:
            return
    try:
        with psycopg.connect(owner_uri(config), autocommit=True) as connection:
            _show_ledger(connection)
    except psycopg.Error as error:
        raise DatabaseError(first_line(error)) from error


def _show_digests(config: Config) -> None:
    # Here and not above: only this needs the engine, which takes longer to import than all else.
    from api.cli.following import runner_for

    runner = runner_for(config, checked_login(config))
    for name in VIEWS:
        digest = runner.digest_at(name)
        click.echo(f"{name} {digest.sha256} at {write_token(digest.positions)}")


def _show_ledger(connection: psycopg.Connection[Any]) -> None:
    if missing := missing_migrations(connection):
        console.print(f"not migrated: {', '.join(missing)}; run `closedloop migrate`", style="red")
        return
    heads = connection.execute(
        "SELECT partition, position, nullif(recorded_at, '-infinity') FROM ledger.heads"
        " ORDER BY partition"
    ).fetchall()
    ledger = Table("partition", "events", "last recorded", title="ledger")
    for partition, position, recorded_at in heads:
        ledger.add_row(str(partition), f"{position:,}", str(recorded_at or "-"))
    console.print(ledger)
    _show_views(connection)


def _show_views(connection: psycopg.Connection[Any]) -> None:
    """Print where each view and policy stands, in whose hands, and what it leaves out."""
    table = Table(
        *("view", "partition", "position", "events behind", "seconds behind"),
        *("state", "parked", "passed over", "skipped"),
        title="views and policies",
    )
    for state in states_of(connection, [*VIEWS, *POLICIES]):
        table.add_row(
            state.name,
            str(state.partition),
            f"{state.position:,}",
            f"{state.behind:,}",
            f"{state.seconds:,.1f}",
            _state(state),
            *(f"{number:,}" for number in (state.parked, state.passed_over, state.skipped)),
        )
    console.print(table)


def _state(state: State) -> str:
    if state.halted_cause is not None:
        return f"halted before {state.halted_before}: {state.halted_cause}"
    if state.ahead is not None:
        return state.ahead
    return "in nobody's hands" if state.holder is None else f"held by {state.holder[:8]}"


COMMANDS = (status,)
