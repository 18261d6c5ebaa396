"""The stories of the demonstration in which somebody has yet to act, one for every stage."""

from api.simulation.actors import CUSTOMER
from api.simulation.case import Case
from api.simulation.receipt import receive
from api.simulation.stories import confirm_problem
from api.simulation.twists import declare_final_position, delegate_task, refer


def left_registered(case: Case) -> None:
    """Nobody has looked at it yet, only the notice went out."""
    receive(case)
    case.acknowledge()


def left_assessed(case: Case) -> None:
    """It waits to be accepted."""
    receive(case)
    case.acknowledge()
    case.answer()
    case.assess(case.severity)


def left_accepted(case: Case) -> None:
    """It waits in the queue of its unit."""
    receive(case)
    case.acknowledge()
    case.take_on()


def left_in_progress(case: Case) -> None:
    """Something was offered and accepted, and not given yet."""
    confirm_problem(case)
    remedy = case.propose("refund", "statutory", 19_900)
    case.wait(5, 60)
    case.by_handler("AcceptRemedy", remedy_id=remedy, evidence_id=case.evidence())


def left_resolved(case: Case) -> None:
    """The customer has rated the resolution badly and not confirmed it."""
    confirm_problem(case)
    case.resolve()
    if case.number % 2:
        case.rate(is_pleased=False)


def left_disputed(case: Case) -> None:
    """The customer did not accept the resolution, by the link, and nothing happened since."""
    confirm_problem(case)
    case.resolve()
    case.wait(60, 24 * 60)
    case.order(
        "DisputeResolution",
        CUSTOMER,
        evidence_id=case.evidence(),
        explanation=case.say("still_broken"),
    )


def left_waiting(case: Case) -> None:
    """The customer was asked for something and has not answered yet."""
    confirm_problem(case)
    case.wait(10, 60)
    case.by_handler("RequestInformation", **{"from": "customer"}, what=case.say("photo"))


def left_with_task(case: Case) -> None:
    """Another unit has been given a part of the work."""
    confirm_problem(case)
    delegate_task(case, is_done=False)


def left_outside(case: Case) -> None:
    """An outside body deals with it."""
    confirm_problem(case)
    case.resolve()
    refer(case)


def left_final(case: Case) -> None:
    """The last word was spoken less than a month ago."""
    declare_final_position(case)
