"""The stories of the demonstration with an unusual turn: emergencies, joint work, outside bodies,
approvals, last words, supervision.
"""

from datetime import timedelta
from uuid import uuid5

from api.simulation.actors import OWNERS, QUALITY
from api.simulation.case import Case
from api.simulation.problems import PROBLEMS
from api.simulation.receipt import receive
from api.simulation.stories import confirm_problem, verify
from api.simulation.telling import LANGUAGES


def investigated(case: Case) -> None:
    """Something was missing, another unit helped, and what was found is kept with its proof."""
    confirm_problem(case)
    case.wait(10, 60)
    call = case.contact("other", summary=case.say("asked_for_photo"))
    asked = case.by_handler(
        "RequestInformation", **{"from": "customer"}, what=case.say("photo"), contact_id=call
    )
    case.wait(60, 20 * 60)
    photo = case.evidence("photo")
    case.by_handler(
        "RecordInformation",
        request_id=str(uuid5(asked, "request")),
        content=case.say("photo_sent"),
        evidence_id=photo,
    )
    case.wait(10, 60)
    delegate_task(case, photo, is_done=True)
    case.by_handler(
        "RecordFinding", kind="cause", finding=case.say("finding"), evidence_ids=[photo]
    )
    case.settle("repair", "statutory")
    case.resolve()
    verify(case)


def delegate_task(case: Case, *evidence: str, is_done: bool) -> None:
    """Another unit does a part of the work, if it does."""
    other = next(unit for unit in OWNERS.values() if unit != case.owner)
    given = case.by_handler(
        "DelegateTask",
        kind="log_analysis",
        unit_id=other.id,
        person_id=other.agents[0],
        instructions=case.say("task"),
        due_at=case.now + timedelta(days=1),
        evidence_ids=list(evidence),
    )
    if not is_done:
        return
    case.wait(30, 12 * 60)
    case.order(
        "CompleteTask",
        other.client,
        other.agents[0],
        task_id=str(uuid5(given, "task")),
        outcome="done",
        result=case.say("task_done"),
    )


def emergency(case: Case) -> None:
    """Somebody is in danger: it is flagged at once and contained before anything is settled."""
    if "安全" not in case.problem.tags:
        unsafe = [problem for problem in PROBLEMS if "安全" in problem.tags]
        case.is_about(case.random.choice(unsafe), "major")
    receive(case)
    case.wait(1, 3)
    case.by_clerk("FlagEmergency", cause="safety", decided_by={"kind": "person", "id": case.clerk})
    case.acknowledge()
    case.take_on()
    case.assign()
    case.wait(5, 60)
    case.by_handler(
        "RecordContainment",
        kind="stop_use",
        measure=case.say("containment"),
        unit_id=case.owner.id,
    )
    case.confirm_problem()
    case.settle("replacement", "statutory")
    case.resolve()
    verify(case)


def compensated(case: Case) -> None:
    """Goodwill beyond what the handler may grant alone: a supervisor approves it."""
    confirm_problem(case)
    remedy = case.propose("compensation", "goodwill", 6_000_00)
    case.wait(10, 120)
    case.by_chief("ApproveRemedy", remedy_id=remedy)
    case.wait(5, 60)
    call = case.contact("answer", summary=case.say("remedy_call"))
    case.by_handler("AcceptRemedy", remedy_id=remedy, contact_id=call)
    case.wait(60, 600)
    case.by_handler("FulfilRemedy", remedy_id=remedy, payment_reference=f"PAY-{case.key}")
    case.resolve()
    verify(case)


