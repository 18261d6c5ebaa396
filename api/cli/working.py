"""`work`: what keeps the views up to date, alone or beside a server."""

import signal
import threading
import types

import rich_click as click

from api.cli.following import runner_for
from api.config import Config
from api.keeper import kept_alive
from api.logs import configure_logs
from api.runtime import checked_login
from api.worker import Hearing, give_way, tell


@click.command()
@click.option("--beside-server", is_flag=True, hidden=True)
def work(beside_server: bool) -> None:
    """Keep the views up to date; any number of workers may run."""
    config = Config.from_environment()
    configure_logs(config.log, quiet=beside_server)
    runner = runner_for(config, checked_login(config))
    stop, wake = threading.Event(), threading.Event()
    hearing = Hearing(stop, wake)
    if beside_server:
        give_way()
        threading.Thread(target=hearing.listen, daemon=True).start()
        threading.Thread(target=tell, args=(runner, stop), daemon=True).start()

    def leave(number: int, frame: types.FrameType | None) -> None:
        stop.set()
        wake.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, leave)
    with kept_alive(config):
        runner.run(stop, wake, hearing.is_pressed)


COMMANDS = (work,)
