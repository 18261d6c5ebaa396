"""The view `customers`, whose complaint is whose, and what bi shows of it."""

from typing import Any

import pytest

from domain.complaint.identity import CustomerLinked
from domain.complaint.intake import DetailAdded, FieldCorrected
from domain.complaint.vocabulary import Complainant, Facts
from domain.customer.identity import CustomerIdentified, CustomerVerified, HandleReleased
from domain.customer.merge import CustomersMerged, CustomersSplit
from domain.customer.profile import CustomerTierSet, SegmentAssigned, SpecialGroupsRecorded
from domain.kernel import Handle, Recorded
from ledger.ids import named_stream_id
from projections import all_views
from projections.complaint_parties import ComplaintCustomerRow
from projections.complaint_row import ComplaintRow
from projections.customers import CustomerRow, HandleRow
from projections.engine import Runner
from projections.hashes import handle_hash
from tests import world
from tests.conftest import Database
from tests.projections.customer_histories import random_customers
from tests.projections.folding import after, folded, in_order, told
from tests.projections.histories import REGISTRY, SECRET, store, woven
from tests.projections.reading import rows
from tests.projections.running import query

ME = "customer-1"
PHONE = Handle(kind="phone", value="+86 138 0000 0000")
MERGED = CustomersMerged(customer_id=ME, into_id="customer-2", reason_code="same_person")
SPLIT = CustomersSplit(customer_id=ME, from_id="customer-2", reason_code="two_persons")


def identified(handle: Handle = PHONE, **more: Any) -> CustomerIdentified:
    return CustomerIdentified(**{"customer_id": ME, "handle": handle, "by": "rule", **more})


def customer(*events: Any) -> CustomerRow:
    found = folded("customers", *(told(event, minute) for minute, event in enumerate(events)))
    [row] = [row for row in found if isinstance(row, CustomerRow)]
    return row


def handles(*events: Any) -> list[HandleRow]:
    found = folded("customers", *(told(event, minute) for minute, event in enumerate(events)))
    return [row for row in found if isinstance(row, HandleRow)]


# --- rows -----------------------------------------------------------------------------------


def test_the_last_word_on_a_customer_counts() -> None:
    row = customer(
        CustomerTierSet(customer_id=ME, tier="ordinary", source="crm"),
        CustomerTierSet(customer_id=ME, tier="vip", source="crm"),
        SegmentAssigned(customer_id=ME, segment="price_sensitive", model_version="segments-3"),
        CustomerVerified(customer_id=ME, valid_until=after(90), method="sms_code"),
        SpecialGroupsRecorded(customer_id=ME, groups=["老年人"], source="customer"),
    )
    assert (row.customer_id, row.tier, row.segment) == (ME, "vip", "price_sensitive")
    assert (row.verified_until, row.verified_by) == (after(90), "sms_code")
    assert (row.version, row.recorded_at) == (5, after(0))
    assert "老年人" not in repr(row)


def test_a_split_leaves_nothing_of_the_merge() -> None:
    assert customer(MERGED).merged_into == "customer-2"
    assert customer(MERGED).merged_at == after(0)
    split = customer(MERGED, SPLIT)
    assert (split.merged_into, split.merged_at) == (None, None)


def test_a_handle_is_kept_as_a_hash_and_once() -> None:
    [row] = handles(identified(confidence_percent=80), identified(confidence_percent=100))
    assert row.handle_hash == handle_hash(SECRET, PHONE)
    assert (row.kind, row.confidence_percent, row.identified_at) == ("phone", 100, after(1))
    assert "138" not in repr(row)


def test_a_handle_that_is_released_is_nobodys_until_it_is_found_again() -> None:
    other_writing = Handle(kind="phone", value="13800000000")
    released = HandleReleased(customer_id=ME, handle=other_writing, reason_code="mistaken")
    mail = identified(Handle(kind="email", value="a@example.com"))
    assert [row.kind for row in handles(identified(), mail, released)] == ["email"]
    assert len(handles(identified(), released, identified())) == 1


