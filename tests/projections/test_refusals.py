"""Refusals: which rule refused whose order, for which complaint."""

from typing import Any

from domain.kernel import Recorded
from domain.refusal import CommandRefused
from projections.refusals import RefusalRow
from tests.conftest import Database
from tests.projections.conftest import REFUSED
from tests.projections.folding import ANN, SHOP, folded, told
from tests.projections.histories import in_stream, store, woven
from tests.projections.reading import rows
from tests.projections.running import digests, runner


def refusal(event: Recorded[Any]) -> RefusalRow:
    [row] = folded("refusals", event)
    assert isinstance(row, RefusalRow)
    return row


def test_a_refusal_names_the_order_the_rule_and_who_gave_it() -> None:
    row = refusal(told(REFUSED, 5, by=ANN))
    assert (row.command, row.rule, row.status) == ("ApproveRemedy", "SecondPersonRequired", 409)
    assert (row.ordered_by, row.actor_role, row.unit_id) == ("ann", "agent", "hotline")
    assert (row.four_eyes, row.complaint_id) == ("remedy_approver", REFUSED.complaint_id)


def test_a_refusal_of_an_order_for_a_customer_names_the_customer() -> None:
    event = CommandRefused(
        command="SplitCustomer", rule="CustomerNotMerged", status=409, customer_id="customer-1"
    )
    row = refusal(told(event, 5, by=ANN))
    assert (row.complaint_id, row.customer_id) == (None, "customer-1")


def test_an_order_given_through_a_system_is_that_of_the_person_it_names() -> None:
    row = refusal(told(REFUSED, 5, by=SHOP, on_behalf_of="wu"))
    assert (row.ordered_by, row.actor_kind) == ("wu", "system")


def test_bi_tells_orders_beyond_a_role_from_those_that_need_a_second_person(
    filled: Database,
) -> None:
    found = rows(
        filled,
        "SELECT rule, is_by_role, is_by_four_eyes, complaint_id = 'none' FROM bi.refusals"
        " ORDER BY rule",
    )
    assert found == [
        ("Forbidden", True, False, True),
        ("SecondPersonRequired", False, True, False),
    ]


def test_an_order_refused_twice_is_two_refusals_live_and_rebuilt(fresh_database: Database) -> None:
    event = CommandRefused(command="ResolveComplaint", rule="NotAllowedAtStage", status=409)
    store(fresh_database.owner, woven(*(in_stream(n, [told(event, n)]) for n in range(1, 6))))
    for batch_size in (1, 2, 1000):
        running = runner(fresh_database, batch_size=batch_size)
        running.catch_up()
        before = digests(running)
        assert rows(fresh_database, "SELECT count(*) FROM bi.refusals") == [(5,)]
        assert running.rebuild("refusals", batch_size) == 5
        assert digests(running) == before
