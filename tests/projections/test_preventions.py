"""Problems that call for prevention, as they were signalled."""

from msgspec.structs import replace

from projections.preventions import PreventionRow
from tests.conftest import Database
from tests.projections.conftest import SIGNALLED
from tests.projections.folding import after, folded, in_order, told
from tests.projections.histories import in_stream, store
from tests.projections.reading import rows
from tests.projections.running import digests, runner


def test_a_signal_says_which_problem_and_how_many_complaints_of_it_came_in() -> None:
    [row] = folded("preventions", told(SIGNALLED, 5))
    assert isinstance(row, PreventionRow)
    assert (row.problem_key, row.complaint_count) == (SIGNALLED.problem_key, 6)
    assert (row.first_received_at, row.last_received_at) == (after(0), after(40_000))


def test_a_problem_that_comes_back_is_a_signal_of_its_own_live_and_rebuilt(
    fresh_database: Database,
) -> None:
    again = replace(SIGNALLED, count=7)
    store(fresh_database.owner, in_stream(1, in_order([told(SIGNALLED, 1), told(again, 2)])))
    for batch_size in (1, 1000):
        running = runner(fresh_database, batch_size=batch_size)
        running.catch_up()
        before = digests(running)
        shown = "SELECT problem_key, complaint_count FROM bi.preventions ORDER BY 2"
        key = SIGNALLED.problem_key
        assert rows(fresh_database, shown) == [(key, 6), (key, 7)]
        assert running.rebuild("preventions", batch_size) == 2
        assert digests(running) == before
