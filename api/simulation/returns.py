"""The stories of the demonstration in which a customer complains more than once.

Nobody orders the class of the later complaint: a policy judges it from what is recorded.
"""

from msgspec.structs import replace

from api.simulation.case import Case
from api.simulation.problems import PROBLEMS
from api.simulation.receipt import receive
from api.simulation.stories import confirm_problem, unreachable, verified, verify


def repeated(first: Case, second: Case) -> None:
    """It was solved and confirmed, and weeks later the same fault is back."""
    verified(first)
    second.come_after(first)
    second.wait_days(16, 24)
    verified(second)


def repeated_unverified(first: Case, second: Case) -> None:
    """It was closed because nobody answered, and the fault is still there."""
    unreachable(first)
    second.come_after(first)
    second.wait_days(16, 24)
    verified(second)


def repeated_while_open(first: Case, second: Case) -> None:
    """The same fault once more, and with more to tell, while the first complaint is open."""
    confirm_problem(first)
    second.come_after(first)
    second.wait_days(0.5, 1)
    first.is_prompt = False
    first.resolve()
    verify(first)
    verified(second)


def escalated(first: Case, second: Case) -> None:
    """The customer complains about how the first complaint was handled."""
    verified(first)
    second.come_after(first)
    second.wait_days(1, 8)
    second.about_handling_of(first)
    verified(second)


def escalated_outside(first: Case, second: Case) -> None:
    """The complaint about the handling comes through the 12315 platform."""
    verified(first)
    second.come_after(first)
    second.wait_days(1, 8)
    second.about_handling_of(first)
    second.is_through_outside_body = True
    confirm_problem(second)
    second.settle("apology", "goodwill")
    second.resolve()
    verify(second)


def related(first: Case, second: Case) -> None:
    """First the goods, then their manual: the same order, another problem."""
    broken, unclear = (
        next(problem for problem in PROBLEMS if problem.path[-1] == label)
        for label in ("不制冷", "遥控说明不清")
    )
    first.is_about(broken, "general")
    second.is_about(unclear, "general")
    verified(first)
    second.come_after(first)
    second.wait_days(3, 12)
    verified(second)


def duplicate(first: Case, second: Case) -> None:
    """Registered twice, by telephone and on the page: the second is merged into the first."""
    _merge(first, second)
    second.outcome = "duplicate"
    first.resolve()
    verify(first)


def unmerged(first: Case, second: Case) -> None:
    """Taken for a duplicate, it proved to be another matter and goes on by itself."""
    other = next(
        problem
        for problem in PROBLEMS
        if problem.path != first.problem.path and problem.is_grave == first.problem.is_grave
    )
    second.is_about(other, first.severity)
    _merge(first, second)
    second.wait(60, 300)
    second.by_chief("UnmergeComplaint", **second.why("another_matter"))
    first.resolve()
    verify(first)
    second.wait(10, 60)
    second.accept()
    second.assign()
    second.confirm_problem()
    second.resolve()
    verify(second)


def _merge(first: Case, second: Case) -> None:
    first.channel, second.channel = "phone", "web"
    first.is_prompt = second.is_prompt = False  # merged before anybody resolves it
    confirm_problem(first)
    second.come_after(first)
    second.wait(30, 90)
    receive(second)
    second.acknowledge()
    second.answer()
    second.assess(second.severity)
    second.wait(10, 60)
    second.by_chief("MergeComplaint", {"target_id": first.number}, **second.why("same_matter"))


def merged_customers(first: Case, second: Case) -> None:
    """The same fault under another customer id: found to be one person, it is a repeat."""
    _under_another_id(first, second)
    second.on_customer("MergeCustomers", into_id=first.customer.id, **second.why("same_person"))


def split_customers(first: Case, second: Case) -> None:
    """Two customers taken for one: split again, each has complained for the first time."""
    merged_customers(first, second)
    second.wait_days(1, 3)
    second.on_customer("SplitCustomer", **second.why("two_people"))


def _under_another_id(first: Case, second: Case) -> None:
    second.customer = replace(first.customer, id=f"{first.customer.id}-b")
    verified(first)
    second.come_after(first)
    second.wait_days(16, 20)
    verified(second)
    second.wait_days(1, 3)
