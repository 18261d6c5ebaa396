"""What commands that give orders need: an open ledger and the desk."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from api.app import services
from api.config import Config
from api.http import Services
from api.keeper import kept_alive
from api.registry import registry
from api.runtime import checked_login
from ledger.application import Ledger


@asynccontextmanager
async def open_services(config: Config) -> AsyncIterator[Services]:
    """Services over an open ledger, without views."""
    login = checked_login(config)
    ledger = Ledger(login.uri, registry(), role=login.role)
    with kept_alive(config):
        await ledger.open()
        try:
            yield services(ledger, config.secret())
        finally:
            await ledger.aclose()
