"""The stories of the demonstration that come to an end, one function a story.

A story that the end of the demonstration overtakes breaks off; the complaint stays as it then is.
"""

from api.simulation.actors import QUALITY, SYSTEM
from api.simulation.case import Case
from api.simulation.receipt import receive
from api.simulation.telling import LANGUAGES


def confirm_problem(case: Case) -> None:
    """The beginning of most stories: it comes in, is taken on and understood."""
    receive(case)
    case.acknowledge()
    case.take_on()
    case.assign()
    case.confirm_problem()


def verify(case: Case) -> None:
    """The ending of most stories: the customer confirms, perhaps rates, and it is closed."""
    case.confirm()
    if case.random.random() < 0.75:
        case.rate()
    case.close()


def verified(case: Case) -> None:
    """Solved without a remedy, confirmed and closed."""
    confirm_problem(case)
    case.resolve()
    verify(case)


def remedied(case: Case) -> None:
    """Something was offered, accepted and given."""
    confirm_problem(case)
    if case.problem.remedy == "refund":
        case.settle("refund", "statutory", case.random.randrange(20, 900) * 100)
    elif case.random.random() < 0.5:
        case.settle("repair", "contractual")
    else:
        case.propose("voucher", "goodwill", 2000)  # the customer wants the goods replaced
        case.settle("replacement", "statutory")
    case.resolve()
    verify(case)


def answered_by_bot(case: Case) -> None:
    """A bot receives it and gives the first answer; people do the rest."""
    case.channel = "wechat"
    receive(case, by_bot=True, is_bare=True)
    case.chat_with_bot()
    case.order("RecordSourceFact", SYSTEM, name="bot_intent", value=case.problem.path[0])
    case.assess(case.severity)
    case.wait(2, 20)
    case.accept()
    case.assign()
    case.confirm_problem()
    case.resolve()
    verify(case)


def _dispute(case: Case, times: int) -> None:
    confirm_problem(case)
    case.settle("repair", "contractual")
    case.resolve()
    for _ in range(times):
        if case.random.random() < 0.5:
            case.rate(is_pleased=False)
        case.wait(120, 60 * 60)
        call = case.called("dispute_call")
        case.by_clerk("DisputeResolution", contact_id=call, explanation=case.say("still_broken"))
        case.wait(30, 300)
        case.settle("replacement", "statutory")
        case.resolve()
    case.confirm()
    case.rate()
    case.close()


def disputed(case: Case) -> None:
    """The customer did not accept the first resolution."""
    _dispute(case, 1)


def disputed_twice(case: Case) -> None:
    """Only the third resolution was accepted."""
    _dispute(case, 2)


def confirmed_late(case: Case) -> None:
    """A remedy was proposed before the problem was confirmed; a field was mistyped."""
    receive(case, region="540000" if case.customer.region == "650000" else "650000")
    case.acknowledge()
    case.take_on()
    case.assign()
    remedy = case.propose("repair", "contractual")
    case.by_clerk("CorrectField", new={"region": case.customer.region}, **case.why("mistyped"))
    case.confirm_problem()
    case.by_handler("AcceptRemedy", remedy_id=remedy, evidence_id=case.evidence())
    case.wait(60, 24 * 60)
    case.by_handler("FulfilRemedy", remedy_id=remedy)
    case.resolve()
    verify(case)


def returned(case: Case) -> None:
    """It went to the wrong person first; the customer tells more and asks how far things are."""
    receive(case, is_bare=True)
    case.acknowledge()
    case.take_on()
    case.assign()
    case.wait(30, 240)
    case.by_handler("ReturnAssignment", **case.why("other_unit"))
    case.assign(to=next(agent for agent in case.owner.agents if agent != case.handler))
    case.wait(60, 600)
    case.by_clerk(
        "RecordChaser", channel="phone", party="customer", summary=case.say("chasing_call")
    )
    details = {"customer_tier": {"value": "ordinary", "source": "membership"}}
    case.by_clerk("AddDetail", details=details)
    case.confirm_problem()
    case.resolve()
    verify(case)


def upgraded(case: Case) -> None:
    """It proves graver than it looked."""
    case.severity = "important"
    confirm_problem(case)
    case.wait(5, 60)
    case.by_handler(
        "AssessComplaint",
        **case.judgement(case.handler),
        severity="major",
        **case.why("new_facts"),
    )
    case.severity = "major"
    case.settle("replacement", "statutory")
    case.resolve()
    verify(case)


def downgraded(case: Case) -> None:
    """A second person finds it less grave than it looked."""
    case.severity = "major"
    receive(case)
    case.acknowledge()
    case.take_on()
    case.assign()
    case.wait(30, 180)
    case.by_chief(
        "AssessComplaint",
        **case.judgement(QUALITY.supervisors[0]),
        severity="important",
        **case.why("overrated"),
    )
    case.confirm_problem()
    case.resolve()
    verify(case)


def unreachable(case: Case) -> None:
    """Nobody answers after the resolution, whatever is tried."""
    confirm_problem(case)
    case.resolve()
    for channel in ("phone", "sms", "phone"):
        case.wait(14 * 60, 20 * 60)
        case.contact("follow_up", "quality", channel=channel, outcome="no_answer")
    case.wait(10, 60)
    case.contact("notice", "quality", channel="email", summary=case.say("notice"))
    case.close("unreachable", **case.why("no_answer"))


def withdrawn(case: Case) -> None:
    """The customer takes it back."""
    receive(case)
    case.acknowledge()
    case.take_on()
    case.assign()
    case.wait(60, 20 * 60)
    call = case.called("withdrawal_call")
    case.by_clerk("WithdrawComplaint", contact_id=call, **case.why("no_longer_wanted"))
    case.outcome = "withdrawn"


def declined(case: Case) -> None:
    """It is not taken on, being no complaint at all; a second person decides."""
    _decline(case, "enquiry_only")


def _decline(case: Case, reason: str) -> None:
    receive(case)
    case.acknowledge()
    case.answer()
    case.assess(None)
    if reason == "enquiry_only":
        case.wait(10, 60)
        case.by_chief("AssessComplaint", **case.judgement(QUALITY.supervisors[0]), nature="enquiry")
    case.wait(30, 300)
    case.by_quality(
        "DeclineComplaint",
        **case.why(reason),
        notice={
            "channel": "sms",
            "language": LANGUAGES[case.customer.language],
            "recourse": case.say("recourse"),
        },
    )
    case.outcome = "declined"


def reopened(case: Case) -> None:
    """It was closed as verified, and came back within a fortnight."""
    confirm_problem(case)
    case.resolve()
    verify(case)
    case.wait(24 * 60, 10 * 24 * 60)
    case.called("dispute_call")
    case.wait(5, 60)
    case.by_chief("ReopenComplaint", **case.why("came_back"))
    case.outcome = "open"
    case.settle("replacement", "statutory")
    case.resolve()
    verify(case)


def appealed(case: Case) -> None:
    """It was declined, then proof of purchase came in, and it was taken on after all."""
    _decline(case, "not_ours")
    case.wait(12 * 60, 48 * 60)
    case.by_chief("ReopenComplaint", **case.why("appealed"))
    case.outcome = "open"
    case.wait(5, 60)
    case.accept()
    case.assign()
    case.confirm_problem()
    case.settle("repair", "contractual")
    case.resolve()
    verify(case)
