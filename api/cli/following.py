"""Views that keep up with the ledger: what runs them, and waiting until they have."""

from concurrent.futures import ThreadPoolExecutor, wait

from api.config import Config
from api.progress import progress_bar
from api.registry import registry
from api.runtime import Login
from domain.policies import ALL_POLICIES
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
