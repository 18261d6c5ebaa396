"""A complaint is classed against the same customer's earlier ones 重复投诉 when it is first
assessed as a complaint, and again when it becomes known who its customer is: its own, and every
other complaint for which that makes a difference.

"Earlier" is by receipt, equal ones by id. How an earlier complaint stood is judged at the receipt
of the later one: open, or closed so many local days before. Duplicates are no earlier ones, their
survivors are; declined and withdrawn ones count; enquiries count only for how they were handled.
The customer is the one affected: who joined a complaint is counted for groups, for nothing else.
A class that a person corrected stands until the complaint itself is linked to another customer.
"""

from collections.abc import Generator, Iterable
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from msgspec.structs import replace

from domain.complaint import COMPLAINT
from domain.complaint.assessment import ComplaintAssessed
from domain.complaint.identity import CustomerLinked
from domain.complaint.intake import FieldCorrected
from domain.complaint.repeat import ClassifyRepeat, RepeatClass
from domain.customer.merge import CustomersMerged, CustomersSplit
from domain.kernel import Recorded
from domain.policies.customers import MERGES, group_of
from domain.policies.policy import Histories, Known, Order, Policy, Reaction, Streams
from domain.policies.seen import READS, Seen, see
from domain.rules import Rules

LOOKED_AT = 500
"""Of a customer with very many complaints the last ones received are looked at."""


def react(trigger: Recorded[Any], rules: Rules) -> Reaction:
    """Class the complaint that is to be classed from here on, or all whom an identity concerns."""
    match trigger.event:
        case CustomersMerged(into_id=into_id):
            return (yield from _judge_again((into_id,), rules))
        case CustomersSplit(customer_id=customer_id, from_id=from_id):
            return (yield from _judge_again((customer_id, from_id), rules))
    [history] = yield Streams((trigger.stream_id,))
    mine = see(history)
    if isinstance(trigger.event, CustomerLinked):
        concerned = (trigger.event.customer_id, trigger.event.previous_id)
        return (yield from _judge_again(concerned, rules, mine))
    if not mine.is_assessed_complaint or see(history[:-1]).is_assessed_complaint:
        return []
    others: Iterable[Seen] = ()
    if mine.customer_id is not None:
        group = yield from group_of(mine.customer_id)
        others = yield from _complaints_of(group, up_to=mine.received_at)
    return [_order(mine, others, rules)]


def _judge_again(
    customer_ids: Iterable[str | None], rules: Rules, since: Seen | None = None
) -> Reaction:
    """Class every complaint of these customers, from one on where only later ones are concerned."""
    orders: dict[UUID, Order] = {}
    for customer_id in customer_ids:
        if customer_id is None:
            continue
        group = yield from group_of(customer_id)
        complaints = yield from _complaints_of(group)
        for one in complaints:
            if one.is_assessed_complaint and (since is None or one.since >= since.since):
                orders[one.complaint_id] = _order(one, complaints, rules)
    return list(orders.values())


def _complaints_of(
    group: tuple[str, ...], up_to: datetime | None = None
) -> Generator[Known, Histories, list[Seen]]:
    """The complaints that are this customer's, under whichever of their ids."""
    found = yield Known(kind="customer", values=group, up_to=up_to, most=LOOKED_AT)
    return [seen for seen in map(see, found) if seen.customer_id in group]


def _order(mine: Seen, others: Iterable[Seen], rules: Rules) -> Order:
    command = class_of(mine, others, rules)
    return Order(decider=COMPLAINT, stream_id=mine.complaint_id, command=command)


# --- the rule -------------------------------------------------------------------------------


def class_of(mine: Seen, others: Iterable[Seen], rules: Rules) -> ClassifyRepeat:
    """The class against other complaints of the same customer; the first rule that fits decides."""

    def told(repeat_class: RepeatClass, earlier: Seen | None = None, **more: Any) -> ClassifyRepeat:
        days = None if earlier is None else _days_since_close(earlier, mine, rules)
        return ClassifyRepeat(
            repeat_class=repeat_class,
            rule_version=rules.version,
            earlier_id=None if earlier is None else earlier.complaint_id,
            days_since_close=days,
            **more,
        )

    if mine.customer_id is None:
        return told("unknown")
    earlier = sorted(
        (other for other in others if other.since < mine.since and not other.is_duplicate),
        key=lambda other: other.since,
        reverse=True,
    )
    if mine.about_handling:
        named = [e for e in earlier if e.complaint_id == mine.about_handling_of]
        handled = next(iter(named or ([] if mine.about_handling_of else earlier)), None)
        command = told("escalated_recomplaint", handled, is_external=mine.is_external)
        return replace(command, earlier_id=command.earlier_id or mine.about_handling_of)
    near = [e for e in earlier if e.nature == "complaint" and _is_near(e, mine, rules)]
    for other in near:
        if other.problem_key == mine.problem_key:
            is_verified = _end(other, mine.received_at)[1] == "verified"
            return told("repeat", other, after_verified_close=is_verified)
    for other in near:
        if _is_same(other.order_ref, mine.order_ref) or _is_same(other.serial_no, mine.serial_no):
            return told("related", other)
    return told("initial")


def _is_near(earlier: Seen, mine: Seen, rules: Rules) -> bool:
    """Whether the earlier one was open at the receipt, or closed within the window before it."""
    days = _days_since_close(earlier, mine, rules)
    return days is None or days <= rules.repeat_window_days


def _days_since_close(earlier: Seen, mine: Seen, rules: Rules) -> int | None:
    """Local days from the close to the receipt; None while the earlier one was open."""
    closed_at, reason = _end(earlier, mine.received_at)
    if reason is None:
        return None
    zone = ZoneInfo(rules.zone)
    days = mine.received_at.astimezone(zone).date() - closed_at.astimezone(zone).date()
    return max(days.days, 0)


def _end(earlier: Seen, at: datetime) -> tuple[datetime, str | None]:
    """How it had ended by then, and when; without a reason it had not."""
    ends = [end for end in earlier.ends if end[0] <= at]
    return ends[-1] if ends else (earlier.received_at, None)


def _is_same(one: str | None, other: str | None) -> bool:
    return one is not None and one == other


CLASSIFY_REPEAT = Policy(
    name="classify_repeat",
    triggers=frozenset({ComplaintAssessed, FieldCorrected, CustomerLinked}) | MERGES,
    reads=READS | MERGES,
    react=react,
)