def renegotiated(case: Case) -> None:
    """Goodwill was refused, a voucher not wanted, a repair replaced; each change cost something."""
    confirm_problem(case)
    remedy = case.propose("compensation", "goodwill", 9_000_00)
    case.wait(10, 120)
    case.by_chief("RejectRemedy", remedy_id=remedy, **case.why("too_much"))
    voucher = case.propose("voucher", "goodwill", 50_00)
    case.wait(5, 60)
    call = case.contact("answer", summary=case.say("voucher_call"))
    case.by_handler("DeclineRemedy", remedy_id=voucher, contact_id=call)
    repair = case.propose("repair", "contractual")
    case.wait(60, 600)
    known_as = case.by_handler(
        "ProposeRemedy",
        kind="replacement",
        basis="statutory",
        legal_ref="消费者权益保护法 第二十四条",
        description=case.say("replacement"),
        supersedes=repair,
        change_cost={"minor": 80_00, "currency": "CNY"},
        **case.why("cannot_be_repaired"),
    )
    replacement = str(uuid5(known_as, "remedy"))
    case.wait(5, 60)
    call = case.contact("answer", summary=case.say("remedy_call"))
    case.by_handler("AcceptRemedy", remedy_id=replacement, contact_id=call)
    case.wait(60, 600)
    case.by_handler("FulfilRemedy", remedy_id=replacement)
    case.resolve()
    verify(case)


def refer(case: Case) -> str:
    """The consumers' association takes it up; returns the id of the referral."""
    case.wait_days(0.5, 2)
    known_as = case.by_clerk(
        "ReferComplaint",
        body="consumers_association",
        reference=f"12315-{case.number:06d}",
        reply_due_at=case.now + timedelta(days=10),
    )
    return str(uuid5(known_as, "referral"))


def settled_outside(case: Case) -> None:
    """The consumers' association mediates, and that settles it."""
    confirm_problem(case)
    case.resolve()
    referral = refer(case)
    case.wait_days(3, 9)
    case.by_clerk(
        "RecordOutsideOutcome",
        referral_id=referral,
        outcome="mediated",
        summary=case.say("mediated"),
        evidence_id=case.evidence("outside_decision"),
    )
    case.wait(60, 24 * 60)
    case.by_clerk(
        "ReportOutcomeToBody",
        referral_id=referral,
        channel="portal",
        summary=case.say("reported_to_body"),
    )
    case.close("settled_outside", **case.why("mediated"))


def declare_final_position(case: Case) -> None:
    """The customer does not accept; the decision and where else to turn are the last word."""
    confirm_problem(case)
    case.resolve()
    case.wait(120, 24 * 60)
    call = case.called("dispute_call")
    case.by_clerk("DisputeResolution", contact_id=call, explanation=case.say("wants_more"))
    case.wait(60, 24 * 60)
    call = case.contact("answer", summary=case.say("decision_call"))
    case.by_handler(
        "CommunicateDecision",
        decision="no_further_remedy",
        reasons=case.say("decision"),
        recourse=case.say("recourse"),
        language=LANGUAGES[case.customer.language],
        contact_id=call,
    )
    case.resolve()
    case.wait(60, 24 * 60)
    case.by_chief("DeclareFinalPosition")


def final_position(case: Case) -> None:
    """The last word stays unanswered for a month."""
    declare_final_position(case)
    case.wait_days(30.1, 33)
    case.order(
        "CloseComplaint",
        QUALITY.client,
        QUALITY.supervisors[0],
        reason="final_position",
        **case.why("unanswered"),
    )
    case.outcome = "final_position"


def appointed(case: Case) -> None:
    """The customer is away until the appointment: the clock stands still meanwhile."""
    confirm_problem(case)
    case.wait(10, 60)
    case.by_handler("PauseClock", clock="resolve", **case.why("appointment_with_customer"))
    case.wait(6 * 60, 36 * 60)
    case.by_handler("ResumeClock", clock="resolve")
    case.settle("repair", "contractual")
    case.resolve()
    verify(case)


def supervised(case: Case) -> None:
    """Nothing moves: the handler is reminded, and the supervisor of the unit takes an interest."""
    case.is_prompt = False
    confirm_problem(case)
    case.wait(12 * 60, 24 * 60)
    case.by_chief("RemindHandler", about="resolve", message=case.say("reminder"))
    case.wait(6 * 60, 12 * 60)
    case.by_clerk(
        "RecordChaser", channel="phone", party="customer", summary=case.say("chasing_call")
    )
    case.by_chief(
        "EscalateComplaint",
        level="unit_head",
        unit_id=case.owner.id,
        person_id=case.owner.supervisors[0],
        **case.why("stuck"),
    )
    case.settle("replacement", "statutory")
    case.resolve()
    verify(case)
