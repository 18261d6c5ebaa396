"""Policies at work: one batch of triggers, the orders that follow, and the positions, in one
transaction: exactly once, in however many partitions, whoever else runs and whatever dies.

A policy has its turn over all partitions at once and hears events in the order in which they were
recorded, so that it comes to the same in one partition and in many. All is thought out before the
transaction begins, which names the epochs by which the policy is held: if somebody else has taken
over, nothing is written. Locks are taken in one order: positions, then heads by partition.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from domain.kernel import Recorded
from domain.policies.policy import Histories, Order, Policy
from domain.rules import Rules
from ledger.registry import Registry
from projections.aside import Aside
from projections.halting import halted
from projections.leases import LeaseLost, Place
from projections.orders import Failed, Orders, failing_at
from projections.reader import Connection, Reader
from projections.recall import Recall

# Waits for every append that holds a head; whatever begins later is recorded later.
_FENCE = "SELECT FROM ledger.heads ORDER BY partition FOR SHARE"

# As `MOVE` of a view, in all partitions.
_MOVE = """
UPDATE views.positions AS p
SET position = m.new, beat = p.beat + 1, halted_before = NULL, halted_cause = NULL
FROM unnest(%(partitions)s::smallint[], %(epochs)s::bigint[], %(olds)s::bigint[],
            %(news)s::bigint[]) AS m (partition, epoch, old, new)
