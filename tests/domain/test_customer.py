"""A customer: known by handles, verified for a while, merged with themselves and split again."""

from datetime import timedelta
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from domain.customer import (
    CUSTOMER,
    CustomerIsMerged,
    UnknownCustomer,
    allowed_customer_commands,
)
from domain.customer.identity import (
    CustomerIdentified,
    CustomerVerified,
    HandleNotKnown,
    HandleReleased,
    IdentifyCustomer,
    ReleaseHandle,
    VerifiedForThePast,
    VerifyCustomer,
)
from domain.customer.merge import (
    CustomerMergedIntoItself,
    CustomerNotMerged,
    CustomersMerged,
    CustomersSplit,
    MergeCustomers,
    SplitCustomer,
    SurvivorWasMerged,
)
from domain.customer.profile import (
    AssignSegment,
    CustomerTierSet,
    RecordSpecialGroups,
    SegmentAssigned,
    SetCustomerTier,
    SpecialGroupsRecorded,
)
from domain.kernel import Handle
from domain.time.telling import BackdatedTooFar, OccurredInFuture
from tests import world
from tests.spec import RECEIVED, Given, Outcome, given

ME, SURVIVOR = "cust-1", "cust-2"
YEAR = timedelta(days=365)
PHONE = Handle(kind="phone", value="+86 138 0000 0000")
IDENTIFY = IdentifyCustomer(handle=PHONE, by="rule", confidence_percent=90, evidence="order_match")
RELEASE = ReleaseHandle(handle=Handle(kind="phone", value="13800000000"), **world.WHY)
VERIFY = VerifyCustomer(valid_until=RECEIVED + YEAR, method="sms_code")
MERGE = MergeCustomers(into_id=SURVIVOR, **world.WHY)
SPLIT = SplitCustomer(**world.WHY)
TIER = SetCustomerTier(tier="vip", source="crm")
SEGMENT = AssignSegment(segment="price_sensitive", model_version="segments-3")
GROUPS = RecordSpecialGroups(groups=["老年人"], source="customer")
MERGED = CustomersMerged(customer_id=ME, into_id=SURVIVOR, reason_code="same_person")

EVERYTHING: list[tuple[Any, Any]] = [
    (
        IDENTIFY,
        CustomerIdentified(
            customer_id=ME,
            handle=PHONE,
            by="rule",
            confidence_percent=90,
            evidence="order_match",
        ),
    ),
    (
        VERIFY,
        CustomerVerified(customer_id=ME, valid_until=RECEIVED + YEAR, method="sms_code"),
    ),
    (MERGE, CustomersMerged(customer_id=ME, into_id=SURVIVOR, **world.WHY)),
    (TIER, CustomerTierSet(customer_id=ME, tier="vip", source="crm")),
    (
        SEGMENT,
        SegmentAssigned(customer_id=ME, segment="price_sensitive", model_version="segments-3"),
    ),
    (GROUPS, SpecialGroupsRecorded(customer_id=ME, groups=["老年人"], source="customer")),
]
NAMED: Any = {"ids": lambda part: type(part).__name__}


def customer(*past: Any) -> Given:
    """A customer with a past."""
    return given(*past, decider=CUSTOMER)


def told(before: Given, command: Any, **more: Any) -> Outcome:
    """Somebody orders it for this customer."""
    return before.when(command, subject_id=ME, **more)


# --- beginning ------------------------------------------------------------------------------


@pytest.mark.parametrize(("command", "event"), EVERYTHING, **NAMED)
def test_the_first_thing_recorded_of_a_customer_may_be_any(command: Any, event: Any) -> None:
    outcome = told(customer(), command).then(event)
    assert outcome.state.customer_id == ME
    assert outcome.state.version == 1


def test_every_command_that_undoes_nothing_is_tried_here() -> None:
    undoing = {SplitCustomer, ReleaseHandle}
    assert {type(command) for command, _ in EVERYTHING} | undoing == set(CUSTOMER.commands)


def test_a_customer_without_a_name_is_nobody() -> None:
    customer().when(TIER).rejected(UnknownCustomer)


@pytest.mark.parametrize(("command", "event"), EVERYTHING, **NAMED)
def test_the_same_fact_twice_is_recorded_once(command: Any, event: Any) -> None:
    told(told(customer(), command), command).silent()


@pytest.mark.parametrize(("command", "event"), EVERYTHING[:2] + EVERYTHING[3:], **NAMED)
def test_an_old_fact_delivered_again_does_not_come_back(command: Any, event: Any) -> None:
    at = RECEIVED + timedelta(minutes=1)
    old = replace(command, occurred_at=at)
    newer: dict[type[Any], Any] = {
        IdentifyCustomer: replace(IDENTIFY, confidence_percent=100),
        VerifyCustomer: replace(VERIFY, method="passport"),
        SetCustomerTier: replace(TIER, tier="ordinary"),
        AssignSegment: replace(SEGMENT, segment="service_quality"),
        RecordSpecialGroups: replace(GROUPS, groups=[]),
    }
    first = told(customer(), old, at=at)
    second = told(first, newer[type(command)]).then(type(event))
    assert told(second, old).silent().state == second.state


# --- known by handles -----------------------------------------------------------------------


def test_a_customer_may_have_many_handles_and_each_was_found_in_some_way() -> None:
    mail = IdentifyCustomer(handle=Handle(kind="email", value="a@example.com"), by="customer")
    state = told(told(customer(), IDENTIFY), mail).state
    assert [found.handle.kind for found in state.identified] == ["phone", "email"]


