"""`park`, `unpark`, `skip`: what to do about a view that cannot take an event in."""

import getpass
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import psycopg
import rich_click as click

from api.cli.output import console, fail
from api.config import Config
from api.progress import progress_bar
from api.registry import registry
from api.runtime import checked_login
from domain.policies import POLICIES
from ledger import database
from ledger.ids import read_token
from projections import VIEWS, all_views, parking

_PARTITIONS = "SELECT count(*) FROM ledger.heads"
_NAMES = [*VIEWS, *POLICIES]
_STREAM = click.option("--stream", type=click.UUID, help="The id of a stream.")


@click.command()
@click.argument("view", type=click.Choice(_NAMES))
@_STREAM
def park(view: str, stream: UUID | None) -> None:
    """Have a view pass a stream over: that of the event before which it stands, or a named one.

    The view goes on with all others. `closedloop unpark` takes the stream in again.
    """
    with _changing() as (connection, config):
        found = _view(config, view)
        done = parking.park(connection, found, _partitions(connection), stream)
    console.print(f"parked {done} in {view}", highlight=False)


@click.command()
@click.argument("view", type=click.Choice(_NAMES))
@_STREAM
def unpark(view: str, stream: UUID | None) -> None:
    """Take parked streams in again, from their first events on: all of a view, or a named one.

    One that still cannot be taken in stays parked; then the status is 1.
    """
    stay = 0
    with _changing() as (connection, config):
        found = _view(config, view)
        partitions = _partitions(connection)
        streams = [stream] if stream is not None else parking.parked_streams(connection, view)
        with progress_bar("streams") as show:
            for number, one in enumerate(streams, 1):
                try:
                    parking.unpark(connection, registry(), found, partitions, one)
                except parking.CannotSetAside as error:
                    if stream is not None:
                        raise
                    stay += 1
                    console.print(str(error), style="red", highlight=False)
                show(number, number / len(streams))
    console.print(f"{len(streams) - stay} taken in again, {stay} stay parked", highlight=False)
    if stay:
        raise SystemExit(1)


@click.command()
@click.argument("view", type=click.Choice(_NAMES))
@click.argument("place")
@click.option("--reason", required=True, help="Why; it is kept, so name nobody.")
def skip(view: str, place: str, reason: str) -> None:
    """Leave one event (written <partition>:<position>) out of a view or policy, for good.

    It is left out of every rebuild too. An event that the view has taken in is refused.
    """
    try:
        [(partition, position)] = read_token(place).items()
    except ValueError:
        fail(f"a place is written <partition>:<position>, as 0:1234, not {place!r}")
    with _changing() as (connection, _):
        parking.skip(connection, view, (partition, position), reason, _operator())
    console.print(f"{view} leaves out {place}", highlight=False)


def _view(config: Config, name: str) -> Any:
    if name in POLICIES:
        fail(f"{name} is a policy: it reacts in order, so it halts, or an event is skipped")
    return next(view for view in all_views(config.secret()) if view.name == name)


def _partitions(connection: psycopg.Connection[Any]) -> int:
    [(partitions,)] = connection.execute(_PARTITIONS).fetchall()
    return int(partitions)


def _operator() -> str:
    """Who is at the keyboard, as far as the system tells."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "operator"


@contextmanager
def _changing() -> Iterator[tuple[psycopg.Connection[Any], Config]]:
    """A connection for a change by hand; what cannot be done is one line."""
    config = Config.from_environment()
    login = checked_login(config)
    try:
        with database.connect(login.uri, role=login.role) as connection:
            yield connection, config
    except parking.CannotSetAside as error:
        fail(str(error))


COMMANDS = (park, unpark, skip)
