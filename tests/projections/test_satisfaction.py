"""Satisfaction: which answer counts for which resolution, when and charged to whom."""

from typing import Any

import pytest

from domain.complaint.handling import AssignmentSignedFor
from domain.complaint.resolution import ResolutionDisputed
from domain.kernel import Actor, Recorded
from projections.satisfaction import AnswerRow, ResolutionRow
from tests.conftest import Database
from tests.projections.folding import after, folded, imported, in_order
from tests.projections.histories import in_stream
from tests.projections.lives import (
    DAY,
    OTHERS,
    answered,
    closed,
    life,
    lived,
    reopened,
    resolved,
)
from tests.projections.reading import rows
from tests.world import registered

HANDLER = Actor(id="li", kind="person", role="agent")
WEST = AssignmentSignedFor(unit_id="west", person_id="wu")


def answers(*events: Recorded[Any]) -> list[AnswerRow]:
    return [row for row in folded("satisfaction", *events) if isinstance(row, AnswerRow)]


def resolutions(*events: Recorded[Any]) -> list[ResolutionRow]:
    return [row for row in folded("satisfaction", *events) if isinstance(row, ResolutionRow)]


# --- rows -------------------------------------------------------------------------------------


def test_a_resolution_is_charged_to_who_held_the_complaint_then() -> None:
    disputed = ResolutionDisputed(cycle=1)
    first, second = resolutions(
        *life(1, (1, resolved()), (2, disputed), (3, WEST), (4, resolved(2)), person="li")
    )
    assert (first.cycle, first.holder_unit, first.holder_person) == (1, "east", "li")
    assert (second.cycle, second.holder_unit, second.holder_person) == (2, "west", "wu")
    assert (second.resolved_at, second.expires_at) == (after(4 * DAY), after(18 * DAY))


@pytest.mark.parametrize(
    ("by", "is_by_handler"),
    [
        (HANDLER, True),  # holds it
        (Actor(id="ann", kind="person", role="agent"), True),  # resolved it
        (OTHERS, False),
        (Actor(id="shop", kind="system", role="integrator"), False),
    ],
)
def test_an_answer_is_not_collected_by_the_handler(by: Actor, is_by_handler: bool) -> None:
    [row] = answers(*life(1, (1, resolved()), (2, answered(5), by), person="li"))
    assert row.is_by_handler == is_by_handler


def test_an_answer_counts_until_the_question_expires_and_is_kept_after() -> None:
    in_time, late = answers(
        *life(1, (1, resolved()), (14.999, answered(2), OTHERS), (15, answered(5), OTHERS))
    )
    assert (in_time.is_expired, late.is_expired, late.score) == (False, True, 5)


def test_the_result_and_the_process_are_scored_apart() -> None:
    scores = {"result": 2, "process": 5, "timeliness": 1}
    [row] = answers(*life(1, (1, resolved()), (2, answered(3, sub_scores=scores), OTHERS)))
    assert (row.score, row.result_score, row.process_score) == (3, 2, 5)


# --- the report -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def asked(database: Database) -> Database:
    """Complaints of several units whose customers were asked, some of them often."""
    unknown = [
        imported(registered()[0].event, after(0), "day"),
        imported(resolved(), after(DAY), "unknown"),
        imported(answered(5), after(2 * DAY), "unknown"),
    ]
    happy = answered(5, sub_scores={"result": 5, "process": 4})
    lived(
        database,
        [
            life(1, (1, resolved()), (2, answered(1), OTHERS), (3, answered(4), OTHERS)),
            life(2, (1, resolved()), (2, happy, OTHERS), (20, answered(1), OTHERS)),
            life(3, (1, resolved()), (2, answered(5), HANDLER), person="li"),
            life(4, (1, resolved())),
            life(5, (1, resolved()), (2, answered(2), OTHERS), (3, closed("withdrawn"))),
            life(6, (1, closed("withdrawn")), (2, answered(2), OTHERS)),
            # the first cycle in March, answered in April; the second one resolved in April
            life(
                7,
                (20, resolved()),
                (30.5, answered(3), OTHERS),
                (31, ResolutionDisputed(cycle=1)),
                (32, WEST),
                (33, resolved(2)),
                (34, answered(5, cycle=2), OTHERS),
                (35, closed()),
                (36, reopened(3)),
            ),
            life(8, (1, resolved()), (2, answered(5), OTHERS), nature="enquiry"),
            life(9, (1, resolved()), (2, closed("duplicate")), unit="merged"),
            life(10, (1, closed()), (2, answered(5), OTHERS), unit="unresolved"),
            in_stream(11, in_order(unknown)),
        ],
    )
    return database


def test_the_last_valid_answer_of_a_cycle_counts_by_the_month_of_its_resolution(
    asked: Database,
) -> None:
    found = rows(
        asked,
        "SELECT month_date::text, holder_unit, holder_person, satisfied_count, valid_count,"
        " top_count, score_sum, cycles_due_count, answer_count, superseded_count, expired_count,"
        " by_handler_count, unresolved_count, undated_count, non_complaint_count, withdrawn_count"
        " FROM bi.satisfaction ORDER BY satisfaction_id",
    )
    assert found == [
        ("2026-03-01", "east", "li", 0, 0, 0, 0, 1, 1, 0, 0, 1, 0, 0, 0, 0),
        ("2026-03-01", "east", "unknown", 2, 3, 1, 12, 4, 7, 1, 1, 0, 0, 0, 1, 1),
        ("2026-03-01", "hotline", "unknown", 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0),
        ("2026-03-01", "merged", "unknown", 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0),
        ("2026-03-01", "unknown", "unknown", 0, 0, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 1),
        ("2026-04-01", "west", "wu", 1, 1, 1, 5, 1, 1, 0, 0, 0, 0, 0, 0, 0),
    ]


def test_ratios_stand_beside_their_counts(asked: Database) -> None:
    [row] = rows(
        asked,
        "SELECT csat, top_rate, mean_score, mean_result_score, mean_process_score"
        " FROM bi.satisfaction WHERE holder_unit = 'east' AND holder_person = 'unknown'",
    )
    assert [float(value) for value in row] == [0.666667, 0.333333, 4, 5, 4]
    wrong = rows(
        asked,
        "SELECT satisfaction_id FROM bi.satisfaction WHERE answer_count <> valid_count"
        " + superseded_count + expired_count + by_handler_count + unresolved_count"
        " + undated_count + non_complaint_count + declined_count + withdrawn_count + merged_count",
    )
    assert wrong == []
