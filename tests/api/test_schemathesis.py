"""A share of `make schemathesis` for every run of the tests: CLOSEDLOOP_SEED moves it on."""

import os

from rich.console import Console

from tests.api.serving import Api
from tests.schemathesis_run import run, show

EXAMPLES, EVERY = 8, 5  # `make schemathesis` and item 7 of `make accept` call every operation
SEED = int(os.environ.get("CLOSEDLOOP_SEED") or 20260302)


def test_generated_requests_find_nothing_wrong(api: Api) -> None:
    outcome = run(api, examples=EXAMPLES, seed=SEED, with_coverage=False, every=EVERY)
    show(outcome, Console(width=120))
    assert outcome.is_good, "see the table above; CLOSEDLOOP_SEED repeats or varies the run"
    assert all(told.total() for told in outcome.statuses.values())
