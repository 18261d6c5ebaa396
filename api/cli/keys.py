"""`key`: the keys of API clients."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import rich_click as click
from rich.table import Table

from api.cli.output import console, fail
from api.config import Config
from api.keys import Keys
from api.registry import registry
from api.roles import ROLES
from api.runtime import checked_login, first_line
from domain.kernel import Rejected
from domain.rulebook.defaults import DEFAULT_RULES
from ledger.application import Ledger


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
        async with _keys() as keys:
            return await keys.issue(
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
        async with _keys() as keys:
            await keys.revoke(key_id)

    try:
        asyncio.run(take_back())
    except Rejected as rejected:
        fail(rejected.explain()[1])
    console.print(f"revoked {key_id}")


@key.command("list")
def list_keys() -> None:
    """List the keys, without their secrets."""

    async def listed() -> Any:
        async with _keys() as keys:
            return await keys.listed()

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


@asynccontextmanager
async def _keys() -> AsyncIterator[Keys]:
    """The keys of this installation."""
    login = checked_login(Config.from_environment())
    ledger = Ledger(login.uri, registry(), role=login.role)
    await ledger.open()
    try:
        yield Keys(ledger, DEFAULT_RULES)
    finally:
        await ledger.aclose()


COMMANDS = (key,)
