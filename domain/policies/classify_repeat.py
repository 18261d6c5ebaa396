"""A complaint is classed against the same customer's earlier ones 重复投诉 when it is first
assessed as a complaint, and again when it becomes known who its customer is.

"Earlier" is by receipt, equal ones by id. How an earlier complaint stood is judged at the receipt
of the later one: open, or closed so many local days before. Duplicates are no earlier ones, their
survivors are; declined and withdrawn ones count; enquiries count only for how they were handled.
Of a customer with many complaints the 500 received last before this one are looked at.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from msgspec.structs import replace

from domain.complaint import COMPLAINT
from domain.complaint.assessment import ComplaintAssessed
from domain.complaint.intake import FieldCorrected
from domain.complaint.repeat import ClassifyRepeat, RepeatClass
from domain.kernel import Recorded
from domain.policies.policy import History, Known, Order, Policy, Reaction, Streams
from domain.policies.seen import READS, Seen, see
from domain.rules import Rules


def react(trigger: Recorded[Any], rules: Rules) -> Reaction:
    """Class the complaint that is to be classed from here on."""
    [history] = yield Streams((trigger.stream_id,))
    mine = see(history)
    if not mine.is_assessed_complaint or see(history[:-1]).is_assessed_complaint:
        return []
    return (yield from judged(mine, rules))


def judged(mine: Seen, rules: Rules) -> Reaction:
    """The order that classes a complaint, after a look at the customer's others."""
    others: Iterable[History] = ()
    if mine.customer_id is not None:
        others = yield Known(kind="customer", values=(mine.customer_id,), up_to=mine.received_at)
    seen = (see(history) for history in others)
    earlier = [other for other in seen if other.customer_id == mine.customer_id]
    command = class_of(mine, earlier, rules)
    return [Order(decider=COMPLAINT, stream_id=mine.complaint_id, command=command)]


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
    triggers=frozenset({ComplaintAssessed, FieldCorrected}),
    reads=READS,
    react=react,
)
