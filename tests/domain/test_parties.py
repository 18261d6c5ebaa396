"""Who is behind a complaint: identified later, anonymous, represented, joint, or only reported."""

from typing import Any

import pytest

from domain.complaint.approval import DeclineRemedy
from domain.complaint.assessment import AssessComplaint, ComplaintAssessed, NotAboutHandling
from domain.complaint.closure import WithdrawComplaint
from domain.complaint.evidence import WithdrawEvidence
from domain.complaint.guards import (
    AuthorityRequired,
    ReporterConfirmsNothing,
    TrackingLinkOnly,
    UnknownEvidence,
)
from domain.complaint.handling import ConfirmProblem, ProblemConfirmed
from domain.complaint.identity import CustomerLinked, LinkCustomer
from domain.complaint.intake import (
    AddDetail,
    ComplaintRegistered,
    CorrectField,
    DetailAdded,
    RegisterComplaint,
)
from domain.complaint.merge import ComplaintMerged, MergeComplaint, NotTheSameComplainant
from domain.complaint.remedy import AcceptRemedy
from domain.complaint.resolution import (
    ConfirmResolution,
    RecordSatisfaction,
    ResolutionConfirmed,
    SatisfactionRecorded,
)
from domain.complaint.state import ComplaintClosed
from domain.complaint.vocabulary import Complainant, Facts
from domain.kernel import Handle, Other, ReasonRequired
from tests import world
from tests.spec import STREAM, Given, given

LINK = LinkCustomer(customer_id="cust-2", by="rule", confidence_percent=98)
PHONE = Handle(kind="phone", value="+86 138 0000 0000")
REPORTER = Complainant(role="reporter", party_id="body-12315")
WITNESS: dict[str, Any] = {"evidence_id": world.EVIDENCE_ID}


def behind(before: world.History, **facts: Any) -> world.History:
    """The same history with other facts told at the registration."""
    told = world.registered(**facts)[0]
    return [told, *before[1:]]


def anonymous(before: world.History) -> Given:
    """A complaint of which neither a customer nor a party is known."""
    return given(world.proven(behind(before, customer_id=None)))


# --- identified later -----------------------------------------------------------------------


@pytest.mark.parametrize("stage", world.STAGES)
def test_a_customer_becomes_known_at_any_stage_without_changing_it(stage: str) -> None:
    before = given(behind(world.STAGES[stage](), customer_id=None))
    linked = before.when(LINK)
    linked.then(CustomerLinked(customer_id="cust-2", by="rule", confidence_percent=98))
    assert linked.state.customer_id == "cust-2"
    assert linked.state.stage == before.state.stage


def test_another_customer_than_before_takes_a_reason_and_the_first_is_kept() -> None:
    before = given(world.registered())
    before.when(LINK).rejected(ReasonRequired, command="LinkCustomer")
    because = LinkCustomer(customer_id="cust-2", by="person", **world.WHY)
    changed = before.when(because)
    changed.then(
        CustomerLinked(customer_id="cust-2", previous_id=world.CUSTOMER, by="person", **world.WHY)
    )
    back = changed.when(LinkCustomer(customer_id=world.CUSTOMER, by="person", **world.WHY))
    assert back.state.customer_id == world.CUSTOMER


def test_the_customer_known_already_is_not_linked_again() -> None:
    given(world.registered()).when(LinkCustomer(customer_id=world.CUSTOMER, by="rule")).silent()


def test_a_link_rests_on_contacts_and_evidence_of_this_complaint() -> None:
    resting = LinkCustomer(customer_id="cust-2", by="person", **WITNESS)
    nobody = given(world.registered(customer_id=None))
    nobody.when(resting).rejected(UnknownEvidence)
    given(world.proven(nobody.history)).when(resting).then(CustomerLinked)


# --- anonymous ------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["callback", "in_writing", "on_site"])
def test_an_anonymous_complaint_is_confirmed_by_its_tracking_link_only(how: Any) -> None:
    problem, resolution = (
        ConfirmProblem(by="customer", how=how, **WITNESS),
        ConfirmResolution(by="customer", how=how, **WITNESS),
    )
    anonymous(world.in_progress()).when(problem).rejected(TrackingLinkOnly)
    anonymous(world.resolved()).when(resolution, by=world.CALLER).rejected(TrackingLinkOnly)


