"""When a problem calls for prevention 问题预防: counted at the receipts, signalled at the edge."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from domain.complaint.intake import FieldCorrected
from domain.complaint.merge import ComplaintMerged, ComplaintUnmerged
from domain.complaint.state import ComplaintClosed
from domain.complaint.vocabulary import Category, Facts
from domain.kernel import Metadata, Recorded
from domain.policies.signal_prevention import SIGNAL_PREVENTION
from domain.prevention import PREVENTION, PreventionTriggered, SignalPrevention, stream_of
from domain.rulebook.defaults import DEFAULT_RULES
from domain.rules import PreventionRule
from tests import reacting, world
from tests.projections.reacting import in_stream
from tests.projections.reacting import stream_of as complaint_of
from tests.reacting import Story
from tests.spec import RECEIVED, given

KEY = " > ".join(world.CATEGORY.path)
OTHER = Category(path=["服务体验", "态度"], taxonomy_version="2026-01")
DAY = timedelta(days=1)


def complaint(number: int, day: float, **told: Any) -> Story:
    """A complaint received on some day and assessed five minutes later."""
    return in_stream(number, world.assessed(**told), since=RECEIVED + day * DAY)


def signals(*stories: Story) -> list[tuple[int, list[int]]]:
    """Who signalled, and which complaints it named: everything is heard in order of recording."""
    found = []
    events = sorted((item for story in stories for item in story), key=_recorded)
    for trigger in events:
        for order in reacting.orders_of(SIGNAL_PREVENTION, trigger, *stories):
            assert order.stream_id == stream_of(order.command.problem_key)
            named = [one.int & 0xFFFF for one in order.command.complaint_ids]
            found.append((trigger.stream_id.int & 0xFFFF, named))
    return found


def _recorded(item: Recorded[Any]) -> datetime:
    return item.recorded_at


def on_days(*days: float, **told: Any) -> list[Story]:
    return [complaint(number, day, **told) for number, day in enumerate(days, 1)]


# --- the edge -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("days", "signalled_by"),
    [
        ([0, 1, 2, 3, 4], []),  # five are not more than five
        ([0, 1, 2, 3, 4, 5], [6]),
        ([0, 1, 2, 3, 4, 5, 6, 7, 8], [6]),  # once, while it goes on
        ([0, 1, 2, 3, 4, 30], []),  # the first has left the window
        ([0, 1, 2, 3, 4, 29.9], [6]),
        ([0, 1, 2, 3, 4, 5, 60, 61, 62, 63, 64, 65], [6, 12]),  # fallen back, and again
        ([0, 1, 2, 3, 4, 5, 31, 32, 33, 34, 34.1, 34.2, 34.3], [6, 11]),
    ],
)
def test_the_sixth_complaint_of_a_problem_within_thirty_days_calls_for_prevention(
    days: list[float], signalled_by: list[int]
) -> None:
    assert [number for number, _ in signals(*on_days(*days))] == signalled_by


def test_the_signal_names_the_complaints_and_the_times_of_their_receipts() -> None:
    stories = on_days(0, 1, 2, 3, 4, 5)
    [order] = reacting.orders_of(SIGNAL_PREVENTION, stories[-1][-1], *stories)
    expected = SignalPrevention(
        problem_key=KEY,
        window_days=30,
        complaint_ids=[complaint_of(number) for number in range(1, 7)],
        first_received_at=stories[0][0].recorded_at,
        last_received_at=stories[5][0].recorded_at,
    )
    assert order.command == expected
    signalled = given(decider=PREVENTION).when(expected, by=world.POLICY)
    signalled.then(PreventionTriggered)
    assert signalled.events[0].count == 6
    signalled.when(expected, by=world.POLICY).silent()


# --- what counts --------------------------------------------------------------------------------


def test_another_problem_is_counted_apart() -> None:
    stories = on_days(0, 1, 2, 3, 4)
    assert signals(*stories, complaint(6, 5, category=OTHER)) == []


def test_enquiries_and_complaints_not_assessed_are_not_counted() -> None:
    stories = on_days(0, 1, 2, 3, 4)
    assert signals(*stories, complaint(6, 5, nature="enquiry"), complaint(7, 5)[:1]) == []


def test_a_duplicate_is_not_counted_until_it_stands_alone_again() -> None:
    stories = on_days(0, 1, 2, 3)
    duplicate = list(complaint(5, 4))
    last = duplicate[-1]
    for hours, event in enumerate(
        (
            ComplaintMerged(target_id=complaint_of(1), reason_code="same"),
            ComplaintClosed(reason="duplicate"),
        ),
        1,
    ):
        at = last.recorded_at + timedelta(hours=hours)
        duplicate.append(replace(last, event=event, recorded_at=at))
    sixth = complaint(6, 5)
    assert signals(*stories, duplicate, sixth) == []
    undone = ComplaintUnmerged(
        target_id=complaint_of(1), stage="assessed", reason_code="not-the-same"
    )
    duplicate.append(replace(last, event=undone, recorded_at=last.recorded_at + 3 * DAY))
    assert signals(*stories, duplicate, sixth) == [(5, [1, 2, 3, 4, 5, 6])]


def test_complaints_of_an_import_never_call_for_prevention() -> None:
    def imported(story: Story) -> Story:
        metadata = Metadata(actor=world.IMPORTER, client_id="import")
        return [replace(item, metadata=metadata) for item in story]

    stories = on_days(0, 1, 2, 3, 4, 5)
    assert signals(*map(imported, stories)) == []
    assert signals(*map(imported, stories), complaint(7, 6)) == []


# --- late ---------------------------------------------------------------------------------------


def assessed_on(story: Story, day: float) -> Story:
    at = RECEIVED + day * DAY
    return [story[0], replace(story[1], recorded_at=at)]


def test_complaints_assessed_late_count_at_their_receipt() -> None:
    stories = [assessed_on(story, 50 + n) for n, story in enumerate(on_days(0, 1, 2, 3, 4, 40))]
    assert signals(*stories) == [], "received forty days apart, however late they are assessed"
    late = [assessed_on(story, 50 + n) for n, story in enumerate(on_days(0, 1, 2, 3, 4, 5))]
    assert signals(*late) == [(6, [1, 2, 3, 4, 5, 6])]


def test_a_receipt_told_late_signals_the_window_it_fills() -> None:
    stories = [assessed_on(complaint(9, 2.5), 20), *on_days(0, 1, 2, 3, 4)]
    assert signals(*stories) == [(9, [1, 2, 3, 9, 4, 5])]


def test_a_receipt_told_late_into_a_window_that_was_full_signals_nothing_more() -> None:
    stories = [assessed_on(complaint(9, 2.5), 20), *on_days(0, 1, 2, 3, 4, 5)]
    assert [number for number, _ in signals(*stories)] == [6]


def test_a_new_category_counts_for_the_new_problem_only() -> None:
    stories = on_days(0, 1, 2, 3, 4)
    other = list(complaint(6, 5, category=OTHER))
    again = replace(other[-1], event=stories[0][-1].event)
    other.append(replace(again, recorded_at=again.recorded_at + DAY))
    assert signals(*stories, other) == [(6, [1, 2, 3, 4, 5, 6])]


def test_a_complaint_by_correction_counts_from_then_on() -> None:
    stories = on_days(0, 1, 2, 3, 4)
    enquiry = list(complaint(6, 5, nature="enquiry"))
    correction = FieldCorrected(
        field="nature", old=Facts(nature="enquiry"), new=Facts(nature="complaint")
    )
    at = enquiry[-1].recorded_at + DAY
    enquiry.append(replace(enquiry[-1], event=correction, recorded_at=at))
    assert signals(*stories, enquiry) == [(6, [1, 2, 3, 4, 5, 6])]


# --- the numbers --------------------------------------------------------------------------------


def test_how_many_in_how_many_days_are_numbers_of_the_rulebook() -> None:
    rules = replace(DEFAULT_RULES, prevention=PreventionRule(more_than=1, window_days=2))
    stories = on_days(0, 1.9)
    trigger = stories[-1][-1]
    [order] = reacting.orders_of(SIGNAL_PREVENTION, trigger, *stories, rules=rules)
    assert order.command.window_days == 2
    apart = on_days(0, 2)
    assert reacting.orders_of(SIGNAL_PREVENTION, apart[-1][-1], *apart, rules=rules) == []


def test_a_problem_of_very_many_complaints_is_not_counted_to_the_end() -> None:
    stories = on_days(*(number / 10 for number in range(100)))
    assert [number for number, _ in signals(*stories)] == [6]
