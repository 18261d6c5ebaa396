"""Every metric counts what it says, and shows exactly what it counted."""

import json
import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import psycopg
import pytest

from domain.complaint.merge import ComplaintMerged
from domain.kernel import Recorded
from projections.metrics import BESIDE, DIMENSIONS, METRICS, Metric, Part
from tests.conftest import Database
from tests.projections.histories import random_histories
from tests.projections.lives import (
    OTHERS,
    answered,
    closed,
    judged,
    life,
    lived,
    reopened,
    resolved,
)
from tests.world import SURVIVOR_ID

Reading = psycopg.Connection[Any]
PARTS: tuple[Part, ...] = ("numerator", "denominator", "excluded")
EVERYTHING = {"after": "", "limit": 100_000}


@pytest.fixture(scope="module")
def history(database: Database) -> Iterator[Reading]:
    """Random complaints of any fate, most of them classed, some surveyed."""
    lives = judged(random.Random(5), random_histories(seed=5, complaints=60))
    came_back = [
        life(1, (1, resolved()), (2, answered(5), OTHERS), (3, closed()), (4, reopened())),
        life(2, received=5, repeat_class="repeat", earlier=1),
        life(3, (1, closed())),
    ]
    lived(database, [*lives, *came_back])
    with psycopg.connect(database.app) as reading:
        yield reading


def asked(reading: Reading, statement: str, **params: Any) -> list[tuple[Any, ...]]:
    """What the application reads."""
    return reading.execute(statement, {**EVERYTHING, **params}).fetchall()


def values(reading: Reading, metric: Metric, group_by: Sequence[str] = ()) -> list[tuple[Any, ...]]:
    """Members, numerator, denominator, what is beside, maturity."""
    return asked(reading, metric.value_sql(group_by, "true"))


@pytest.mark.parametrize("name", METRICS)
def test_what_lies_behind_a_number_is_exactly_what_it_counts(name: str, history: Reading) -> None:
    metric = METRICS[name]
    [(_, *whole, _)] = values(history, metric)
    assert whole[1] > 0, "the histories have something to count"
    for dimension in DIMENSIONS:
        groups = values(history, metric, [dimension])
        assert sum(numerator for _, numerator, *_ in groups) == whole[0]
        assert sum(denominator for _, _, denominator, *_ in groups) == whole[1]
        if dimension not in ("month", "severity", "unit"):
            continue
        # what lies behind all the groups, by group, in one reading
        behind: dict[Any, dict[str, list[Any]]] = {}
        for member, numerator, denominator, excluded, _ in groups:
            [key] = json.loads(member)
            found = {part: evidence(history, metric, part, dimension, key) for part in PARTS}
            behind[key] = found
            assert sum(row[5] for row in found["numerator"]) == numerator
            assert len(found["denominator"]) == denominator
            assert Counter(row[4] for row in found["excluded"]) == excluded
            if metric.unit == "share":
                assert len(found["numerator"]) == numerator
        everything = [row[0] for found in behind.values() for row in found["denominator"]]
        assert len(everything) == len(set(everything)) == whole[1]


def evidence(
    reading: Reading, metric: Metric, part: Part, dimension: str, member: str
) -> list[tuple[Any, ...]]:
    """The items behind a part of a group."""
    condition = metric.condition(dimension)
    return asked(reading, metric.evidence_sql(part, condition), **{dimension: [member]})


@pytest.mark.parametrize("name", METRICS)
def test_every_reason_to_stand_beside_a_metric_is_told(name: str, history: Reading) -> None:
    metric = METRICS[name]
    [(_, _, _, excluded, _)] = values(history, metric)
    assert set(excluded) <= set(metric.beside) <= set(BESIDE)