def test_whoever_holds_the_tracking_link_confirms_and_rates() -> None:
    problem = ConfirmProblem(by="customer", how="link", **WITNESS)
    resolution = ConfirmResolution(by="customer", how="link", **WITNESS)
    rating = RecordSatisfaction(score=4, by="customer", channel="link")
    anonymous(world.in_progress()).when(problem).then(ProblemConfirmed)
    anonymous(world.resolved()).when(resolution, by=world.CALLER).then(ResolutionConfirmed)
    anonymous(world.resolved()).when(rating).then(SatisfactionRecorded)


def test_nobody_knows_whose_satisfaction_was_asked_for_by_telephone() -> None:
    rating = RecordSatisfaction(score=5, by="customer", channel="phone")
    anonymous(world.closed()).when(rating).rejected(TrackingLinkOnly, command="RecordSatisfaction")


@pytest.mark.parametrize(
    "known",
    [
        {"complainant": Complainant(role="complainant", party_id="party-1")},
        {"joint_customer_ids": ["cust-3"]},
    ],
    ids=["party", "joint"],
)
def test_a_known_party_or_joint_customer_is_not_nobody(known: dict[str, Any]) -> None:
    before = given(world.proven(behind(world.closed(), customer_id=None, **known)))
    before.when(RecordSatisfaction(score=5, by="customer", channel="phone")).then(
        SatisfactionRecorded
    )


def test_a_handle_alone_does_not_tell_who_it_is() -> None:
    speaker = Complainant(role="customer", handle=PHONE)
    before = given(behind(world.closed(), customer_id=None, complainant=speaker))
    rating = RecordSatisfaction(score=5, by="customer", channel="phone")
    before.when(rating).rejected(TrackingLinkOnly)
    assert before.when(LINK).when(rating).events, "identified, they are asked like anybody"


# --- represented ----------------------------------------------------------------------------

CONFIRMATIONS: Any = pytest.mark.parametrize(
    ("before", "command"),
    [
        (world.in_progress, ConfirmProblem(by="representative", how="in_writing", **WITNESS)),
        (world.resolved, ConfirmResolution(by="representative", how="in_writing", **WITNESS)),
        (world.resolved, RecordSatisfaction(score=5, by="representative", channel="phone")),
    ],
    ids=["problem", "resolution", "satisfaction"],
)


@CONFIRMATIONS
def test_a_representative_speaks_for_the_customer_with_authority_only(
    before: Any, command: Any
) -> None:
    shown = world.authorised(before())
    given(world.proven(before())).when(command, by=world.CALLER).rejected(AuthorityRequired)
    assert given(shown).when(command, by=world.CALLER).events


@CONFIRMATIONS
def test_authority_that_was_withdrawn_is_none(before: Any, command: Any) -> None:
    withdraw = WithdrawEvidence(evidence_id=world.EVIDENCE_ID, **world.WHY)
    gone = given(world.past(world.authorised(before()), (world.CLERK, world.evidence(STREAM))))
    gone = gone.when(withdraw)
    if hasattr(command, "evidence_id"):
        command = type(command)(by="representative", how="in_writing", evidence_id=STREAM)
    gone.when(command, by=world.CALLER).rejected(AuthorityRequired)


def test_authority_announced_but_not_attached_is_none() -> None:
    announced = behind(world.resolved(), authority_evidence_id=world.EVIDENCE_ID)
    rating = RecordSatisfaction(score=5, by="representative", channel="phone")
    given(announced).when(rating).rejected(AuthorityRequired)
    assert given(world.proven(announced)).when(rating).events


# --- reported -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "command"),
    [
        (world.in_progress, ConfirmProblem(by="customer", how="link", **WITNESS)),
        (world.resolved, ConfirmResolution(by="customer", how="link", **WITNESS)),
        (world.resolved, RecordSatisfaction(score=5, by="customer", channel="link")),
    ],
    ids=["problem", "resolution", "satisfaction"],
)
def test_a_reporter_confirms_nothing_for_a_customer_nobody_knows(before: Any, command: Any) -> None:
    told = {"customer_id": None, "complainant": REPORTER}
    reported = given(world.proven(behind(before(), **told)))
    reported.when(command, by=world.CALLER).rejected(ReporterConfirmsNothing)
    found = reported.when(LINK).when(command, by=world.CALLER)
    assert found.events, "the customer whom the report is about may"


