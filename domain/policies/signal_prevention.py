"""Too many complaints of one problem within rolling days call for prevention 问题预防 (G9).

What counts is a complaint, assessed, no duplicate and not of an import, at its receipt. It is
signalled by the complaint that makes the difference: with it some window of so many days that
holds it has more than the rule allows, without it none had. So a problem that goes on is signalled
once, and again when the count has fallen back; a late assessment or a receipt told late counts at
its receipt, and signals where it fills a window that nobody had seen filled.
"""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from domain.complaint.assessment import ComplaintAssessed
from domain.complaint.intake import FieldCorrected
from domain.complaint.merge import ComplaintUnmerged
from domain.kernel import Recorded
from domain.policies.policy import Histories, Known, Order, Policy, Reaction, Streams
from domain.policies.seen import READS, Seen, see
from domain.prevention import PREVENTION, SignalPrevention, stream_of
from domain.rules import Rules

SOME, MANY = 40, 2000
"""How many complaints are looked at: most problems are settled by the last few."""


def react(trigger: Recorded[Any], rules: Rules) -> Reaction:
    """Signal the problem of a complaint that counts from here on, if it makes the difference."""
    [history] = yield Streams((trigger.stream_id,))
    mine, before = see(history), see(history[:-1])
    key = mine.problem_key
    if key is None or not _counts(mine) or (_counts(before) and before.problem_key == key):
        return []
    window = timedelta(days=rules.prevention.window_days)
    for most in (SOME, MANY):
        found: Histories = yield Known(
            kind="problem",
            values=(key,),
            after=mine.received_at - window,
            up_to=mine.received_at + window,
            most=most,
        )
        others = [other for other in map(see, found) if _counts(other, key)]
        filled = fullest(mine, others, window)
        was = len(filled) - 1
        if was > rules.prevention.more_than or len(found) < most:
            break
    if not was <= rules.prevention.more_than < len(filled):
        return []
    signal = SignalPrevention(
        problem_key=key,
        window_days=rules.prevention.window_days,
        complaint_ids=[one.complaint_id for one in filled],
        first_received_at=filled[0].received_at,
        last_received_at=filled[-1].received_at,
    )
    return [Order(decider=PREVENTION, stream_id=stream_of(key), command=signal)]


def fullest(mine: Seen, others: Iterable[Seen], window: timedelta) -> list[Seen]:
    """Of all windows that hold a complaint the fullest one, in order of receipt."""
    near = sorted(
        [mine, *(other for other in others if other.complaint_id != mine.complaint_id)],
        key=lambda one: one.since,
    )
    ends = [
        one.received_at
        for one in near
        if mine.received_at <= one.received_at < mine.received_at + window
    ]
    windows = [[one for one in near if end - window < one.received_at <= end] for end in ends]
    return max(windows, key=len)


def _counts(seen: Seen, key: str | None = None) -> bool:
    is_of_key = key is None or seen.problem_key == key
    is_own = not seen.is_duplicate and not seen.is_imported
    return seen.is_assessed_complaint and is_own and is_of_key


SIGNAL_PREVENTION = Policy(
    name="signal_prevention",
    triggers=frozenset({ComplaintAssessed, FieldCorrected, ComplaintUnmerged}),
    reads=READS,
    react=react,
)
