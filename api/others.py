"""What is read of other streams before a command is decided: who else is concerned, and how.

The streams themselves are read where their names are known; where they have to be found first
(everything a customer was granted), the views are, once they have reached the head of the ledger.
"""

from collections.abc import Hashable
from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec

from api.roles import INTERNAL_ROLES
from api.waiting import wait_for_view
from domain.complaint import COMPLAINT
from domain.complaint.guards import GRANTED
from domain.complaint.merge import MergeComplaint
from domain.complaint.remedy import ProposeRemedy
from domain.complaint.state import Complaint
from domain.customer import CUSTOMER
from domain.customer.merge import MergeCustomers
from domain.kernel import Context, Money, Other, fold
from ledger.application import Ledger
from ledger.ids import named_stream_id

_GRANTED_ELSEWHERE = """
SELECT r.currency, sum(greatest(r.amount_minor, 0))
FROM views.complaint_customers AS c JOIN views.remedies AS r USING (partition, complaint_id)
WHERE c.role = 'affected' AND c.customer_id IN (SELECT views.same_customers(%(customer_id)s))
  AND r.complaint_id <> %(complaint_id)s
  AND r.basis = 'goodwill' AND r.amount_minor IS NOT NULL
  AND r.status = ANY(%(granted)s) AND r.proposed_at >= %(since)s
GROUP BY r.currency"""


def customer_stream(customer_id: str) -> UUID:
    """The stream of a customer."""
    return named_stream_id("customer", customer_id)


async def survivor_of(ledger: Ledger, customer_id: str) -> str:
    """Who a customer is now: whoever the merges lead to.

    Two merges recorded at the same moment can lead in a circle; then it is the smallest id of
    those in it, as for `views.survivor_of`.
    """
    path = [customer_id]
    while True:
        history = await ledger.history(customer_stream(path[-1]))
        following = fold(CUSTOMER, history).merged_into
        if following is None:
            return path[-1]
        if following in path:
            return min(path[path.index(following) :])
        path.append(following)


def reads_others(command: Any) -> bool:
    """Whether anything of others is read before a command is decided."""
    match command:
        case MergeComplaint() | MergeCustomers() | ProposeRemedy(basis="goodwill"):
            return True
    return False


async def read_of_others(
    ledger: Ledger, command: Any, complaint_id: UUID | None, context: Context
) -> dict[str, Any]:
    """The fields of the context that this command needs and that other streams tell."""
    match command:
        case MergeComplaint(target_id=target_id):
            return await _of_the_target(ledger, complaint_id, target_id)
        case MergeCustomers(into_id=into_id):
            return {"survivors": await _survivors(ledger, into_id)}
        # Programs of our own tell what was granted elsewhere: nobody decides on it anew.
        case ProposeRemedy(basis="goodwill") if (
            command.amount is not None and context.actor.role not in INTERNAL_ROLES
        ):
            return {"other_goodwill": await _goodwill(ledger, command, complaint_id, context)}
    return {}


class _Names(msgspec.Struct):
    """What of an order names the others that are read."""

    target_id: UUID | None = None
    basis: str | None = None


_names = msgspec.json.Decoder(_Names).decode
_GOODWILL = object()  # what was granted before, by whichever complaint


def others_of(command: str, body: bytes) -> frozenset[Hashable]:
    """By whom an order of a complaint is decided beside it, before anything of them is read.

    Orders that have any of them in common, or change one of them, are to be carried out in turn.
    """
    if command not in (MergeComplaint.__name__, ProposeRemedy.__name__):
        return frozenset()
    try:
        names = _names(body)
    except msgspec.DecodeError:  # it will be refused for that
        return frozenset()
    by_basis = _GOODWILL if names.basis == "goodwill" else None
    return frozenset(each for each in (names.target_id, by_basis) if each is not None)


async def _of_the_target(
    ledger: Ledger, complaint_id: UUID | None, target_id: UUID
) -> dict[str, Any]:
    mine, target = await _complaint(ledger, complaint_id), await _complaint(ledger, target_id)
    if target is None:
        return {}
    party_id = target.facts.complainant.party_id if target.facts.complainant else None
    customer_id = target.customer_id
    other = Other(stage=str(target.stage), customer_id=customer_id, party_id=party_id)
    both = {customer_id, mine.customer_id if mine else None} - {None}
    return {
        "facts_of_others": {target_id: other},
        "survivors": await _survivors(ledger, *sorted(filter(None, both)))
        if len(both) == 2
        else {},
    }


async def _survivors(ledger: Ledger, *customer_ids: str) -> dict[str, str]:
    """Of these customers, those that were merged away, with who they are now."""
    now = {each: await survivor_of(ledger, each) for each in customer_ids}
    return {each: survivor for each, survivor in now.items() if survivor != each}


async def _goodwill(
    ledger: Ledger, command: ProposeRemedy, complaint_id: UUID | None, context: Context
) -> tuple[Money, ...]:
    """What the customer was granted by other complaints, a sum for each currency."""
    mine = await _complaint(ledger, complaint_id)
    if mine is None or mine.customer_id is None:
        return ()
    heads = await ledger.heads()
    for view in ("complaints", "customers", "work"):
        await wait_for_view(ledger, view, heads)
    days = timedelta(days=context.rules.approval.customer_days)
    found = await ledger.query(
        _GRANTED_ELSEWHERE,
        {
            "customer_id": mine.customer_id,
            "complaint_id": complaint_id,
            "granted": sorted(GRANTED),
            "since": context.occurred_at(command) - days,
        },
    )
    return tuple(Money(minor=int(minor), currency=currency) for currency, minor in found)


async def _complaint(ledger: Ledger, complaint_id: UUID | None) -> Complaint | None:
    """The complaint with this id, where there is one."""
    history = await ledger.history(complaint_id) if complaint_id is not None else []
    if not history or type(history[0].event) not in COMPLAINT.events:
        return None
    return fold(COMPLAINT, history)
