"""The figures of commands within one process: many at once, one alone, and loading a stream."""

from collections.abc import Iterator

from bench import pgbench, stock
from bench.bench import Bench
from bench.figures import Measured
from bench.ours import open_ours

CALLERS, THREADS, CLIENTS, STREAM = 64, 16, 16, 20
ROUNDS = 10  # of what takes less than a second: the machine is faster in one than in the next
NAMES = ("commands", "pgbench", "alone", "load")


def measure(bench: Bench) -> Iterator[Measured]:
    """Ours beside the library and pgbench, each on tables of its own in one database."""
    if not bench.wants(*NAMES):
        return
    many, few = 3000 * bench.size.seconds, 500 * bench.size.seconds
    with (
        bench.places.database() as database,
        stock.open_stock(database) as app,
        open_ours(database) as ours,
    ):
        ours.commands_per_second(few, CALLERS)  # what is prepared once is prepared now
        stock.commands_per_second(app, few, THREADS)
        script = pgbench.prepare(database)
        yield from bench.in_pairs(
            "commands",
            lambda: stock.commands_per_second(app, 500 * bench.size.seconds, THREADS),
            lambda: ours.commands_per_second(many, CALLERS),
        )
        yield from bench.in_pairs(
            "pgbench",
            lambda: pgbench.inserts_per_second(database, script, CLIENTS, bench.size.seconds),
            lambda: ours.commands_per_second(many, CALLERS),
        )
        each = few // ROUNDS
        yield from bench.in_pairs(
            "alone",
            lambda: stock.latency_ms(app, each),
            lambda: ours.latency_ms(each),
            rounds=ROUNDS,
        )
        yield from bench.in_pairs(
            "load",
            lambda: stock.load_ms(app, STREAM, each),
            lambda: ours.load_ms(STREAM, each),
            rounds=ROUNDS,
        )