@pytest.mark.parametrize(
    ("kind", "one", "other"),
    [
        ("phone", "+86 138 0000 0000", "13800000000"),
        ("phone", "0086-138-0000-0000", "138 0000 0000"),
        ("phone", "１３８００００００００", "13800000000"),
        ("phone", "(021) 1234-5678", "02112345678"),
        ("email", "Li.Lei@Example.com ", "li.lei@example.com"),
        ("openid", " oX4f2", "oX4f2"),
    ],
)
def test_a_handle_is_known_again_however_it_is_written(kind: str, one: str, other: str) -> None:
    hashes = {handle_hash(SECRET, Handle(kind=kind, value=text)) for text in (one, other)}
    assert len(hashes) == 1


def test_other_handles_and_other_secrets_have_other_hashes() -> None:
    mine = handle_hash(SECRET, PHONE)
    assert mine != handle_hash(b"another", PHONE)
    assert mine != handle_hash(SECRET, Handle(kind="openid", value=PHONE.value))
    assert handle_hash(SECRET, Handle(kind="openid", value="oX")) != handle_hash(
        SECRET, Handle(kind="openid", value="ox")
    )


# --- whose complaint it is ------------------------------------------------------------------


def complaint(*later: Any, **facts: Any) -> tuple[ComplaintRow, set[tuple[str, str]]]:
    """The row of a complaint, and its customers with their roles."""
    first = world.registered(**facts)[0].event
    found = folded("complaints", *(told(event, at) for at, event in enumerate([first, *later])))
    [row] = [row for row in found if isinstance(row, ComplaintRow)]
    customers = [row for row in found if isinstance(row, ComplaintCustomerRow)]
    return row, {(row.role, row.customer_id) for row in customers}


def test_a_complaint_has_the_customer_it_was_last_linked_to() -> None:
    nobody, customers = complaint(customer_id=None)
    assert (nobody.customer_id, customers) == (None, set())
    linked = CustomerLinked(customer_id=ME, by="rule")
    again = CustomerLinked(customer_id="customer-2", previous_id=ME, by="person")
    row, customers = complaint(linked, again, customer_id=None)
    assert (row.customer_id, customers) == ("customer-2", {("affected", "customer-2")})


def test_a_joint_complaint_has_its_customers_beside_the_first() -> None:
    joint = FieldCorrected(
        field="joint_customer_ids",
        old=Facts(joint_customer_ids=["c-2"]),
        new=Facts(joint_customer_ids=["c-2", "c-3", "c-3"]),
    )
    told_first = DetailAdded(details=Facts(joint_customer_ids=["c-2"]))
    assert complaint(told_first)[1] == {("affected", world.CUSTOMER), ("joint", "c-2")}
    customers = complaint(told_first, joint, CustomerLinked(customer_id="c-9", by="rule"))[1]
    assert customers == {("affected", "c-9"), ("joint", "c-2"), ("joint", "c-3")}


def test_who_complains_is_known_again_by_the_hash_of_their_handle() -> None:
    speaker = Complainant(role="customer", handle=PHONE)
    row, _ = complaint(customer_id=None, complainant=speaker)
    assert row.handle_hash == handle_hash(SECRET, PHONE)
    silent = Complainant(role="customer")
    corrected = FieldCorrected(
        field="complainant", old=Facts(complainant=speaker), new=Facts(complainant=silent)
    )
    assert complaint(corrected, complainant=speaker)[0].handle_hash is None


# --- who they turned out to be --------------------------------------------------------------


def life(name: str, *events: tuple[float, Any]) -> list[Recorded[Any]]:
    """What happened to one customer."""
    stream_id = named_stream_id("customer", name)
    history = in_order([told(event, minutes) for minutes, event in events])
    return [type(item)(**{**_fields(item), "stream_id": stream_id}) for item in history]


def _fields(item: Recorded[Any]) -> dict[str, Any]:
    return {name: getattr(item, name) for name in item.__struct_fields__}


def merged(name: str, into: str) -> CustomersMerged:
    return CustomersMerged(customer_id=name, into_id=into, reason_code="same_person")


