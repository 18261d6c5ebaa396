"""The stories of the demonstration in which somebody has yet to act, one for every stage."""

from api.simulation.actors import CUSTOMER
from api.simulation.case import Case
from api.simulation.receipt import receive
from api.simulation.stories import confirm_problem


def left_registered(case: Case, number: int) -> None:
    """Nobody has looked at it yet, only the notice went out."""
    receive(case, number)
    case.acknowledge()


def left_assessed(case: Case, number: int) -> None:
    """It waits to be accepted."""
    receive(case, number)
    case.acknowledge()
    case.answer()
    case.assess(case.severity)


def left_accepted(case: Case, number: int) -> None:
    """It waits in the queue of its unit."""
    receive(case, number)
    case.acknowledge()
    case.take_on()


def left_in_progress(case: Case, number: int) -> None:
    """Something was offered and accepted, and not given yet."""
    confirm_problem(case, number)
    remedy = case.propose("refund", "statutory", 19_900)
    case.wait(5, 60)
    case.by_handler("AcceptRemedy", remedy_id=remedy, evidence_id=case.evidence())


def left_resolved(case: Case, number: int) -> None:
    """The customer has rated the resolution badly and not confirmed it."""
    confirm_problem(case, number)
    case.resolve()
    if number % 2:
        case.rate(1, 3)


def left_disputed(case: Case, number: int) -> None:
    """The customer did not accept the resolution, by the link, and nothing happened since."""
    confirm_problem(case, number)
    case.resolve()
    case.wait(60, 24 * 60)
    case.order(
        "DisputeResolution",
        CUSTOMER,
        evidence_id=case.evidence(),
        explanation=case.say("still_broken"),
    )