def test_a_handle_found_again_with_more_confidence_is_told_again() -> None:
    surer = replace(IDENTIFY, by="person", confidence_percent=100)
    again = told(told(customer(), IDENTIFY), surer).then(CustomerIdentified)
    assert [found.confidence_percent for found in again.state.identified] == [100]


def test_a_handle_is_released_however_it_is_written_and_may_be_found_again() -> None:
    released = told(told(customer(), IDENTIFY), RELEASE).then(
        HandleReleased(customer_id=ME, handle=RELEASE.handle, **world.WHY)
    )
    assert released.state.identified == ()
    told(released, RELEASE).rejected(HandleNotKnown)
    assert told(released, IDENTIFY).then(CustomerIdentified).state.identified


def test_a_handle_of_somebody_else_is_not_released() -> None:
    told(customer(), RELEASE).rejected(HandleNotKnown)
    mail = Handle(kind="email", value=RELEASE.handle.value)
    told(told(customer(), IDENTIFY), replace(RELEASE, handle=mail)).rejected(HandleNotKnown)


def test_a_handle_of_a_customer_who_was_merged_can_still_be_released() -> None:
    told(told(told(customer(), IDENTIFY), MERGE), RELEASE).then(HandleReleased)


@pytest.mark.parametrize("percent", [-1, 101, 50.5])
def test_confidence_is_a_whole_percentage(percent: Any) -> None:
    wrong = {"handle": {"kind": "phone", "value": "1"}, "by": "rule", "confidence_percent": percent}
    with pytest.raises(msgspec.ValidationError, match="confidence_percent"):
        msgspec.convert(wrong, IdentifyCustomer)


# --- verified -------------------------------------------------------------------------------


def test_a_verification_is_good_until_the_time_it_names() -> None:
    state = told(customer(), VERIFY).state
    assert state.verification.valid_until == RECEIVED + YEAR


@pytest.mark.parametrize("ago", [timedelta(0), timedelta(days=1)])
def test_a_verification_for_the_past_is_none(ago: timedelta) -> None:
    late = replace(VERIFY, valid_until=RECEIVED - ago)
    told(customer(), late, at=RECEIVED).rejected(VerifiedForThePast)


def test_a_later_verification_takes_the_place_of_the_earlier_one() -> None:
    longer = replace(VERIFY, valid_until=RECEIVED + 2 * YEAR, method="passport")
    assert told(told(customer(), VERIFY), longer).state.verification.method == "passport"


# --- merged and split -----------------------------------------------------------------------


def test_a_customer_is_not_merged_into_themselves() -> None:
    itself = MergeCustomers(into_id=ME, **world.WHY)
    told(customer(), itself).rejected(CustomerMergedIntoItself)


def test_a_customer_is_not_merged_into_one_who_was_merged_into_them() -> None:
    told(customer(), MERGE, survivors={SURVIVOR: ME}).rejected(
        SurvivorWasMerged, into_id=SURVIVOR, survivor_id=ME
    )


def test_a_customer_is_merged_into_the_one_who_is_still_there() -> None:
    told(customer(), MERGE, survivors={SURVIVOR: "cust-3"}).rejected(
        SurvivorWasMerged, into_id=SURVIVOR, survivor_id="cust-3"
    )
    there = MergeCustomers(into_id="cust-3", **world.WHY)
    told(customer(), there, survivors={SURVIVOR: "cust-3"}).then(CustomersMerged)


@pytest.mark.parametrize(
    "command",
    [IDENTIFY, VERIFY, TIER, SEGMENT, GROUPS, MergeCustomers(into_id="cust-3", **world.WHY)],
    **NAMED,
)
def test_of_a_merged_customer_nothing_more_is_recorded(command: Any) -> None:
    told(customer(MERGED), command).rejected(CustomerIsMerged, into_id=SURVIVOR)


def test_a_split_undoes_the_merge_and_leaves_everything_else() -> None:
    before = told(told(customer(), IDENTIFY), TIER)
    merged = told(before, MERGE)
    split = told(merged, SPLIT)
    split.then(CustomersSplit(customer_id=ME, from_id=SURVIVOR, **world.WHY))
    assert replace(split.state, version=before.state.version) == before.state
    told(split, MERGE).then(CustomersMerged)


def test_who_was_not_merged_is_not_split() -> None:
    told(customer(), SPLIT).rejected(CustomerNotMerged)
    told(told(customer(), TIER), SPLIT).rejected(CustomerNotMerged)


@pytest.mark.parametrize("kind", [MergeCustomers, SplitCustomer])
def test_merging_and_splitting_cannot_even_be_ordered_without_a_reason(kind: type[Any]) -> None:
    fields = {field.name: field.required for field in msgspec.structs.fields(kind)}
    assert fields["reason_code"]
    assert fields["reason_text"]


def test_a_reader_is_told_what_is_possible_now() -> None:
    alone = allowed_customer_commands(told(customer(), TIER).state)
    assert {kind for kind, rule in alone.items() if rule} == {SplitCustomer, ReleaseHandle}
    merged = allowed_customer_commands(customer(MERGED).state)
    assert {kind for kind, rule in merged.items() if rule is None} == {SplitCustomer}


# --- told late ------------------------------------------------------------------------------


def test_nothing_is_told_of_the_future_nor_of_too_long_ago() -> None:
    ahead = replace(TIER, occurred_at=RECEIVED + timedelta(minutes=2))
    told(customer(), ahead, at=RECEIVED).rejected(OccurredInFuture)
    long_ago = replace(TIER, occurred_at=RECEIVED - timedelta(days=3))
    told(customer(), long_ago, at=RECEIVED).rejected(BackdatedTooFar, role="agent")
    assert told(customer(), long_ago, by=world.ADAPTER, at=RECEIVED).events