def caught_up(database: Database, *histories: list[Recorded[Any]]) -> None:
    store(database.owner, woven(*histories))
    Runner(database.app, None, REGISTRY, all_views(SECRET)).catch_up()


def survivors(database: Database, *names: str) -> dict[str, str]:
    """Who these customers are now."""
    listed = ", ".join(f"('{name}')" for name in names)
    found = query(database, f"SELECT n, views.survivor_of(n) FROM (VALUES {listed}) AS v (n)")
    return dict(found)


def test_merges_lead_to_whoever_is_left_and_a_split_leads_back(fresh_database: Database) -> None:
    split = CustomersSplit(customer_id="b", from_id="c", reason_code="two_persons")
    caught_up(
        fresh_database,
        life("a", (1, merged("a", "b"))),
        life("b", (2, merged("b", "c"))),
        life("x", (1, merged("x", "c"))),
    )
    assert survivors(fresh_database, "a", "b", "c", "x", "nobody") == {
        **dict.fromkeys(("a", "b", "c", "x"), "c"),
        "nobody": "nobody",
    }
    same = query(fresh_database, "SELECT s FROM views.same_customers('a') AS s ORDER BY s")
    assert same == [("a",), ("b",), ("c",), ("x",)]
    shown = rows(
        fresh_database,
        "SELECT customer_id, canonical_customer_id, is_merged FROM bi.customers ORDER BY 1",
    )
    assert shown == [
        ("a", "c", True),
        ("b", "c", True),
        ("c", "c", False),
        ("unknown", "unknown", False),
        ("x", "c", True),
    ]
    [later] = life("b", (9, split))
    store(fresh_database.owner, [type(later)(**{**_fields(later), "version": 2})])
    Runner(fresh_database.app, None, REGISTRY, all_views(SECRET)).catch_up()
    assert survivors(fresh_database, "a", "b", "x") == {"a": "b", "b": "b", "x": "c"}


def test_customers_are_the_same_live_and_rebuilt_in_any_batch_size(
    fresh_database: Database,
) -> None:
    history = random_customers(seed=5, customers=12)
    store(fresh_database.owner, history)
    running = Runner(fresh_database.app, None, REGISTRY, all_views(SECRET), batch_size=3)
    running.catch_up()
    live = running.digest("customers")
    for batch_size in (1, 7, 1000):
        assert running.rebuild("customers", batch_size) == len(history)
        assert running.digest("customers") == live


def test_merges_that_lead_in_a_circle_lead_everybody_to_one(fresh_database: Database) -> None:
    """Two merges at the same moment, each of which saw the other customer unmerged."""
    caught_up(
        fresh_database,
        life("d", (1, merged("d", "e"))),
        life("e", (1, merged("e", "d"))),
        life("a", (2, merged("a", "e"))),
    )
    assert set(survivors(fresh_database, "a", "d", "e").values()) == {"d"}
    same = query(fresh_database, "SELECT s FROM views.same_customers('a') AS s ORDER BY s")
    assert same == [("a",), ("d",), ("e",)]


def test_every_customer_of_a_complaint_is_found_in_bi(filled: Database) -> None:
    missing = rows(
        filled,
        "SELECT c.customer_id FROM bi.complaints AS c"
        " LEFT JOIN bi.customers AS k USING (customer_id) WHERE k.customer_id IS NULL",
    )
    assert missing == []


def test_a_verification_is_good_until_its_time_and_no_longer(filled: Database) -> None:
    verified = "count(*) FILTER (WHERE is_verified), count(verified_until_at)"
    found = {}
    for present in ("2026-01-01T00:00:00Z", "2030-01-01T00:00:00Z"):
        statement = (
            "WITH now AS MATERIALIZED"
            " (SELECT set_config('closedloop.present', %(present)s, true) AS present)"
            f" SELECT {verified} FROM now, bi.customers WHERE now.present IS NOT NULL"
        )
        [found[present]] = rows(filled, statement, present=present)
    (then, all_then), (later, all_later) = found.values()
    assert 0 < then == all_then == all_later
    assert later == 0
