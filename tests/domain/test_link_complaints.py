"""Complaints find their customer by the handle that was given, whichever was recorded first."""

from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from domain.complaint.identity import LinkCustomer
from domain.complaint.intake import DetailAdded
from domain.complaint.vocabulary import Complainant, Facts
from domain.kernel import Handle, Recorded
from domain.policies.link_complaints_to_identified_customer import (
    LINK_COMPLAINTS_TO_IDENTIFIED_CUSTOMER,
)
from tests import world
from tests.customers import PHONE, identified, merged, of_customer, released
from tests.projections.reacting import in_stream
from tests.reacting import Story, orders_of
from tests.spec import RECEIVED, given

DAY = timedelta(days=1)
OTHER_PHONE = Handle(kind="phone", value="+86 138 0000 0002")


def complaint(
    number: int, day: float, handle: Handle | None = PHONE, role: Any = "customer", **facts: Any
) -> Story:
    """A complaint of nobody known, whose complainant gave a handle."""
    complainant = None if handle is None else Complainant(role=role, handle=handle)
    told = {"customer_id": None, "complainant": complainant, **facts}
    return in_stream(number, world.registered(**told), since=RECEIVED + day * DAY)


def links(trigger: Recorded[Any], *stories: Story) -> dict[int, str]:
    """Which complaints are linked to whom."""
    orders = orders_of(LINK_COMPLAINTS_TO_IDENTIFIED_CUSTOMER, trigger, *stories)
    return {order.stream_id.int & 0xFFFF: order.command.customer_id for order in orders}


def test_the_complaints_of_a_handle_are_linked_when_it_is_identified() -> None:
    stories = [
        complaint(1, 0),
        complaint(2, 1),
        complaint(3, 2, OTHER_PHONE),
        complaint(4, 3, None),
    ]
    customer = of_customer("c1", (9, identified("c1", confidence_percent=90)))
    assert links(customer[-1], *stories, customer) == {1: "c1", 2: "c1"}
    [order, _] = orders_of(LINK_COMPLAINTS_TO_IDENTIFIED_CUSTOMER, customer[-1], *stories, customer)
    assert order.command == LinkCustomer(customer_id="c1", by="rule", confidence_percent=90)
    assert given(list(stories[0])).when(order.command, by=world.POLICY).events


def test_a_complaint_with_a_handle_that_is_known_is_linked_at_once() -> None:
    customer = of_customer("c1", (0, identified("c1")))
    later = complaint(1, 5)
    assert links(later[-1], customer, later) == {1: "c1"}


def test_a_handle_that_is_told_later_links_as_well() -> None:
    customer, later = of_customer("c1", (0, identified("c1"))), list(complaint(1, 5, None))
    assert links(later[-1], customer, later) == {}
    told = DetailAdded(details=Facts(complainant=Complainant(role="customer", handle=PHONE)))
    later.append(replace(later[0], event=told, version=2, recorded_at=RECEIVED + 6 * DAY))
    assert links(later[-1], customer, later) == {1: "c1"}


def test_whose_complaint_it_is_told_stays_told() -> None:
    customer, known = of_customer("c1", (9, identified("c1"))), complaint(1, 0, customer_id="c2")
    assert links(customer[-1], known, customer) == {}


@pytest.mark.parametrize(
    ("role", "is_linked"),
    [("customer", True), ("complainant", True), ("representative", False), ("reporter", False)],
)
def test_the_handle_of_somebody_who_speaks_for_another_tells_nothing(
    role: str, is_linked: bool
) -> None:
    customer, spoken = of_customer("c1", (9, identified("c1"))), complaint(1, 0, role=role)
    assert links(customer[-1], spoken, customer) == ({1: "c1"} if is_linked else {})


def test_a_handle_that_several_customers_share_tells_nothing() -> None:
    first, second = (
        of_customer("c1", (0, identified("c1"))),
        of_customer("c2", (1, identified("c2"))),
    )
    later = complaint(1, 5)
    assert links(later[-1], first, second, later) == {}
    one = of_customer("c2", (1, identified("c2")), (2, merged("c2", "c1")))
    assert links(later[-1], first, one, later) == {1: "c1"}, "they are one customer by now"


def test_a_handle_of_customers_merged_in_a_circle_is_that_of_one_customer() -> None:
    """Two merges at the same moment; it is the one whom every view names."""
    first = of_customer("c1", (0, identified("c1")), (2, merged("c1", "c2")))
    second = of_customer("c2", (1, identified("c2")), (2, merged("c2", "c1")))
    later = complaint(1, 5)
    assert links(later[-1], first, second, later) == {1: "c1"}


def test_a_number_that_was_given_out_again_links_to_nobody_and_then_to_its_new_owner() -> None:
    before = of_customer("c1", (0, identified("c1")), (2, released("c1")))
    later = complaint(1, 5)
    assert links(later[-1], before, later) == {}
    after = of_customer("c2", (6, identified("c2")))
    assert links(after[-1], before, after, later) == {1: "c2"}


def test_a_handle_that_all_but_one_are_released_from_links_at_once() -> None:
    first = of_customer("c1", (0, identified("c1")), (9, released("c1")))
    second, waiting = of_customer("c2", (1, identified("c2"))), complaint(1, 5)
    assert links(first[-1], first, second, waiting) == {1: "c2"}
