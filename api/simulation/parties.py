"""The stories of the demonstration in which it matters who complains: for somebody else, together
with others, not known at first.
"""

from datetime import timedelta

from msgspec.structs import replace

from api.simulation.actors import CONTACT_CENTRE, CUSTOMER
from api.simulation.case import Case
from api.simulation.receipt import receive
from api.simulation.stories import confirm_problem, verify


def represented(case: Case) -> None:
    """Somebody speaks for the customer, shows a power of attorney, and withdraws a wrong paper."""
    receive(case, complainant={"role": "representative", "party_id": f"party-{case.number:05d}"})
    case.acknowledge()
    case.wait(30, 90)
    wrong = case.evidence("authority")
    case.wait(5, 30)
    authority = case.evidence("authority")
    case.by_clerk("WithdrawEvidence", evidence_id=wrong, **case.why("wrong_paper"))
    case.by_clerk("AddDetail", details={"represented_count": 1, "authority_evidence_id": authority})
    case.take_on()
    case.assign()
    case.wait(10, 120)
    call = case.contact("other", party="representative", summary=case.say("problem_call"))
    case.by_handler("ConfirmProblem", by="representative", how="callback", contact_id=call)
    case.settle("repair", "contractual")
    case.resolve()
    case.wait(60, 24 * 60)
    paper = case.evidence("letter")
    case.order(
        "ConfirmResolution", CUSTOMER, by="representative", how="in_writing", evidence_id=paper
    )
    case.close()


def reclassed(case: Case) -> None:
    """A person finds that it goes back to a request made before, which was no complaint here."""
    confirm_problem(case)
    case.wait(60, 300)
    case.order(
        "ClassifyRepeat",
        CONTACT_CENTRE.client,
        CONTACT_CENTRE.supervisors[0],
        **{"class": "escalated_recomplaint"},
        rule_version="person",
        **case.why("asked_before"),
    )
    case.resolve()
    verify(case)


def joint(case: Case) -> None:
    """Two neighbours complain together with the customer, who speaks for them."""
    neighbours = [f"{case.source_system}-customer-{case.number:05d}-{each}" for each in "ab"]
    receive(case, joint_customer_ids=neighbours, represented_count=2)
    case.acknowledge()
    case.take_on()
    case.assign()
    case.confirm_problem()
    case.settle("repair", "statutory")
    case.resolve()
    verify(case)


def identified_later(case: Case) -> None:
    """Nobody knew who complained, until the customer showed a membership card."""
    known = case.customer
    case.customer = replace(known, id=None)
    receive(case)
    case.acknowledge()
    case.take_on()
    case.assign()
    case.wait(30, 300)
    case.by_handler(
        "LinkCustomer", customer_id=known.id, by="person", evidence_id=case.evidence("member_card")
    )
    case.customer = known
    case.confirm_problem()
    case.resolve()
    verify(case)


def valued(case: Case) -> None:
    """A customer whom everybody knows: by the new card, not the old one any more; verified,
    with tier, segment and support."""
    receive(case)
    case.acknowledge()
    old, card = (
        {"kind": "member_number", "value": f"M-{case.customer.id}-{number}"} for number in (1, 2)
    )
    case.on_customer("IdentifyCustomer", handle=old, by="person", evidence="member_card")
    case.on_customer("ReleaseHandle", handle=old, **case.why("card_given_up"))
    case.on_customer("IdentifyCustomer", handle=card, by="person", evidence="member_card")
    case.on_customer(
        "VerifyCustomer", valid_until=case.now + timedelta(days=365), method="app_login"
    )
    case.on_customer("SetCustomerTier", tier="vip", source="membership")
    case.on_customer(
        "AssignSegment",
        segment="service_quality",
        model_version="segments-3",
        confidence_percent=82,
    )
    case.on_customer("RecordSpecialGroups", groups=["older_person"], source="customer")
    case.take_on()
    case.assign()
    case.confirm_problem()
    case.settle("replacement", "statutory")
    case.resolve()
    verify(case)


def known_by_handle(case: Case) -> None:
    """Anonymous but for a handle, which is found out to be a customer's; a policy links them."""
    known = case.customer
    handle = {"kind": "openid", "value": f"openid-{case.key}"}
    case.customer = replace(known, id=None)
    receive(case, complainant={"role": "customer", "handle": handle})
    case.acknowledge()
    case.take_on()
    case.on_customer("IdentifyCustomer", known.id, handle=handle, by="rule", confidence_percent=95)
    case.assign()
    case.confirm_problem()
    case.resolve()
    verify(case)