# --- the reports say the same -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "report"),
    [
        ("repeat_share", "SELECT to_char(month_date, 'YYYY-MM'), unit, numerator_count,"
         " denominator_count FROM bi.repeat_rate WHERE metric = 'repeat_share'"),
        ("return_rate", "SELECT to_char(month_date, 'YYYY-MM'), unit, numerator_count,"
         " denominator_count FROM bi.repeat_rate WHERE metric = 'return_rate'"),
        ("csat", "SELECT to_char(month_date, 'YYYY-MM'), holder_unit, sum(satisfied_count),"
         " sum(valid_count) FROM bi.satisfaction GROUP BY 1, 2"),
        ("top_rate", "SELECT to_char(month_date, 'YYYY-MM'), holder_unit, sum(top_count),"
         " sum(valid_count) FROM bi.satisfaction GROUP BY 1, 2"),
        ("mean_score", "SELECT to_char(month_date, 'YYYY-MM'), holder_unit, sum(score_sum),"
         " sum(valid_count) FROM bi.satisfaction GROUP BY 1, 2"),
    ],
)  # fmt: skip
def test_a_metric_and_its_report_are_one(name: str, report: str, history: Reading) -> None:
    told = {
        tuple(json.loads(members)): (numerator, denominator)
        for members, numerator, denominator, *_ in values(history, METRICS[name], ["month", "unit"])
    }
    for month, unit, *counts in asked(history, report):
        assert told.get((month, unit), (0, 0)) == tuple(counts)


@pytest.mark.parametrize("clock", ["first_response", "assess", "resolve"])
def test_attainment_is_that_of_its_report(clock: str, history: Reading) -> None:
    report = asked(
        history,
        "SELECT to_char(due_month_date, 'YYYY-MM'), severity, met_count,"
        " met_count - disputed_later_count, judged_count FROM bi.sla_attainment"
        " WHERE clock = %(clock)s",
        clock=clock,
    )
    told: dict[Any, list[int]] = {}
    for name in (f"{clock}_attainment", f"{clock}_attainment_net"):
        for members, numerator, denominator, *_ in values(
            history, METRICS[name], ["month", "severity"]
        ):
            told.setdefault(tuple(json.loads(members)), []).extend([numerator, denominator])
    assert told == {
        (month, severity): [gross, judged_count, net, judged_count]
        for month, severity, gross, net, judged_count in report
    }


# --- stories ----------------------------------------------------------------------------------


@pytest.fixture
def told(fresh_database: Database) -> Iterator[Callable[..., Reading]]:
    """Tells lives and reads what they come to."""
    with psycopg.connect(fresh_database.app, autocommit=True) as reading:

        def tell(*lives: list[Recorded[Any]]) -> Reading:
            lived(fresh_database, lives)
            return reading

        yield tell


def attainment(reading: Reading) -> tuple[int, int]:
    """Resolutions in time, of how many."""
    [(_, numerator, denominator, *_)] = values(reading, METRICS["resolve_attainment"])
    return numerator, denominator


def test_merging_an_overdue_complaint_hides_no_miss(told: Callable[..., Reading]) -> None:
    merged = ComplaintMerged(target_id=SURVIVOR_ID, reason_code="same")
    reading = told(
        life(1, (0.5, resolved())),
        life(2),  # overdue since the second day
        life(3, (5, merged), (5, closed("duplicate"))),  # overdue, then merged
        life(4, (0.5, merged), (0.5, closed("duplicate"))),  # merged in time
    )
    assert attainment(reading) == (1, 3)


def test_a_withdrawal_is_in_no_rate_and_counted_beside(told: Callable[..., Reading]) -> None:
    reading = told(life(1, (5, closed("withdrawn"))), life(2, (0.5, resolved())))
    assert attainment(reading) == (1, 1)
    for metric in METRICS.values():
        [(_, _, denominator, excluded, _)] = values(reading, metric)
        assert denominator <= 1
        if metric.facts.item in ("clock", "closing"):
            assert excluded["withdrawn"] == 1


def test_an_empty_ledger_has_no_value_and_no_evidence(told: Callable[..., Reading]) -> None:
    reading = told()
    for metric in METRICS.values():
        assert values(reading, metric) == [("[]", 0, 0, {}, True)]
        for part in PARTS:
            assert asked(reading, metric.evidence_sql(part, "true")) == []
