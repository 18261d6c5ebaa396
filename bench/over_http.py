"""The figures over HTTP, and what is printed of a server and its worker."""

from collections.abc import Iterator

from bench import inside, noop
from bench.bench import Bench
from bench.figures import NOTES, Found
from bench.servers import LINES, doing_nothing, requests_per_second, serving


def measure(bench: Bench) -> Iterator[Found]:
    """One server for everything; it keeps its views, and comes to rest between measurements."""
    if not bench.wants("http", "bulk", *NOTES):
        return
    some = 500 * bench.size.seconds
    with (
        bench.places.database() as database,
        serving(database) as server,
        doing_nothing() as nothing,
    ):
        requests_per_second(nothing.port, noop.PATH, some)  # what is made once is made now
        server.commands_per_second(some)
        yield from bench.in_pairs(
            "http",
            lambda: requests_per_second(nothing.port, noop.PATH, 4 * some),
            lambda: server.commands_per_second(2 * some),
            rounds=3,
        )
        yield from bench.in_pairs(
            "bulk",
            lambda: server.commands_per_second(2 * some),
            lambda: server.in_bulk_per_second(-(-4 * some // LINES)),
            rounds=3,
        )
        yield from inside.measure(bench, server, nothing)
