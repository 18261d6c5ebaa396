"""`run`, `serve`: the API, and the worker beside it."""

import asyncio
import gc
import signal
import socket
import types

import rich_click as click

from api.app import application, services
from api.cli import demo
from api.cli.following import runner_for
from api.cli.output import console, fail
from api.config import Config
from api.keeper import kept_alive
from api.logs import configure_logs
from api.registry import registry
from api.runtime import Login, checked_login, embedded, migrate_database
from api.server import Server, possible_connections
from api.worker import Worker
from ledger.application import Ledger


@click.command()
def run() -> None:
    """Set everything up, load the demo, and serve: the main job, on the embedded server."""
    config = Config.from_environment()
    configure_logs(config.log, quiet=True)
    _stop_on_sigterm()
    bound = _bind(config)
    is_ours = config.database_url is None and not embedded(config).is_running()
    try:
        for name in migrate_database(config):
            console.print(f"migrated {name}", style="dim")
        login = checked_login(config)
        keys = asyncio.run(demo.load(config))
        counts = demo.count(runner_for(config, login), login)
        demo.show(config, counts, keys)
        _serve(config, login, bound, with_worker=True)
    finally:
        bound.close()
        if is_ours:
            embedded(config).stop()
            console.print("stopped; the next run continues with the same data", style="dim")


@click.command()
@click.option("--no-worker", is_flag=True, help="Serve the API only; run `closedloop work` beside.")
def serve(no_worker: bool) -> None:
    """Serve the API, and keep the views up to date in a process beside it."""
    config = Config.from_environment()
    configure_logs(config.log)
    _stop_on_sigterm()
    login = checked_login(config)
    bound = _bind(config)
    try:
        _serve(config, login, bound, with_worker=not no_worker)
    finally:
        bound.close()


def _stop_on_sigterm() -> None:
    """Leave by the same way as Ctrl-C, so that what was started is stopped.

    uvicorn shuts down on the signal first, and raises it once more when it has.
    """

    def leave(number: int, frame: types.FrameType | None) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, leave)


def _bind(config: Config) -> socket.socket:
    """Take the port first: a busy one is one clear line, not half a start."""
    family = socket.AF_INET6 if ":" in config.host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((config.host, config.port))
    except OSError as error:
        bound.close()
        fail(
            f"cannot listen on {config.host}:{config.port} ({error.strerror});"
            " set CLOSEDLOOP_PORT to another port"
        )
    bound.set_inheritable(False)
    return bound


def _search_for_garbage_less() -> None:
    """Look through what is new now and then, and through what has been there from the start never.

    Nearly all that a request makes goes when it is answered, without any search; searching took
    30 to 40 us a line of bulk, a fifth of its time.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 10, 10)


def _serve(config: Config, login: Login, bound: socket.socket, *, with_worker: bool) -> None:
    worker = Worker() if with_worker else None
    ledger = Ledger(
        login.uri,
        registry(),
        role=login.role,
        on_append=worker.wake if worker is not None else lambda: None,
    )
    serving = services(ledger, config.secret(), runner=worker)
    server = Server(application(serving), serving.feed.close, connections=possible_connections())
    _search_for_garbage_less()
    if worker is not None:
        worker.start()
    try:
        with kept_alive(config):
            server.run_on(bound)
    except KeyboardInterrupt:
        pass  # the way to stop: uvicorn has shut down by now
    finally:
        if worker is not None:
            worker.close()


COMMANDS = (run, serve)
