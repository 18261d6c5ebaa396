"""The command line `closedloop`."""

import sys

import psycopg
import rich_click as click

from api.cli import admin, backups, data, rebuilding, serving, simulating, views
from api.cli.output import fail
from api.config import ConfigError
from api.runtime import first_line
from ledger.database import DatabaseError
from ledger.embedded import EmbeddedError
from ledger.registry import UnknownEvent
from ledger.writer import Unavailable
from projections.halting import ViewHalted
from projections.reader import CorruptLedger

click.rich_click.TEXT_MARKUP = "rich"
click.rich_click.MAX_WIDTH = 100


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="closedloop")
def closedloop() -> None:
    """Closed-loop customer complaint management 客户投诉闭环处理.

    Settings come from the environment: see `closedloop status --config`.
    """


for module in (serving, data, rebuilding, simulating, admin, views, backups):
    for command in module.COMMANDS:
        closedloop.add_command(command)


FORESEEN = (
    ConfigError,
    DatabaseError,
    EmbeddedError,
    Unavailable,
    ViewHalted,
    CorruptLedger,
    UnknownEvent,
    psycopg.Error,
    OSError,
)


def main() -> None:
    """Run a command; every failure that can be foreseen is one clear line and a non-zero status."""
    try:
        closedloop(prog_name="closedloop")
    except FORESEEN as error:
        fail(first_line(error))
    except KeyboardInterrupt:
        sys.exit(130)
