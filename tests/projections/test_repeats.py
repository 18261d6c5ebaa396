"""The rows of the view `repeats`: the class as last recorded, and every closing."""

from typing import Any

from domain.complaint.merge import ComplaintMerged, ComplaintUnmerged
from domain.kernel import Recorded
from projections.repeats import ClosingRow, RepeatRow
from tests.projections.folding import after, folded
from tests.projections.lives import DAY, RULE, classed, closed, life, reopened, stream
from tests.world import SURVIVOR_ID


def repeat(*events: Recorded[Any]) -> RepeatRow:
    [row] = [row for row in folded("repeats", *events) if isinstance(row, RepeatRow)]
    return row


def closings(*events: Recorded[Any]) -> list[ClosingRow]:
    return [row for row in folded("repeats", *events) if isinstance(row, ClosingRow)]


def test_the_last_word_on_a_class_counts_and_corrections_are_counted() -> None:
    story = life(1, (1, classed("repeat", earlier=7, days_since_close=12)))
    row = repeat(*story)
    assert (row.repeat_class, row.earlier_id, row.days_since_close) == ("repeat", stream(7), 12)
    assert (row.rule_version, row.classified_by, row.judgement_count) == (RULE, "ann", 2)
    before = repeat(*life(1, repeat_class=None))
    assert (before.repeat_class, before.judgement_count) == (None, 0)


def test_each_closing_is_an_entry_charged_to_who_held_the_complaint_then() -> None:
    story = life(1, (1, closed()), (5, reopened()), (6, closed("unreachable")), person="li")
    first, second = closings(*story)
    assert (first.number, first.reason, first.holder_unit, first.holder_person) == (
        1,
        "verified",
        "east",
        "li",
    )
    assert (first.closed_at, first.reopened_at) == (after(DAY), after(5 * DAY))
    assert (second.number, second.reason, second.reopened_at) == (2, "unreachable", None)


def test_a_merge_that_was_undone_closed_nothing() -> None:
    merged = [
        (1, ComplaintMerged(target_id=SURVIVOR_ID, reason_code="same")),
        (1, closed("duplicate")),
    ]
    undone = ComplaintUnmerged(target_id=SURVIVOR_ID, stage="accepted", reason_code="other")
    assert [row.reason for row in closings(*life(1, *merged))] == ["duplicate"]
    assert closings(*life(1, *merged, (2, undone))) == []
    [row] = closings(*life(1, *merged, (2, undone), (3, closed())))
    assert (row.number, row.reason) == (1, "verified")
