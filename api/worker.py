"""The worker beside a server: the views are kept up to date in a process of the server's own.

In a thread of the server it held the interpreter's lock while requests waited (ADR 0008). The two
talk through the worker's standard streams: a byte says that there is something to do, another that
somebody waits for it, the end of the input, however the server ended, that it is over; a line of
the output tells what stands still.
"""

import errno
import os
import subprocess
import sys
import threading
import time
from collections.abc import Mapping

import msgspec
import structlog

from projections.engine import GATHER_SECONDS, Runner
from projections.reached import Reached

log = structlog.get_logger("closedloop.worker")

AGAIN_AFTER_SECONDS = 1.0
_TELL_EVERY_SECONDS = 0.5
_PATIENCE_SECONDS = 20.0
_NICENESS = 10  # of 19
APPENDED, AWAITED = b".", b"!"
_BESIDE = (sys.executable, "-m", "api.cli", "work", "--beside-server")
_ENDED = "its process has ended and is started again"


class Step(msgspec.Struct, frozen=True, tag=True):
    """A view has taken in what there is up to a position."""

    view: str
    partition: int
    position: int


class Lost(msgspec.Struct, frozen=True, tag=True):
    """The database went away, and how far the views are is to be told anew."""


class State(msgspec.Struct, frozen=True, tag=True):
    """How a worker is: what stands still and why, and what was refused to which policy."""

    halted: dict[str, str] = {}
    refused: list[tuple[str, str, int]] = []


class Worker:
    """The worker as the server sees it; it is started again if it ends before it is told to."""

    def __init__(self) -> None:
        """Nothing runs yet."""
        self.reached = Reached()
        self.reached.on_wait = lambda: self._tell(AWAITED)
        self._woken_at = -GATHER_SECONDS
        self._stop = threading.Event()
        self._state = State()
        self._changing = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._thread = threading.Thread(target=self._keep, name="worker")

    def start(self) -> None:
        """Begin."""
        self._process = _started()
        self._thread.start()

    def close(self) -> None:
        """Stop after the batch in hand."""
        self._stop.set()
        if self._process is None:
            return
        with self._changing:  # none is started from now on
            _close_input(self._process)
        try:
            self._process.wait(_PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()  # its batch is taken back, rows and position together
        self._thread.join()

    def wake(self) -> None:
        """Have it look: at once, or soon if it has just looked and nobody waits for a view.

        What it has just been told, it knows: under load it is not woken for each commit.
        """
        now = time.monotonic()
        if now - self._woken_at > GATHER_SECONDS / 4:
            self._woken_at = now
            self._tell(APPENDED)

    def _tell(self, what: bytes) -> None:
        if self._process is None or self._process.stdin is None:
            return
        try:
            self._process.stdin.write(what)  # or nothing, where it was told often enough
        except (BrokenPipeError, ValueError):
            return  # about to be started again

    @property
    def pid(self) -> int:
        """Its process."""
        assert self._process is not None
        return self._process.pid

    def halted(self) -> dict[str, str]:
        """What stands still and why, as `Runner.halted` tells it."""
        return self._state.halted

    @property
    def refused(self) -> Mapping[tuple[str, str], int]:
        """How many orders of policies were refused, by policy and rule."""
        return {(policy, rule): count for policy, rule, count in self._state.refused}

    def _understand(self, line: bytes) -> None:
        try:
            told = msgspec.json.decode(line, type=State | Step | Lost)
        except msgspec.DecodeError:  # a library's print: no reason to stop watching over it
            log.error("worker said what nobody understands", length=len(line))
        else:
            self._hear(told)

    def _hear(self, told: State | Step | Lost) -> None:
        match told:
            case Step():
                self.reached.tell(told.view, told.partition, told.position)
            case Lost():
                self.reached.forget()
            case State():
                self._state = told

    def _keep(self) -> None:
        while True:
            process = self._process
            assert process is not None
            self._listen(process)
            self.reached.forget()  # what becomes of the views from now on, nobody tells
            code = process.wait()
            _close_input(process)
            if self._stop.is_set():
                return
            log.error("worker ended", code=code, retry_in=AGAIN_AFTER_SECONDS)
            self._state = State(halted={"runner": _ENDED})
            if not self._start_again():
                return

    def _listen(self, process: subprocess.Popen[bytes]) -> None:
        """Hear what the worker says, until it says no more."""
        assert process.stdout is not None
        # Unbuffered, as the input has to be, every byte of a line would be a call of the system.
        with process.stdout, open(process.stdout.fileno(), "rb", closefd=False) as told:
            for line in told:
                if line.endswith(b"\n"):  # killed, it may end in mid-line
                    self._understand(line)

    def _start_again(self) -> bool:
        """Whether there is a worker again: not where it is over in the meantime."""
        while not self._stop.wait(AGAIN_AFTER_SECONDS):
            with self._changing:
                if self._stop.is_set():
                    break
                try:
                    self._process = _started()
                except OSError as error:  # no memory or no process is to be had at present
                    cause = errno.errorcode.get(error.errno or 0, type(error).__name__)
                    log.error("worker not started", cause=cause, retry_in=AGAIN_AFTER_SECONDS)
                else:
                    return True
        return False


def _started() -> subprocess.Popen[bytes]:
    """A process group of its own: Ctrl-C is the server's, which then says that it is over."""
    process = subprocess.Popen(
        _BESIDE, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0, process_group=0
    )
    assert process.stdin is not None
    os.set_blocking(process.stdin.fileno(), False)
    return process


def _close_input(process: subprocess.Popen[bytes]) -> None:
    assert process.stdin is not None
    process.stdin.close()


# --- in the worker's own process ------------------------------------------------------------


def give_way() -> None:
    """Leave the cores to the server where they are short: commands first, views when they can."""
    os.nice(_NICENESS)


class Hearing:
    """What the worker hears from its server."""

    def __init__(self, stop: threading.Event, wake: threading.Event) -> None:
        """Nothing yet; what is heard sets these."""
        self._stop = stop
        self._wake = wake
        self._appended_at = -GATHER_SECONDS

    def listen(self) -> None:
        """Do what the server says, until it says no more."""
        while said := os.read(sys.stdin.fileno(), 4096):
            self.hear(said)
        self._stop.set()
        self._wake.set()

    def hear(self, said: bytes) -> None:
        """Have the runner look at once for who waits, and for the first command after a pause.

        One that has just taken something in looks again by itself: let events gather to batches.
        """
        if AWAITED in said or not self.is_pressed():
            self._wake.set()
        if APPENDED in said:
            self._appended_at = time.monotonic()

    def is_pressed(self) -> bool:
        """Whether the server has been given commands just now."""
        return time.monotonic() - self._appended_at < GATHER_SECONDS


def tell(runner: Runner, stop: threading.Event) -> None:
    """Tell the server every step of a view at once, and how it is whenever that has changed."""
    told = None
    runner.reached.on_step = lambda *step: _say(Step(*step))
    runner.reached.on_lost = lambda: _say(Lost())
    while not stop.wait(_TELL_EVERY_SECONDS):
        refused = [(policy, rule, count) for (policy, rule), count in runner.refused.items()]
        state = State(halted=runner.halted(), refused=refused)
        if state != told:
            told = state
            _say(state)


_saying = threading.Lock()


def _say(told: State | Step | Lost) -> None:
    """A line, whole: the runner tells its steps from another thread."""
    with _saying:
        sys.stdout.buffer.write(msgspec.json.encode(told) + b"\n")
        sys.stdout.buffer.flush()
