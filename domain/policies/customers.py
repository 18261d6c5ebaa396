"""Who a customer turned out to be, as far as policies follow merges and splits of customers."""

from collections.abc import Generator
from typing import Any

from domain.customer.merge import CustomersMerged, CustomersSplit
from domain.policies.policy import Histories, History, Known

MERGES: frozenset[type[Any]] = frozenset((CustomersMerged, CustomersSplit))
"""The types of event that are looked at."""


def survivor_of(customer_id: str) -> Generator[Known, Histories, str]:
    """Who a customer is now: the one they were merged into, and that one in turn.

    Two merges recorded at the same moment can lead in a circle; then it is the smallest id of those
    in it, as for the view `customers`.
    """
    path = [customer_id]
    while True:
        found = yield Known(kind="identity", values=(path[-1],))
        into = next((_merged_into(history) for history in found), None)
        if into is None:
            return path[-1]
        if into in path:
            return min(path[path.index(into) :])
        path.append(into)


def group_of(customer_id: str) -> Generator[Known, Histories, tuple[str, ...]]:
    """Everybody who is one with this customer, however they were merged, in alphabetical order."""
    newest = {(yield from survivor_of(customer_id))}
    members: set[str] = set()
    while newest:
        members |= newest
        found = yield Known(kind="merged_into", values=tuple(sorted(newest)))
        newest = {
            history[0].event.customer_id for history in found if _merged_into(history) in newest
        } - members
    return tuple(sorted(members))


def _merged_into(history: History) -> str | None:
    """Whom a customer is merged into."""
    last = next((i.event for i in reversed(history) if type(i.event) in MERGES), None)
    return last.into_id if isinstance(last, CustomersMerged) else None
