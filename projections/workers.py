"""Processes that help with a rebuild: each has its connection and takes whatever slice is free."""

import multiprocessing
import os
import pickle
import signal
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from multiprocessing.connection import Connection as Pipe
from multiprocessing.context import SpawnProcess
from typing import NamedTuple, Self, TypeVar

from ledger import database
from projections import generations
from projections.generations import Index, add_index, missing_indexes, names_of
from projections.reader import Connection
from projections.slices import Job, fold_slices
from projections.view import View

T = TypeVar("T")

# What a crash of the server takes back is done again, with the note that it was done.
_OPTIONS = (
    "-c lock_timeout=60s -c statement_timeout=0 -c idle_in_transaction_session_timeout=10min"
    " -c enable_seqscan=off -c synchronous_commit=off -c maintenance_work_mem=96MB"
)


class Login(NamedTuple):
    """How whoever works on a rebuild connects."""

    uri: str
    role: str | None

    def connect(self) -> Connection:
        """A connection that may take its time."""
        return database.connect(self.uri, role=self.role, options=_OPTIONS)


class Helpers:
    """Processes that come up while a rebuild begins, and fold slices once they are told to.

    They fold until no slice is free; what they leave is for the caller. One that fails or is killed
    leaves its slice as it was.
    """

    def __init__(self) -> None:
        """None yet."""
        self._started: list[tuple[SpawnProcess, Pipe]] = []

    def __enter__(self) -> Self:
        """None of them outlives the block."""
        return self

    def __exit__(self, *error: object) -> None:
        """End them, whatever they are at."""
        for process, ours in self._started:
            ours.close()
            process.terminate()
            process.join()

    def start(self, number: int, login: Login, job: Job) -> None:
        """Start so many; none for a view that only a test has, and no process could be told."""
        context = multiprocessing.get_context("spawn")
        for _ in range(number if _can_travel(job) else 0):
            theirs, ours = context.Pipe(duplex=False)
            args = os.getpid(), login, job, theirs
            process = context.Process(target=_help, args=args, daemon=True)
            process.start()
            theirs.close()
            self._started.append((process, ours))

    def fold(self, job: Job) -> None:
        """Have them fold what is planned by now."""
        for _, ours in self._started:
            with suppress(BrokenPipeError):  # one was killed already
                ours.send((job.generation, job.asides))

    @property
    def are_at_work(self) -> bool:
        """Whether any of them still folds."""
        return any(process.is_alive() for process, _ in self._started)


def _can_travel(job: Job) -> bool:
    try:
        pickle.dumps(job)
    except (pickle.PicklingError, AttributeError, TypeError):
        return False
    return True


def _help(caller: int, login: Login, job: Job, told: Pipe) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the caller, which ends this
    with login.connect() as connection:
        try:
            planned = job.begun(*told.recv())
        except EOFError:
            return
        for _ in fold_slices(connection, planned, lambda: os.getppid() != caller):
            pass


def add_indexes(number: int, connection: Connection, login: Login, job: Job) -> None:
    """Make the indexes that the generation lacks, some at a time."""
    wanted = missing_indexes(connection, job.view, job.generation)

    def add(index: Index) -> None:
        with login.connect() as its_own:
            add_index(its_own, job.generation, index)

    _some_at_a_time(number, add, wanted)


def analyze(number: int, login: Login, view: View) -> None:
    """Have the planner know the tables of a view and the generation that serves, some at a time."""

    def look_at(table: tuple[str, bool]) -> None:
        name, is_generation = table
        with login.connect() as its_own:
            generations.analyze(its_own, name, is_generation=is_generation)

    _some_at_a_time(number, look_at, [(n, each) for n in names_of(view) for each in (True, False)])


def _some_at_a_time(number: int, do: Callable[[T], None], wanted: Sequence[T]) -> None:
    with ThreadPoolExecutor(number) as threads:
        list(threads.map(do, wanted))
