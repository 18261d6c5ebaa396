"""`import`, `replay`: the commands that work on what is recorded."""

import asyncio
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import rich_click as click

from api.as_of import AsOf, part_of, read_as_of
from api.cli import story
from api.cli.output import console, fail
from api.cli.session import open_services
from api.config import Config
from api.importing.mapping import MappingError, load_mapping
from api.importing.records import FileProblem
from api.importing.rejects import default_rejects
from api.importing.run import ImportResult, import_file, summary
from api.moments import read_moment
from api.problems import ProblemError
from api.progress import progress_bar
from domain.kernel import Rejected
from ledger.database import DatabaseError


@click.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--mapping", default="cfpb", show_default=True, help="A shipped name, or a TOML file."
)
@click.option("--rejects", type=click.Path(path_type=Path), help="Where bad rows go.")
def import_csv(file: Path, mapping: str, rejects: Path | None) -> None:
    """Import complaints from a CSV file; run again, nothing is doubled.

    Bad rows are kept in a file of their own, with line number and reason, and the rest goes on;
    then the status is 1.
    """

    async def work() -> ImportResult:
        async with open_services(Config.from_environment()) as serving:
            with progress_bar("rows") as progress:
                return await import_file(
                    serving.desk,
                    file,
                    load_mapping(mapping),
                    rejects=rejects or default_rejects(file),
                    progress=progress,
                )

    try:
        result = asyncio.run(work())
    except (FileProblem, MappingError) as error:
        fail(str(error))
    console.print(summary(result), highlight=False)
    if result.rejected:
        raise SystemExit(1)


@click.command()
@click.argument("complaint")
@click.option(
    "--as-of",
    help="What was recorded by then: a time (RFC 3339), a version (v12) or a place (0:1234).",
)
@click.option("--occurred-by", help="Only what had occurred by this time (RFC 3339).")
def replay(complaint: str, as_of: str | None, occurred_by: str | None) -> None:
    """Tell the story of a complaint, event by event; COMPLAINT is an id or a tracking number."""
    when = _as_of(as_of, occurred_by)

    async def work() -> tuple[UUID, list[Any]]:
        async with open_services(Config.from_environment()) as serving:
            complaint_id = await serving.places.complaint(complaint)
            history = await serving.ledger.history(complaint_id)
            return complaint_id, part_of(history, when)

    try:
        complaint_id, history = asyncio.run(work())
        story.tell(console, complaint_id, history)
    except ValueError as error:
        fail(f"--as-of: {error}")
    except Rejected as rejected:
        fail(rejected.explain()[1])
    except ProblemError as error:
        raise DatabaseError(error.problem.detail) from error


def _as_of(as_of: str | None, occurred_by: str | None) -> AsOf:
    """What the options say; fails where they say nothing that can be meant."""
    try:
        found = AsOf() if as_of is None else read_as_of(as_of)
    except ValueError as error:
        fail(f"--as-of: {error}")
    try:
        moment = None if occurred_by is None else read_moment(occurred_by)
    except ValueError as error:
        fail(f"--occurred-by: {error}")
    return msgspec.structs.replace(found, occurred_by=moment)


COMMANDS = (import_csv, replay)
