"""Repeat classes 重复投诉, as the policy judges them: the table of the rule, and its edges."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from domain.complaint.intake import FieldCorrected
from domain.complaint.merge import ComplaintMerged, ComplaintUnmerged
from domain.complaint.repeat import ClassifyRepeat
from domain.complaint.vocabulary import Category, Complainant, Facts, Product
from domain.kernel import Recorded
from domain.policies.classify_repeat import CLASSIFY_REPEAT
from domain.rulebook.defaults import DEFAULT_RULES
from tests import world
from tests.projections.reacting import in_stream, stream_of
from tests.reacting import Story, orders_of
from tests.spec import RECEIVED, SHANGHAI, given

EARLIER, LATER = stream_of(1), stream_of(2)
DAY = timedelta(days=1)
CLOSED_ON = world.closed()[-1].recorded_at


def earlier(story: Story) -> Story:
    """The earlier complaint."""
    return in_stream(1, list(story))


def later(
    days_after: float, *, facts: dict[str, Any] | None = None, **judged: Any
) -> tuple[Story, Recorded[Any]]:
    """A complaint received so many days after the other was closed, and its assessment."""
    story = world.assessed(**judged)
    registration = replace(story[0], event=replace(story[0].event, **(facts or {})))
    begun = CLOSED_ON + timedelta(days=days_after)
    story = in_stream(2, [registration, *story[1:]], since=begun)
    return story, story[-1]


def judged(before: Story, days_after: float = 10, **told: Any) -> dict[str, Any]:
    """How the later complaint is classed, without what is not told."""
    story, trigger = later(days_after, **told)
    [order] = orders_of(CLASSIFY_REPEAT, trigger, before, story)
    assert order.stream_id == LATER
    assert given(list(story)).when(order.command, by=world.POLICY).events, "the complaint takes it"
    return told_of(order.command)


def told_of(command: ClassifyRepeat) -> dict[str, Any]:
    """What a class says, without what it does not."""
    assert command.rule_version == "default@0"
    said = ("repeat_class", "earlier_id", "days_since_close", "after_verified_close", "is_external")
    return {
        name: value
        for name in said
        if (value := getattr(command, name)) is not None and value is not False
    }


OTHER_PROBLEM = Category(path=["服务体验", "态度"], taxonomy_version="2026-01")
INITIAL = {"repeat_class": "initial"}


def repeat(days: int | None, **more: Any) -> dict[str, Any]:
    since = {} if days is None else {"days_since_close": days}
    return {"repeat_class": "repeat", "earlier_id": EARLIER, **since, **more}


# --- the same problem again -------------------------------------------------------------------


def test_a_fault_returning_after_a_verified_closure_is_a_repeat() -> None:
    assert judged(earlier(world.closed()), 10) == repeat(10, after_verified_close=True)


@pytest.mark.parametrize(
    ("before", "expected"),
    [
        (world.in_progress, repeat(None)),
        (world.registered, INITIAL),  # nobody knows yet what it is about
        (world.final_position, repeat(None)),
        (world.disputed, repeat(None)),
        (world.reopened, repeat(None)),
        (world.closed, repeat(10, after_verified_close=True)),
        (world.closed_unreachable, repeat(9)),
        (world.declined, repeat(10)),
        (world.withdrawn, repeat(10)),
        (world.merged, INITIAL),  # a duplicate; its survivor is another complaint
    ],
    ids=lambda part: getattr(part, "__name__", ""),
)
def test_whatever_became_of_the_earlier_one_the_same_problem_is_a_repeat(
    before: Any, expected: dict[str, Any]
) -> None:
    assert judged(earlier(before()), 10) == expected


@pytest.mark.parametrize(("days", "is_repeat"), [(0, True), (1, True), (90, True), (91, False)])
def test_the_window_is_counted_in_local_days_after_the_close(days: int, is_repeat: bool) -> None:
    expected = repeat(days, after_verified_close=True) if is_repeat else INITIAL
    assert judged(earlier(world.closed()), days) == expected


def test_a_day_ends_at_midnight_where_the_organisation_counts() -> None:
    midnight = datetime(2026, 3, 3, tzinfo=SHANGHAI)
    to_midnight = midnight - CLOSED_ON
    minute = timedelta(minutes=1)
    before, after = ((to_midnight + step) / DAY for step in (-minute, minute))
    assert judged(earlier(world.closed()), before)["days_since_close"] == 0
    assert judged(earlier(world.closed()), after)["days_since_close"] == 1


def test_a_product_of_another_model_has_another_problem() -> None:
    other = {"product": Product(model="冷风 3000", serial_no="S-2")}
    story, _ = later(10, facts=other)
    assessed = replace(story[-1], event=replace(story[-1].event, problem_key="other # 冷风 3000"))
    [order] = orders_of(CLASSIFY_REPEAT, assessed, earlier(world.closed()), [story[0], assessed])
    assert told_of(order.command) == INITIAL


def test_of_several_earlier_ones_the_last_received_is_named() -> None:
    story, trigger = later(10)
    older = in_stream(5, world.closed(), since=RECEIVED - 20 * DAY)
    [order] = orders_of(CLASSIFY_REPEAT, trigger, older, earlier(world.closed()), story)
    assert told_of(order.command) == repeat(10, after_verified_close=True)


def test_how_the_earlier_one_stood_at_the_receipt_counts_and_not_how_it_stands_now() -> None:
    """Closed since, it was open then."""
    story, trigger = later(-0.01)  # received while the other was still open, assessed later
    trigger = replace(trigger, recorded_at=CLOSED_ON + DAY)
    [order] = orders_of(CLASSIFY_REPEAT, trigger, earlier(world.closed()), [story[0], trigger])
    assert told_of(order.command) == repeat(None)


def test_what_was_received_later_is_no_earlier_complaint() -> None:
    story, trigger = later(10)
    first = earlier(world.assessed())
    [order] = orders_of(
        CLASSIFY_REPEAT,
        replace(first[-1], recorded_at=trigger.recorded_at),
        story,
        [first[0], replace(first[-1], recorded_at=trigger.recorded_at)],
    )
    assert told_of(order.command) == INITIAL


def test_an_unmerged_duplicate_is_an_earlier_one_again() -> None:
    duplicate = list(earlier(world.merged()))
    undone = ComplaintUnmerged(target_id=LATER, stage="in_progress", reason_code="not-the-same")
    last = duplicate[-1]
    duplicate.append(replace(last, event=undone, recorded_at=last.recorded_at + DAY))
    assert any(isinstance(item.event, ComplaintMerged) for item in duplicate)
    assert judged(duplicate, 10) == repeat(None)


# --- about how an earlier one was handled -----------------------------------------------------


def about_handling(earlier_one: Story, days: float, **told: Any) -> dict[str, Any]:
    """The class of a complaint about how something was handled."""
    return judged(earlier_one, days, category=OTHER_PROBLEM, about_handling=True, **told)


ESCALATED: dict[str, Any] = {"repeat_class": "escalated_recomplaint", "earlier_id": EARLIER}


@pytest.mark.parametrize("before", [world.in_progress, world.closed, world.declined])
def test_a_complaint_about_the_handling_escalates_whatever_the_problem_and_however_old(
    before: Any,
) -> None:
    for days in (10, 400):
        told = about_handling(earlier(before()), days)
        assert told["repeat_class"] == "escalated_recomplaint"
        assert told["earlier_id"] == EARLIER


def test_the_complaint_named_was_handled_badly_even_if_another_one_is_nearer() -> None:
    story, trigger = later(10, about_handling=True, about_handling_of=stream_of(5))
    older = in_stream(5, world.closed(), since=RECEIVED - 20 * DAY)
    [order] = orders_of(CLASSIFY_REPEAT, trigger, older, earlier(world.closed()), story)
    assert told_of(order.command) == {
        **ESCALATED,
        "earlier_id": stream_of(5),
        "days_since_close": 30,
    }


def test_the_handling_of_an_enquiry_or_of_a_request_elsewhere_can_be_complained_about() -> None:
    story = world.assessed(nature="enquiry")
    enquiry = [replace(story[0], event=replace(story[0].event, nature="enquiry")), *story[1:]]
    assert about_handling(earlier(enquiry), 10) == ESCALATED
    assert about_handling([], 10) == {"repeat_class": "escalated_recomplaint"}
    elsewhere = about_handling([], 10, about_handling_of=stream_of(77))
    assert elsewhere == {**ESCALATED, "earlier_id": stream_of(77)}


@pytest.mark.parametrize(
    ("facts", "is_external"),
    [
        ({}, False),
        ({"outside_body_ref": "12315-1"}, True),
        ({"complainant": Complainant(role="reporter")}, True),
        ({"complainant": Complainant(role="representative")}, False),
    ],
)
def test_what_comes_through_an_outside_body_or_the_media_is_external(
    facts: dict[str, Any], is_external: bool
) -> None:
    told = about_handling(earlier(world.in_progress()), 10, facts=facts)
    assert told == ({**ESCALATED, "is_external": True} if is_external else ESCALATED)


# --- the same order or product ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("then", "now", "expected"),
    [
        ({"order_ref": "O-1"}, {"order_ref": "O-1"}, "related"),
        ({"order_ref": "O-1"}, {"order_ref": "O-2"}, "initial"),
        ({}, {"order_ref": "O-1"}, "initial"),
        ({"product": Product(serial_no="S")}, {"product": Product(serial_no="S")}, "related"),
        ({"product": Product(model="M")}, {"product": Product(model="M")}, "initial"),
    ],
)
@pytest.mark.parametrize("days", [10, 91])
def test_another_problem_of_the_same_order_or_product_unit_is_related_within_the_window(
    then: dict[str, Any], now: dict[str, Any], expected: str, days: int
) -> None:
    story = world.closed()
    before = [replace(story[0], event=replace(story[0].event, **then)), *story[1:]]
    told = judged(earlier(before), days, facts=now, category=OTHER_PROBLEM)
    assert told["repeat_class"] == (expected if days <= 90 else "initial")


# --- whom it is about, and when it is judged ----------------------------------------------------


def test_a_complaint_of_nobody_known_is_of_no_class() -> None:
    assert judged(earlier(world.closed()), facts={"customer_id": None}) == {
        "repeat_class": "unknown"
    }


def test_the_same_problem_of_another_customer_is_no_repeat() -> None:
    assert judged(earlier(world.closed()), facts={"customer_id": "cust-2"}) == INITIAL


def test_an_earlier_enquiry_makes_no_repeat() -> None:
    story = world.closed()
    enquiry = [replace(story[0], event=replace(story[0].event, nature="enquiry")), *story[1:]]
    assert judged(earlier(enquiry), 10) == INITIAL


def test_only_complaints_are_classed_and_once() -> None:
    story, first = later(10, nature="enquiry")
    assert orders_of(CLASSIFY_REPEAT, first, story) == []
    as_complaint = replace(first.event, nature="complaint")
    second = replace(first, event=as_complaint, recorded_at=first.recorded_at + DAY)
    assert len(orders_of(CLASSIFY_REPEAT, second, [*story, second])) == 1
    third = replace(second, recorded_at=second.recorded_at + DAY)
    assert orders_of(CLASSIFY_REPEAT, third, [*story, second, third]) == []


def test_a_complaint_by_correction_is_classed_then() -> None:
    story, first = later(10, nature="enquiry")
    correction = FieldCorrected(
        field="nature", old=Facts(nature="enquiry"), new=Facts(nature="complaint")
    )
    corrected = replace(first, event=correction, recorded_at=first.recorded_at + DAY)
    assert len(orders_of(CLASSIFY_REPEAT, corrected, [*story, corrected])) == 1


def test_the_window_is_a_number_of_the_rulebook() -> None:
    rules = replace(DEFAULT_RULES, version="strict@1", repeat_window_days=5)
    story, trigger = later(10)
    [order] = orders_of(CLASSIFY_REPEAT, trigger, earlier(world.closed()), story, rules=rules)
    assert (order.command.repeat_class, order.command.rule_version) == ("initial", "strict@1")


def test_a_class_that_a_person_corrected_is_not_judged_over() -> None:
    story, trigger = later(10)
    [order] = orders_of(CLASSIFY_REPEAT, trigger, earlier(world.closed()), story)
    correction = ClassifyRepeat(repeat_class="initial", rule_version="by-hand", **world.WHY)
    corrected = given(list(story)).when(correction, by=world.SUPERVISOR)
    corrected.when(order.command, by=world.POLICY).silent()
