"""`backup`, `restore`: the whole ledger in one file, and back."""

import signal
import types
from pathlib import Path

import rich_click as click
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from rich.table import Table

from api.cli.output import console, fail
from api.config import Config
from api.progress import progress_bar
from api.runtime import embedded, owner_uri
from ledger import backup_file
from ledger.backup import back_up
from ledger.backup_file import Backup, Manifest
from ledger.database import DatabaseError
from ledger.ids import write_token
from ledger.migrate import ROLES
from ledger.restore import Target, check_secret
from ledger.restore import restore as carry_out

_FILE = click.Path(dir_okay=False, path_type=Path)
_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
_PROGRAMS = click.option(
    "--programs", type=_FOLDER, help="Where pg_dump and pg_restore are, instead of our own."
)


@click.command()
@click.argument("file", type=_FILE)
@click.option("--force", is_flag=True, help="Replace the file if it is there, once this is whole.")
@click.option("--inspect", is_flag=True, help="Say what FILE holds, and check it; change nothing.")
@_PROGRAMS
def backup(file: Path, force: bool, inspect: bool, programs: Path | None) -> None:
    """Write ledger and views, as of one moment, to FILE, while everybody works on.

    The installation's secret is not in it: keep a copy of that file apart.
    """
    if inspect:
        found = backup_file.read(file)
        backup_file.verify(found)
        _show(found)
        return
    config = Config.from_environment()
    _stop_on_sigterm()
    with progress_bar("bytes") as progress:
        manifest = back_up(_owner(config), file, force=force, programs=programs, progress=progress)
    console.print(
        f"{file}: {manifest.events:,} events up to {write_token(manifest.heads)},"
        f" {_size(file.stat().st_size)}",
        style="green",
        highlight=False,
        markup=False,
    )
    console.print(f"The secret is not in it: keep {config.secret_file} apart.", markup=False)


@click.command()
@click.argument("file", type=_FILE)
@click.option("--replace", is_flag=True, help="Take the place of a ledger that has events.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@_PROGRAMS
def restore(file: Path, replace: bool, yes: bool, programs: Path | None) -> None:
    """Bring back what `backup` wrote; servers and workers are stopped meanwhile.

    A ledger that is replaced is kept as a database of another name.
    """
    config = Config.from_environment()
    found = backup_file.read(file)
    _show(found)
    secret = config.known_secret()
    check_secret(found.manifest, secret, config.secret_file)
    if replace and not yes and not click.confirm("Replace the ledger of this installation by it?"):
        fail("nothing was changed")
    _stop_on_sigterm()
    target = _target(config)
    with progress_bar("pages") as progress:
        kept = carry_out(
            found,
            target,
            config.secret() if secret is None else secret,
            replace=replace,
            programs=programs,
            progress=progress,
        )
    heads = write_token(found.manifest.heads)
    console.print(f"restored up to {heads}; start servers and workers", style="green")
    if kept is not None:
        console.print(f'The ledger before is the database {kept} (DROP DATABASE "{kept}").')


def _owner(config: Config) -> str:
    """The owner's address: who serves may not read everything."""
    if config.database_url is None and config.database_url_app is not None:
        raise DatabaseError("the application's login may not do this: set DATABASE_URL")
    return owner_uri(config)


def _target(config: Config) -> Target:
    """Where a restore goes; of the embedded server, who may make databases is known."""
    uri = _owner(config)
    if config.database_url is not None:
        return Target(uri, make_conninfo(uri, dbname="postgres"))
    server = embedded(config)
    passwords = {role: str(conninfo_to_dict(server.uri(role))["password"]) for role in ROLES}
    return Target(uri, server.superuser_uri(), passwords)


def _show(found: Backup) -> None:
    """What a backup holds, for people."""
    held: Manifest = found.manifest
    table = Table(show_header=False, title=str(found.path))
    for name, value in (
        ("made at", f"{held.made_at:%Y-%m-%d %H:%M:%S%z}"),
        ("by", f"closedloop {held.release} on PostgreSQL {held.postgresql}"),
        ("format, last migration", f"{held.format}, {max(held.migrations, default='-')}"),
        ("events", f"{held.events:,} in {held.partitions} partition(s): {write_token(held.heads)}"),
        ("last recorded", f"{held.recorded_at:%Y-%m-%d %H:%M:%S%z}" if held.recorded_at else "-"),
        ("views", _lags(held)),
        ("secret's fingerprint", held.secret or "-"),
        ("size", _size(found.path.stat().st_size)),
    ):
        table.add_row(name, value)
    console.print(table, markup=False)


def _lags(held: Manifest) -> str:
    """How many views and policies there are, and which of them were behind."""
    behind = [
        name
        for name, positions in held.views.items()
        if any(position < held.heads[partition] for partition, position in positions.items())
    ]
    told = f"behind: {', '.join(behind)}" if behind else "none behind"
    return f"{len(held.views)} with policies, {told}"


def _size(size: float) -> str:
    for unit in ("bytes", "KiB", "MiB"):
        if size < 1024:
            return f"{size:,.0f} {unit}" if unit == "bytes" else f"{size:,.1f} {unit}"
        size /= 1024
    return f"{size:,.1f} GiB"


def _stop_on_sigterm() -> None:
    """Leave by the same way as Ctrl-C, so that what was begun is tidied up."""

    def leave(number: int, frame: types.FrameType | None) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, leave)


COMMANDS = (backup, restore)
