"""The command line `closedloop`."""

import sys

import rich_click as click

from api.cli import admin, data, serving
from api.cli.output import fail
from api.config import ConfigError
from ledger.database import DatabaseError
from ledger.embedded import EmbeddedError
from ledger.writer import Unavailable

click.rich_click.TEXT_MARKUP = "rich"
click.rich_click.MAX_WIDTH = 100


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="closedloop")
def closedloop() -> None:
    """Closed-loop customer complaint management 客户投诉闭环处理.

    Settings come from the environment: see `closedloop status --config`.
    """


for command in (*serving.COMMANDS, *data.COMMANDS, *admin.COMMANDS):
    closedloop.add_command(command)


def main() -> None:
    """Run a command; every failure that can be foreseen is one clear line and a non-zero status."""
    try:
        closedloop(prog_name="closedloop")
    except (ConfigError, DatabaseError, EmbeddedError, Unavailable) as error:
        fail(str(error).strip().partition("\n")[0])
    except KeyboardInterrupt:
        sys.exit(130)