def test_the_word_of_a_reporter_is_not_the_word_of_the_customer() -> None:
    call = world.contact(world.CONTACT_ID, outcome="reached", party="reporter")
    called = world.past(behind(world.resolved(), complainant=REPORTER), (world.CALLER, call))
    confirm = ConfirmResolution(by="customer", how="callback", contact_id=world.CONTACT_ID)
    given(called).when(confirm, by=world.CALLER).rejected(
        ReporterConfirmsNothing, command="ConfirmResolution"
    )


def test_a_reporter_neither_takes_back_a_complaint_nor_takes_a_remedy() -> None:
    call = world.contact(world.CONTACT_ID, outcome="reached", party="reporter")
    before = given(world.past(world.remedied(), (world.CALLER, call)))
    shown: dict[str, Any] = {"contact_id": world.CONTACT_ID}
    for command in (
        WithdrawComplaint(**shown, **world.WHY),
        AcceptRemedy(remedy_id=world.OFFER_ID, **shown),
        DeclineRemedy(remedy_id=world.OFFER_ID, **shown),
    ):
        before.when(command).rejected(ReporterConfirmsNothing, command=type(command).__name__)


# --- joint ----------------------------------------------------------------------------------


def test_a_joint_complaint_lists_its_customers() -> None:
    order = RegisterComplaint(
        channel="letter",
        source_system="mail",
        nature="complaint",
        origin="person",
        customer_id=world.CUSTOMER,
        joint_customer_ids=["cust-2", "cust-3"],
        complainant=Complainant(role="representative", handle=PHONE),
    )
    outcome = given().when(order).then(ComplaintRegistered)
    assert outcome.state.facts.joint_customer_ids == ["cust-2", "cust-3"]
    assert outcome.state.facts.complainant.handle == PHONE


def test_further_joint_customers_are_a_correction_of_the_list() -> None:
    first = given(world.registered()).when(AddDetail(details=Facts(joint_customer_ids=["cust-2"])))
    first.then(DetailAdded)
    longer = Facts(joint_customer_ids=["cust-2", "cust-3"])
    corrected = first.when(CorrectField(new=longer, **world.WHY))
    assert corrected.state.facts.joint_customer_ids == ["cust-2", "cust-3"]


# --- merging by identity --------------------------------------------------------------------

MERGE = MergeComplaint(target_id=world.SURVIVOR_ID, **world.WHY)


def test_complaints_of_a_customer_identified_later_are_merged() -> None:
    target = {world.SURVIVOR_ID: Other(stage="in_progress", customer_id="cust-2")}
    before = given(world.registered(customer_id=None))
    told: dict[str, Any] = {"by": world.SUPERVISOR, "facts_of_others": target}
    before.when(MERGE, **told).rejected(NotTheSameComplainant)
    before.when(LINK).when(MERGE, **told).then(ComplaintMerged, ComplaintClosed)


def test_complaints_of_customers_who_turned_out_to_be_one_are_merged() -> None:
    target = {world.SURVIVOR_ID: Other(stage="in_progress", customer_id="cust-2")}
    told: dict[str, Any] = {"by": world.SUPERVISOR, "facts_of_others": target}
    before = given(world.registered())
    before.when(MERGE, **told).rejected(NotTheSameComplainant)
    for survivors in (
        {"cust-2": world.CUSTOMER},
        {world.CUSTOMER: "cust-2"},
        {world.CUSTOMER: "cust-3", "cust-2": "cust-3"},
    ):
        before.when(MERGE, **told, survivors=survivors).then(ComplaintMerged, ComplaintClosed)


# --- about the handling of an earlier one ---------------------------------------------------


def test_a_complaint_about_the_handling_of_an_earlier_one_says_so_and_names_it() -> None:
    told: dict[str, Any] = {"about_handling": True, "about_handling_of": world.DUPLICATE_ID}
    outcome = given(world.registered()).when(AssessComplaint(**world.ASSESSED, **told))
    outcome.then(ComplaintAssessed)
    assert outcome.state.assessment.about_handling_of == world.DUPLICATE_ID


@pytest.mark.parametrize(
    "told",
    [
        {"about_handling": True, "about_handling_of": STREAM},
        {"about_handling": False, "about_handling_of": world.DUPLICATE_ID},
        {"about_handling_of": world.DUPLICATE_ID},
    ],
    ids=["itself", "not about handling", "unsaid"],
)
def test_what_is_not_about_handling_names_no_handling(told: dict[str, Any]) -> None:
    assess = AssessComplaint(**world.ASSESSED, **told)
    given(world.registered()).when(assess).rejected(NotAboutHandling)
