"""Who stays keeps the embedded server alive."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import structlog

from api.config import Config
from api.runtime import embedded
from ledger.embedded import Embedded, EmbeddedError

log = structlog.get_logger("closedloop.database")

_SECONDS_BETWEEN_LOOKS, _SECONDS_AFTER_FAILURE = 0.25, 5.0


@contextmanager
def kept_alive(config: Config) -> Iterator[None]:
    """Start the embedded server again whenever it dies while the block runs.

    One that was stopped stays so: `closedloop stop` means it, and the next command starts it.
    """
    if config.database_url is not None or config.database_url_app is not None:
        yield
        return
    done = threading.Event()
    keeper = threading.Thread(target=_keep, args=(embedded(config), done), name="keeper")
    keeper.start()
    try:
        yield
    finally:
        done.set()
        keeper.join()


def _keep(server: Embedded, done: threading.Event) -> None:
    pause = _SECONDS_BETWEEN_LOOKS
    while not done.wait(pause):
        pause = _SECONDS_BETWEEN_LOOKS
        try:
            if server.has_died():
                log.warning("embedded server died", then="starting it again")
                server.start()
        except (EmbeddedError, OSError) as error:
            pause = _SECONDS_AFTER_FAILURE
            log.error("embedded server does not start", reason=str(error), retry_in=pause)