WHERE p.view = %(name)s AND p.partition = m.partition
    AND p.position = m.old AND p.epoch = m.epoch"""

_UNREAD = """
SELECT partition, recorded_at FROM ledger.events
WHERE (partition, position) IN (
    SELECT * FROM unnest(%(partitions)s::int[], %(positions)s::bigint[]))"""


class HeldPolicy:
    """A policy in the hands of this worker: where it stands in every partition."""

    def __init__(
        self, policy: Policy, places: Mapping[int, Place], asides: Mapping[int, Aside]
    ) -> None:
        """Stand at these places, by partition."""
        self.policy = policy
        self.positions = {partition: places[partition].position for partition in sorted(places)}
        self.epochs = {partition: places[partition].epoch for partition in sorted(places)}
        self.asides = asides


class Reactions:
    """Has policies react to the ledger; one for a process."""

    def __init__(self, registry: Registry, secret: bytes, rules: Rules) -> None:
        """React under these rules; `secret` keys the look-ups."""
        self._registry = registry
        self._secret = secret
        self.rules = rules
        self.refused: Counter[tuple[str, str]] = Counter()  # by policy and rule
        self.recorded = 0  # batches of orders that were carried out

    def advance(self, connection: Connection, reader: Reader, held: HeldPolicy, limit: int) -> int:
        """React to a batch; where it fails, to fewer triggers, down to the one that fails.

        Returns the number of events passed: 0 at the head, and while something has to be known
        first. Raises `ViewHalted` at the event that fails, and `LeaseLost` where somebody else
        has taken over.
        """
        while True:
            try:
                return self._advance(connection, reader, held, limit)
            except Failed as failed:
                if limit == 1:
                    partition = failed.partition
                    after = held.positions[partition]
                    name = held.policy.name
                    raise halted(connection, name, partition, failed.error, after) from None
                limit = (limit + 1) // 2

    def _advance(self, connection: Connection, reader: Reader, held: HeldPolicy, limit: int) -> int:
        """React to the next batch: orders and positions in one transaction."""
        partitions = len(held.positions)
        recall = Recall(connection, self._registry, self._secret, partitions)
        orders = Orders(connection, self._registry, recall, self.rules)
        turn = _Turn(connection, held, recall, orders, self.rules)
        old, new = held.positions, turn.listen(reader, limit)
        if new == old:
            return 0
        orders.decide(held.policy, partitions)
        with connection.transaction():
            moved = connection.execute(
                _MOVE,
                {
                    "name": held.policy.name,
                    "partitions": list(old),
                    "epochs": [held.epochs[partition] for partition in old],
                    "olds": list(old.values()),
                    "news": [new[partition] for partition in old],
                },
                prepare=True,
            )
            if moved.rowcount < len(old):
                raise LeaseLost
            self.recorded += orders.carry_out(held.policy, partitions)
        self.refused.update(orders.refused)
        held.positions = new
        return sum(new.values()) - sum(old.values())


class _Turn:
    """One policy's turn: what it hears, and the orders that it notes."""

    def __init__(
        self,
        connection: Connection,
        held: HeldPolicy,
        recall: Recall,
        orders: Orders,
        rules: Rules,
    ) -> None:
        self._connection = connection
        self._held = held
        self._policy = held.policy
        self._recall = recall
        self._orders = orders
        self._rules = rules

    def listen(self, reader: Reader, limit: int) -> dict[int, int]:
        """Hear what comes next and note the orders that follow; returns how far it has come."""
        ends, triggers = dict(self._held.positions), []
        types = self._policy.event_types
        for partition, position in self._held.positions.items():
            with failing_at(partition):
                aside = self._held.asides[partition]
                takes = None if aside.takes_all else aside.takes
                ends[partition], events = reader.read(
                    self._connection, types, partition, position, limit, takes
                )
            triggers += events
        if not triggers:
            return ends
        triggers.sort(key=_recorded)
        unread = self._unread(ends)
        with failing_at(triggers[0].partition):
            self._recall.prepare((one.stream_id for one in triggers[:limit]), self._policy)
        for number, trigger in enumerate(triggers):
            if number == limit or not self._hear(trigger, unread):
                return _before(triggers[number:], ends)
        return ends

    def _unread(self, ends: dict[int, int]) -> list[tuple[datetime, int]]:
        """When the first event of each partition was recorded that is not read yet.

        From here on whatever was recorded before any trigger that was read can be seen.
        """
        if len(ends) == 1:
            return []
        with self._connection.transaction(force_rollback=True):  # held for a moment only
            self._connection.execute(_FENCE)
        places = {"partitions": list(ends), "positions": [end + 1 for end in ends.values()]}
        rows = self._connection.execute(_UNREAD, places, prepare=True).fetchall()
        return [(recorded_at, partition) for partition, recorded_at in rows]

    def _hear(self, trigger: Recorded[Any], unread: list[tuple[datetime, int]]) -> bool:
        """React to one event; False where something else comes first."""
        place = trigger.recorded_at, trigger.partition
        if any(other < place and other[1] != trigger.partition for other in unread):
            return False
        with failing_at(trigger.partition):
            orders = self._react(trigger)
        return orders is not None and self._orders.note(trigger, orders)

    def _react(self, trigger: Recorded[Any]) -> Sequence[Order] | None:
        """The orders that follow; None while what is asked cannot be told yet."""
        reaction = self._policy.react(trigger, self._rules)
        try:
            asked = next(reaction)
            while True:
                told: Histories | None = self._recall.answer(asked, self._policy, trigger)
                if told is None:
                    return None
                asked = reaction.send(told)
        except StopIteration as done:
            orders: Sequence[Order] = done.value
        if len({order.stream_id for order in orders}) < len(orders):
            raise ValueError("a stream is given at most one order")
        return orders


def _recorded(trigger: Recorded[Any]) -> tuple[datetime, int, int]:
    return trigger.recorded_at, trigger.partition, trigger.position


def _before(waiting: list[Recorded[Any]], ends: dict[int, int]) -> dict[int, int]:
    """How far the partitions have come when these triggers have to wait."""
    firsts: dict[int, int] = {}
    for trigger in waiting:
        firsts.setdefault(trigger.partition, trigger.position)
    return {
        partition: firsts[partition] - 1 if partition in firsts else end
        for partition, end in ends.items()
    }
