"""`migrate`, `uri`, `stop`: the commands of whoever runs the installation."""

import rich_click as click

from api.cli.output import console, fail
from api.config import Config
from api.runtime import embedded, migrate_database
from ledger.migrate import MAX_PARTITIONS


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


COMMANDS = (migrate, uri, stop)
