"""What commands that give orders need: an open ledger, the desk, and views that keep up."""

from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import asynccontextmanager

from api.app import registry, services
from api.config import Config
from api.http import Services
from api.importing.progress import progress_bar
from api.runtime import Login, checked_login, kept_alive
from domain.policies import ALL_POLICIES
from ledger.application import Ledger
from projections import all_views
from projections.engine import Runner

_SECONDS_BETWEEN_LOOKS = 0.5


def runner_for(config: Config, login: Login) -> Runner:
    """The runner of all views and policies over this database."""
    secret = config.secret()
    return Runner(
        login.uri,
        login.role,
        registry(),
        all_views(secret),
        ALL_POLICIES,
        secret=secret,
        parks=config.park,
    )


def catch_up(runner: Runner) -> None:
    """Bring what follows from the events up to date, with progress: it may take a while."""
    with ThreadPoolExecutor(1) as pool, progress_bar("events taken in") as show:
        work = pool.submit(runner.catch_up)
        most = 0
        while not wait((work,), timeout=_SECONDS_BETWEEN_LOOKS).done:
            left = sum(lag.events for lag in runner.lag().values())
            most = max(most, left)
            show(most - left, (most - left) / max(most, 1))
        work.result()


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
