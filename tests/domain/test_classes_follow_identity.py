"""Who a complaint's customer is becomes known, or known better: the classes are judged again."""

from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from domain.complaint.identity import CustomerLinked, LinkCustomer
from domain.complaint.repeat import ClassifyRepeat
from domain.kernel import Recorded
from domain.policies.classify_repeat import CLASSIFY_REPEAT
from tests import world
from tests.customers import merged, of_customer, split
from tests.projections.reacting import in_stream
from tests.reacting import Story, orders_of
from tests.spec import RECEIVED, given

DAY = timedelta(days=1)


def complaint(number: int, day: float, customer_id: str | None) -> Story:
    """A complaint of a customer, received on some day, assessed at once and never closed."""
    story = world.assessed()
    registration = replace(story[0].event, customer_id=customer_id)
    told = [replace(story[0], event=registration), *story[1:]]
    return in_stream(number, told, since=RECEIVED + day * DAY)


def linked(story: Story, day: float, customer_id: str) -> Story:
    """The same, known on some day to be this customer's."""
    last = story[-1]
    link = CustomerLinked(
        customer_id=customer_id, previous_id=story[0].event.customer_id, by="person"
    )
    at = RECEIVED + day * DAY
    return [*story, replace(last, event=link, version=last.version + 1, recorded_at=at)]


def classes(trigger: Recorded[Any], *stories: Story) -> dict[int, tuple[str, int | None]]:
    """The class of each complaint judged, with the number of the earlier one."""
    orders = orders_of(CLASSIFY_REPEAT, trigger, *stories)
    return {
        order.stream_id.int & 0xFFFF: (
            order.command.repeat_class,
            order.command.earlier_id and order.command.earlier_id.int & 0xFFFF,
        )
        for order in orders
    }


# --- one complaint becomes another customer's ------------------------------------------------


def test_an_anonymous_complaint_is_classed_when_its_customer_becomes_known() -> None:
    first, anonymous = complaint(1, 0, "c1"), complaint(2, 5, None)
    assert classes(anonymous[-1], first, anonymous) == {2: ("unknown", None)}
    known = linked(anonymous, 9, "c1")
    assert classes(known[-1], first, known) == {2: ("repeat", 1)}


def test_a_complaint_that_becomes_an_earlier_one_makes_repeats_of_later_ones() -> None:
    anonymous, later = complaint(1, 0, None), complaint(2, 5, "c1")
    assert classes(later[-1], anonymous, later) == {2: ("initial", None)}
    known = linked(anonymous, 9, "c1")
    assert classes(known[-1], known, later) == {1: ("initial", None), 2: ("repeat", 1)}


def test_a_complaint_that_was_another_customers_makes_repeats_no_more() -> None:
    first, later = complaint(1, 0, "c1"), complaint(2, 5, "c1")
    assert classes(later[-1], first, later) == {2: ("repeat", 1)}
    known = linked(first, 9, "c2")
    assert classes(known[-1], known, later) == {1: ("initial", None), 2: ("initial", None)}


def test_what_was_received_before_is_not_judged_again() -> None:
    first, later = complaint(1, 0, "c1"), complaint(2, 5, None)
    known = linked(later, 9, "c1")
    assert list(classes(known[-1], first, known)) == [2]


def test_a_complaint_not_assessed_yet_waits_for_its_assessment() -> None:
    first, later = complaint(1, 0, "c1"), complaint(2, 5, None)[:1]
    known = linked(later, 9, "c1")
    assert classes(known[-1], first, known) == {}


# --- two customers are one, or two after all -------------------------------------------------


def test_when_customers_are_merged_every_complaint_of_both_is_judged_again() -> None:
    stories = [complaint(1, 0, "c1"), complaint(2, 1, "c2"), complaint(3, 2, "c1")]
    merge = of_customer("c2", (9, merged("c2", "c1")))
    assert classes(merge[-1], *stories, merge) == {
        1: ("initial", None),
        2: ("repeat", 1),
        3: ("repeat", 2),
    }


def test_when_they_are_split_again_the_classes_are_as_before() -> None:
    stories = [complaint(1, 0, "c1"), complaint(2, 1, "c2"), complaint(3, 2, "c1")]
    told = of_customer("c2", (9, merged("c2", "c1")), (10, split("c2", "c1")))
    assert classes(told[-1], *stories, told) == {
        1: ("initial", None),
        2: ("initial", None),
        3: ("repeat", 1),
    }


def test_customers_merged_one_into_another_in_a_row_are_all_one() -> None:
    stories = [complaint(1, 0, "c1"), complaint(2, 1, "c2"), complaint(3, 2, "c3")]
    first = of_customer("c1", (8, merged("c1", "c2")))
    then = of_customer("c2", (9, merged("c2", "c3")))
    assert classes(first[-1], *stories, first, then) == {1: ("initial", None), 2: ("repeat", 1)}
    assert classes(then[-1], *stories, first, then) == {
        1: ("initial", None),
        2: ("repeat", 1),
        3: ("repeat", 2),
    }
    later = complaint(4, 20, "c1")
    assert classes(later[-1], *stories, first, then, later) == {4: ("repeat", 3)}


def test_customers_merged_in_a_circle_are_one_and_nobody_runs_in_circles() -> None:
    stories = [complaint(1, 0, "c1"), complaint(2, 1, "c2")]
    circle = [
        of_customer("c1", (8, merged("c1", "c2"))),
        of_customer("c2", (9, merged("c2", "c1"))),
    ]
    assert classes(circle[1][-1], *stories, *circle) == {1: ("initial", None), 2: ("repeat", 1)}


# --- a person's word -------------------------------------------------------------------------


@pytest.mark.parametrize("is_linked_since", [False, True])
def test_a_correction_stands_until_the_complaint_itself_becomes_another_customers(
    is_linked_since: bool,
) -> None:
    correction = ClassifyRepeat(repeat_class="unknown", rule_version="by-hand", **world.WHY)
    judged = ClassifyRepeat(repeat_class="initial", rule_version="default@0")
    told = given(world.assessed()).when(correction, by=world.SUPERVISOR)
    if is_linked_since:
        link = LinkCustomer(customer_id="cust-2", by="person", **world.WHY)
        told = told.when(link, by=world.SUPERVISOR)
    again = told.when(judged, by=world.POLICY)
    assert bool(again.events) == is_linked_since
