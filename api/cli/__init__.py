"""The command line `closedloop`."""

import sys
from importlib import import_module
from typing import Any

import rich_click as click

click.rich_click.TEXT_MARKUP = "rich"
click.rich_click.MAX_WIDTH = 100


class Later(click.RichCommand):
    """A command as the list shows it; its module is imported when it is chosen.

    To serve takes the whole application, to ask for the status a connection: whoever types a short
    command does not wait for what the long ones need.
    """

    def __init__(self, name: str, module: str, told: str) -> None:
        """Show this name and this sentence until it is chosen."""
        super().__init__(name=name, help=told)
        self._module = module

    def whole(self) -> click.Command:
        """The command itself."""
        commands: tuple[click.Command, ...] = import_module(f"api.cli.{self._module}").COMMANDS
        return next(command for command in commands if command.name == self.name)

    def make_context(self, *args: Any, **options: Any) -> click.Context:
        """The context of the command itself, which from here on takes its place."""
        return self.whole().make_context(*args, **options)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="closedloop")
def closedloop() -> None:
    """Closed-loop customer complaint management 客户投诉闭环处理.

    Settings come from the environment: see `closedloop status --config`.
    """


for name, module, told in (
    (
        "run",
        "serving",
        "Set everything up, load the demo, and serve: the main job, on the embedded server.",
    ),
    ("serve", "serving", "Serve the API, and keep the views up to date in a process beside it."),
    ("work", "working", "Keep the views up to date; any number of workers may run."),
    ("import", "data", "Import complaints from a CSV file; run again, nothing is doubled."),
    (
        "replay",
        "data",
        "Tell the story of a complaint, event by event; COMPLAINT is an id or a tracking number.",
    ),
    (
        "rebuild",
        "rebuilding",
        "Make views again from the first event on, while the old rows serve and work goes on.",
    ),
    (
        "simulate",
        "simulating",
        "Invent complaints and work on them by ordinary commands; run again, nothing is doubled.",
    ),
    (
        "migrate",
        "admin",
        "Bring the database to the shape of this release; safe to repeat and to run at once.",
    ),
    ("key", "keys", "Make, list and take back the keys of API clients."),
    (
        "status",
        "status",
        "Show what runs, how many events there are, and how far the views have come.",
    ),
    (
        "uri",
        "admin",
        "Print an address for psql or a BI tool; it works on after this command has ended.",
    ),
    ("stop", "admin", "Stop the embedded server."),
    (
        "park",
        "views",
        "Have a view pass a stream over: that of the event before which it stands, or a named one.",
    ),
    (
        "unpark",
        "views",
        "Take parked streams in again, from their first events on: all of a view, or a named one.",
    ),
    (
        "skip",
        "views",
        "Leave one event (written <partition>:<position>) out of a view or policy, for good.",
    ),
    (
        "backup",
        "backups",
        "Write ledger and views, as of one moment, to FILE, while everybody works on.",
    ),
    (
        "restore",
        "backups",
        "Bring back what `backup` wrote; servers and workers are stopped meanwhile.",
    ),
):
    closedloop.add_command(Later(name, module, told))


def main() -> None:
    """Run a command; every failure that can be foreseen is one clear line and a non-zero status."""
    try:
        closedloop(prog_name="closedloop")
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as error:
        # Here and not above: nobody waits for the names of failures where there is none.
        from api.cli.foreseen import FORESEEN
        from api.cli.output import fail
        from api.runtime import first_line

        if not isinstance(error, FORESEEN):
            raise
        fail(first_line(error))
