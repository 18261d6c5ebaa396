"""`migrate`, `key`, `status`, `uri`, `stop`: the commands of whoever runs the installation."""

import asyncio
from typing import Any

import psycopg
import rich_click as click
from rich.table import Table

from api.cli.output import console, fail
from api.cli.session import open_services, runner_for
from api.cli.views import show_views
from api.config import Config
from api.roles import ROLES
from api.runtime import checked_login, embedded, first_line, migrate_database, owner_uri
from domain.kernel import Rejected
from ledger.database import DatabaseError
from ledger.ids import write_token
from ledger.migrate import MAX_PARTITIONS, missing_migrations
from projections import VIEWS


@click.command()
@click.option(
    "--partitions", type=click.IntRange(1, MAX_PARTITIONS), help="Only while the ledger is empty."
)
@click.option("--zone", help="The reporting zone of bi, as Asia/Shanghai.")
def migrate(partitions: int | None, zone: str | None) -> None:
    """Bring the database to the shape of this release; safe to repeat and to run at once."""
    applied = migrate_database(Config.from_environment(), partitions=partitions, zone=zone)
    for name in applied:
        console.print(f"applied {name}")
    console.print("nothing to apply" if not applied else f"{len(applied)} applied", style="green")


@click.group()
def key() -> None:
    """Make, list and take back the keys of API clients."""


@key.command("create")
@click.option("--name", required=True, help="What the key is for; people see it in lists.")
@click.option("--role", required=True, type=click.Choice(ROLES))
@click.option("--principal", help="The staff or system id that acts; default: the key's name.")
@click.option(
    "--kind", type=click.Choice(["person", "bot", "system"]), help="Default: by the role."
)
@click.option("--unit", help="The unit the principal belongs to.")
@click.option(
    "--rate",
    type=click.IntRange(1, 1_000_000),
    help="Requests a minute, each line of a bulk request counted; default: no limit.",
)
def create(
    name: str, role: str, principal: str | None, kind: Any, unit: str | None, rate: int | None
) -> None:
    """Make a key and print it: the only time its secret is seen."""

    async def issue() -> str:
        async with open_services(Config.from_environment()) as serving:
            return await serving.keys.issue(
                name=name,
                role=role,
                principal=principal or name,
                kind=kind or ("system" if role == "integrator" else "person"),
                unit_id=unit,
                rate_per_minute=rate,
            )

    try:
        click.echo(asyncio.run(issue()))
    except ValueError as error:
        fail(first_line(error))


@key.command("revoke")
@click.argument("key_id")
def revoke(key_id: str) -> None:
    """Take a key back: it opens nothing any more."""

    async def take_back() -> None:
        async with open_services(Config.from_environment()) as serving:
            await serving.keys.revoke(key_id)

    try:
        asyncio.run(take_back())
    except Rejected as rejected:
        fail(rejected.explain()[1])
    console.print(f"revoked {key_id}")


@key.command("list")
def list_keys() -> None:
    """List the keys, without their secrets."""

    async def listed() -> Any:
        async with open_services(Config.from_environment()) as serving:
            return await serving.keys.listed()

    table = Table("id", "name", "principal", "role", "kind", "a minute", "created", "revoked")
    for found in asyncio.run(listed()):
        table.add_row(
            found.key_id,
            found.name,
            found.principal,
            found.role,
            found.kind,
            str(found.rate_per_minute or ""),
            found.created_at,
            found.revoked_at or "",
        )
    console.print(table)


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
        runner = runner_for(config, checked_login(config))
        for name in VIEWS:
            digest = runner.digest_at(name)
            click.echo(f"{name} {digest.sha256} at {write_token(digest.positions)}")
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
    show_views(connection)


@click.command()
@click.option("--role", default="owner", type=click.Choice(["owner", "app", "bi", "audit"]))
def uri(role: str) -> None:
    """Print an address for psql or a BI tool; it works on after this command has ended."""
    config = Config.from_environment()
    if config.database_url is not None:
        if role == "owner":
            click.echo(config.database_url)
        elif role == "app" and config.database_url_app:
            click.echo(config.database_url_app)
        else:
            fail("only the embedded server's passwords are known here: ask whoever runs yours")
        return
    server = embedded(config)
    server.start()
    click.echo(server.uri() if role == "owner" else server.uri(f"closedloop_{role}"))


@click.command()
def stop() -> None:
    """Stop the embedded server."""
    config = Config.from_environment()
    server = embedded(config)
    was_running = server.is_running()
    server.stop()
    console.print("stopped" if was_running else "it was not running")


COMMANDS = (migrate, key, status, uri, stop)
