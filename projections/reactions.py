"""Policies at work: one batch of triggers, the orders that follow, and the positions, in one
transaction: exactly once, in however many partitions, whoever else runs and whatever dies.

A policy has its turn over all partitions at once and hears events in the order in which they were
recorded, so that it comes to the same in one partition and in many. Locks are taken in one order:
positions, then heads by partition, and heads only at the end, when all has been thought out.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

import msgspec
import structlog

from domain.kernel import Actor, Context, Recorded, Rejected, fold
from domain.policies.policy import Histories, Order, Policy
from domain.rules import Rules
from ledger import database
from ledger.append import append
from ledger.entry import CommandKey, Entry, Lost
from ledger.ids import digest, partition_of
from ledger.registry import Registry
from projections.batch import Connection, CorruptLedger, Reader, halted
from projections.recall import Recall

log = structlog.get_logger("closedloop.policies")

_ORDERS = UUID("0b0a6c1c-3d1d-4c2e-9a55-6f7c2f0f6d21")

# Whoever has the first position has the turn, and waits for nobody to get the others.
_TAKE_TURN = """
SELECT FROM views.positions WHERE view = %(name)s AND partition = 0 FOR UPDATE SKIP LOCKED"""

_LOCK_POSITIONS = """
SELECT p.partition, p.position FROM views.positions AS p JOIN ledger.heads AS h USING (partition)
WHERE p.view = %(name)s ORDER BY p.partition FOR UPDATE OF p"""

# Waits for every append that holds a head; whatever begins later is recorded later.
_FENCE = "SELECT FROM ledger.heads ORDER BY partition FOR SHARE"

_MOVE_POSITION = """
UPDATE views.positions SET position = %(new)s
WHERE view = %(name)s AND partition = %(partition)s AND position = %(old)s"""

_UNREAD = """
SELECT partition, recorded_at FROM ledger.events
WHERE (partition, position) IN (
    SELECT * FROM unnest(%(partitions)s::int[], %(positions)s::bigint[]))"""

_CLOCK = "SELECT ledger.clock()"

# What a crash takes back nobody may have seen: unlike rows of views, events are not made again.
# All has been thought out by now, and heads are free again soon: worth waiting for, as writers do.
_APPENDING = """
SELECT set_config('synchronous_commit', 'on', true), set_config('lock_timeout', '2s', true)"""

Given = tuple[Recorded[Any], Order]
"""An order with the event that led to it."""


class Failed(Exception):
    """A policy cannot go on at the next event of a partition."""

    def __init__(self, partition: int, error: Exception) -> None:
        """Remember where and what."""
        super().__init__(partition)
        self.partition = partition
        self.error = error


@contextmanager
def failing_at(partition: int) -> Iterator[None]:
    """What is wrong here stops the policy in this partition; what passes by itself does not."""
    try:
        yield
    except (*database.TRANSIENT, CorruptLedger):
        raise
    except Exception as error:
        raise Failed(partition, error) from error


class Reactions:
    """Has policies react to the ledger; one for a process."""

    def __init__(self, registry: Registry, secret: bytes, rules: Rules) -> None:
        """React under these rules; `secret` keys the look-ups."""
        self._registry = registry
        self._secret = secret
        self.rules = rules
        self.refused: Counter[tuple[str, str]] = Counter()  # by policy and rule

    def advance(self, connection: Connection, reader: Reader, policy: Policy, limit: int) -> int:
        """React to a batch; where it fails, trigger by trigger up to the one that fails.

        Returns the number of events passed: 0 at the head, while somebody else has the turn, and
        while something has to be known first. Raises `ViewHalted` at the event that fails.
        """
        try:
            return self._take(connection, reader, policy, limit)
        except Failed as failed:
            if limit == 1:
                raise halted(connection, policy.name, failed.partition, failed.error) from None
        passed = 0
        while passed < limit and (some := self.advance(connection, reader, policy, 1)):
            passed += some
        return passed

    def _take(self, connection: Connection, reader: Reader, policy: Policy, limit: int) -> int:
        """React to the next batch: orders and positions in one transaction."""
        with connection.transaction():
            if connection.execute(_TAKE_TURN, {"name": policy.name}).rowcount == 0:
                return 0
            old: dict[int, int] = dict(
                connection.execute(_LOCK_POSITIONS, {"name": policy.name}).fetchall()
            )
            turn = _Turn(self, connection, policy, len(old))
            new = turn.listen(reader, old, limit)
            if new == old:
                return 0
            turn.carry_out()
            for partition, position in new.items():
                place = {"name": policy.name, "partition": partition, "old": old[partition]}
                if position != old[partition]:
                    connection.execute(_MOVE_POSITION, {**place, "new": position}, prepare=True)
            return sum(new.values()) - sum(old.values())

    def context(self, policy: Policy, given: Given, now: datetime) -> Context:
        """Who acts: the policy, because of an event, under an id that is the same each time."""
        trigger, order = given
        cause = f"{trigger.partition}:{trigger.position}"
        told = f"{policy.name}\n{cause}\n{order.stream_id}\n{type(order.command).__name__}"
        return Context(
            now=now,
            actor=Actor(id=f"policy:{policy.name}", kind="system", role="policy"),
            client_id=policy.name,
            command_id=uuid5(_ORDERS, told),
            rules=self.rules,
            causation_id=cause,
            correlation_id=trigger.metadata.correlation_id,
            source="system",
        )

    def decide(self, given: Given, policy: Policy, history: list[Any], now: datetime) -> Any:
        """What an order appends to its stream; None where a rule refuses it, which is counted."""
        order = given[1]
        if history and type(history[0].event) not in order.decider.events:
            raise ValueError(f"an order for a {order.decider.name} to a stream of another kind")
        context = self.context(policy, given, now)
        try:
            state = fold(order.decider, history)
            events = order.decider.decide(order.command, state, context)
        except Rejected as refusal:
            rule = type(refusal).__name__
            self.refused[policy.name, rule] += 1
            log.info("order refused", policy=policy.name, rule=rule, because=context.causation_id)
            return None
        said = digest(type(order.command).__name__.encode(), msgspec.json.encode(order.command))
        metadata = context.metadata(order.command)
        return Entry(
            stream_id=order.stream_id,
            expected_version=history[-1].version if history else 0,
            events=[self._registry.encode(event, metadata) for event in events],
            command=CommandKey(context.command_id, said),
        )

    def recall(self, connection: Connection, partitions: int) -> Recall:
        """What policies are told in one batch."""
        return Recall(connection, self._registry, self._secret, partitions)


class _Turn:
    """One policy's turn: what it hears and orders within one transaction."""

    def __init__(
        self, desk: Reactions, connection: Connection, policy: Policy, partitions: int
    ) -> None:
        self._desk = desk
        self._connection = connection
        self._policy = policy
        self._partitions = partitions
        self._recall = desk.recall(connection, partitions)
        self._orders: dict[UUID, Given] = {}

    def listen(self, reader: Reader, old: dict[int, int], limit: int) -> dict[int, int]:
        """Hear what comes next and note the orders that follow; returns how far it has come."""
        ends, triggers = dict(old), []
        for partition, position in old.items():
            with failing_at(partition):
                ends[partition], events = reader.read(
                    self._connection, self._policy.event_types, partition, position, limit
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
        if self._partitions == 1:
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
        if orders is None or any(order.stream_id in self._orders for order in orders):
            return False
        self._orders.update({order.stream_id: (trigger, order) for order in orders})
        return True

    def _react(self, trigger: Recorded[Any]) -> Sequence[Order] | None:
        """The orders that follow; None while what is asked cannot be told yet."""
        reaction = self._policy.react(trigger, self._desk.rules)
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

    def carry_out(self) -> None:
        """Decide the orders and append what follows, partition by partition."""
        if not self._orders:
            return
        [(now,)] = self._connection.execute(_CLOCK)
        self._connection.execute(_APPENDING)
        by_partition: defaultdict[int, list[Given]] = defaultdict(list)
        for stream, given in self._orders.items():
            by_partition[partition_of(stream, self._partitions)].append(given)
        for partition, orders in sorted(by_partition.items()):
            # Those that lose a race do so once: from then on this transaction has the head.
            while orders:
                orders = self._append(partition, orders, now)

    def _append(self, partition: int, orders: list[Given], now: datetime) -> list[Given]:
        """Append what the orders come to; returns those that have to be decided again."""
        with failing_at(orders[0][0].partition):
            present = self._recall.whole(order.stream_id for _, order in orders)
            decided = []
            for given in orders:
                history = present[given[1].stream_id]
                entry = self._desk.decide(given, self._policy, history, now)
                if entry is not None:
                    decided.append((given, entry))
            if not decided:
                return []
            # One whose id is known was carried out before; what was recorded then stands.
            entries = [entry for _, entry in decided]
            outcomes = database.run(self._connection, append(partition, entries))
        return [
            given
            for (given, _), outcome in zip(decided, outcomes, strict=True)
            if isinstance(outcome, Lost)
        ]


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
