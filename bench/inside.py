"""What is printed and has nothing to reach: how soon views follow, memory, where the time goes."""

import http.client
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import closing

import msgspec

from api.strict import decode
from bench import noop
from bench.bench import Bench
from bench.figures import Note
from bench.ours import REGISTER, context, open_ours
from bench.processes import PROC, Process, cpu_seconds, peak_mib
from bench.servers import BODY, Server, doing_nothing, requests_per_second, serving
from domain.complaint import COMPLAINT
from domain.complaint.intake import RegisterComplaint
from ledger.registry import Registry

_IDLE_SECONDS = 0.3  # longer than the runner's longest pause between two looks


def measure(bench: Bench, server: Server, nothing: Process) -> Iterator[Note]:
    """Everything of this kind that is wanted, of a server and one that does nothing."""
    if bench.wants("visible"):
        bench.tell("visible: from an append to its view")
        server.settle()
        yield _visible(server, 10 * bench.size.seconds)
    if bench.wants("bare"):
        bench.tell("bare: HTTP beside uvicorn and Litestar alone")
        yield _beside_bare(server, 500 * bench.size.seconds)
    if bench.wants("memory") and PROC.exists():
        bench.tell("memory: the server under load")
        server.in_bulk_per_second(4 * bench.size.seconds)
        server.commands_per_second(500 * bench.size.seconds)
        for what, process in (("server", server.process.pid), ("worker", server.worker)):
            yield Note("memory", f"{what} under load, peak", f"{peak_mib(process):,.0f} MiB")
    if bench.wants("cpu") and PROC.exists():
        yield from _cpu(bench, server, nothing, 500 * bench.size.seconds)


# --- from an append to its view -------------------------------------------------------------


def _visible(server: Server, times: int) -> Note:
    """From the answer to a command to the answer of a list that has it, on an idle system."""
    found = []
    headers = {"Authorization": server.authorization, "Content-Type": "application/json"}
    body = msgspec.json.encode(BODY)
    with closing(http.client.HTTPConnection("127.0.0.1", server.process.port)) as client:
        for number in range(times):
            time.sleep(_IDLE_SECONDS)
            keyed = {**headers, "Idempotency-Key": f"visible-{time.time_ns()}-{number}"}
            place = _asked(client, "POST", "/v1/complaints", body, keyed)
            began = time.perf_counter()
            _asked(client, "GET", f"/v1/complaints?limit=1&at_least={place}", b"", headers)
            found.append((time.perf_counter() - began) * 1000)
    value = f"{statistics.median(found):.1f} ms p50, {_p95(found):.1f} ms p95"
    return Note("visible", "from an append to the list that has it, idle, over HTTP", value)


def _asked(
    client: http.client.HTTPConnection, method: str, path: str, body: bytes, headers: dict[str, str]
) -> str:
    """The place in the ledger that an answer names."""
    client.request(method, path, body, headers)
    answer = client.getresponse()
    answer.read()
    if answer.status not in (200, 201):
        raise RuntimeError(f"{method} {path} was answered with {answer.status}")
    return answer.headers.get("Ledger-Position", "")


def _p95(values: list[float]) -> float:
    return sorted(values)[int(len(values) * 0.95)]


# --- beside the framework alone -------------------------------------------------------------


def _beside_bare(server: Server, requests: int) -> Note:
    """As `http`, with nothing around the route of the baseline."""
    with doing_nothing("--bare") as bare:
        requests_per_second(bare.port, noop.PATH, requests)
        ratios = []
        for _ in range(3):
            baseline = requests_per_second(bare.port, noop.PATH, 4 * requests)
            ratios.append(server.commands_per_second(2 * requests) / baseline)
    told = "POST /v1/complaints beside a no-op POST without id, log and metrics"
    return Note("bare", told, f"{statistics.median(ratios):.2f}")


# --- where the time goes --------------------------------------------------------------------


def _cpu(bench: Bench, server: Server, nothing: Process, requests: int) -> Iterator[Note]:
    """Processor time of one registration over HTTP at 64 connections, by part."""
    bench.tell("cpu: where the time of a command goes")
    postmaster = bench.places.pid() or 0

    def spent(process: Process, work: Callable[[], object]) -> tuple[float, float]:
        """Microseconds a request in this process with its worker, and in PostgreSQL."""
        before = cpu_seconds(process.pid), cpu_seconds(postmaster)
        work()
        after = cpu_seconds(process.pid), cpu_seconds(postmaster)
        own, database = (
            (late - early) / requests * 1e6 for early, late in zip(before, after, strict=True)
        )
        return own, database

    framework, _ = spent(nothing, lambda: requests_per_second(nothing.port, noop.PATH, requests))
    with bench.places.database() as database, serving(database, "--no-worker") as alone:
        alone.commands_per_second(requests // 4)
        whole, appended = spent(alone.process, lambda: alone.commands_per_second(requests))
    with_views, kept = spent(server.process, lambda: server.commands_per_second(requests))
    decoded, decided = _decoding(), _deciding()
    with bench.places.database() as database, open_ours(database) as ours:
        ours.commands_per_second(requests // 4, 64)
        before = time.process_time()
        ours.commands_per_second(requests, 64)
        executed = (time.process_time() - before) / requests * 1e6 - decided
    known = framework + decoded + decided + executed
    for told, value in (
        ("server: reading, logging and answering HTTP, as where nothing is done", framework),
        ("server: decoding the body", decoded),
        ("server: deciding, and encoding the event", decided),
        ("server: appending", executed),
        (
            "server: all else: keys, headers, smaller groups",
            whole - known,
        ),
        ("worker: views and policies", with_views - whole),
        ("PostgreSQL: append", appended),
        ("PostgreSQL: views and policies", kept - appended),
    ):
        yield Note("cpu", told, f"{value:,.0f} us a command")


def _decoding() -> float:
    body = msgspec.json.encode(BODY)
    return _microseconds(lambda: decode(RegisterComplaint, body))


def _deciding() -> float:
    registry, told = Registry(COMPLAINT.events), context("cpu")

    def decide() -> None:
        metadata = told.metadata(REGISTER)
        for event in COMPLAINT.decide(REGISTER, COMPLAINT.initial, told):
            registry.encode(event, metadata)

    return _microseconds(decide)


def _microseconds(work: Callable[[], object], times: int = 2000) -> float:
    before = time.process_time()
    for _ in range(times):
        work()
    return (time.process_time() - before) / times * 1e6
