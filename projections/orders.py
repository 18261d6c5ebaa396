"""What policies order in a turn: thought out before the transaction, carried out in it."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

import msgspec
import structlog

from domain.kernel import Actor, Context, Recorded, Rejected, fold
from domain.policies.policy import Order, Policy
from domain.rules import Rules
from ledger import database
from ledger.append import append
from ledger.entry import CommandKey, Entry, Lost
from ledger.ids import digest, partition_of
from ledger.registry import Registry
from projections.batch import passes
from projections.reader import Connection
from projections.recall import Recall

log = structlog.get_logger("closedloop.policies")

_ORDERS = UUID("0b0a6c1c-3d1d-4c2e-9a55-6f7c2f0f6d21")

_CLOCK = "SELECT ledger.clock()"

# What a crash takes back nobody may have seen: unlike rows of views, events are not made again.
# All has been thought out by now, and heads are free again soon: worth waiting for, as writers do.
_APPENDING = """
SELECT set_config('synchronous_commit', 'on', true), set_config('lock_timeout', '2s', true)"""

Given = tuple[Recorded[Any], Order]
"""An order with the event that led to it."""
Decided = tuple[Given, Entry]
"""What an order comes to."""


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
    except Exception as error:
        if passes(error):
            raise
        raise Failed(partition, error) from error


class Orders:
    """What one policy orders in one turn: at most one order a stream."""

    def __init__(
        self, connection: Connection, registry: Registry, recall: Recall, rules: Rules
    ) -> None:
        """Decide under these rules on what is recalled."""
        self.refused: Counter[tuple[str, str]] = Counter()  # by policy and rule
        self._connection = connection
        self._registry = registry
        self._recall = recall
        self._rules = rules
        self._given: dict[UUID, Given] = {}
        self._decided: defaultdict[int, list[Decided]] = defaultdict(list)  # by partition

    def note(self, trigger: Recorded[Any], orders: Sequence[Order]) -> bool:
        """Note what follows from a trigger; False where a stream was given an order before."""
        if any(order.stream_id in self._given for order in orders):
            return False
        self._given.update({order.stream_id: (trigger, order) for order in orders})
        return True

    def decide(self, policy: Policy, partitions: int) -> None:
        """Decide what was noted, on what its streams are now."""
        self._decide(policy, partitions, list(self._given.values()))

    def carry_out(self, policy: Policy, partitions: int) -> bool:
        """Append what was decided, partition by partition, in a transaction of the caller's.

        Returns whether there was anything to append.
        """
        if not self._decided:
            return False
        self._connection.execute(_APPENDING)
        for partition in sorted(self._decided):
            # Those that lose a race do so once: from then on this transaction has the head.
            while decided := self._decided.pop(partition, []):
                self._decide(policy, partitions, self._append(partition, decided))
        return True

    def _decide(self, policy: Policy, partitions: int, given: list[Given]) -> None:
        if not given:
            return
        [(now,)] = self._connection.execute(_CLOCK)
        with failing_at(given[0][0].partition):
            present = self._recall.whole(order.stream_id for _, order in given)
        for trigger, order in given:
            with failing_at(trigger.partition):
                context = self._context(policy, (trigger, order), now)
                entry = self._entry(policy, order, context, present[order.stream_id])
            if entry is not None:
                partition = partition_of(order.stream_id, partitions)
                self._decided[partition].append(((trigger, order), entry))

    def _append(self, partition: int, decided: list[Decided]) -> list[Given]:
        """Append the events of orders; returns the orders that have to be decided again."""
        # One whose id is known was carried out before; what was recorded then stands.
        entries = [entry for _, entry in decided]
        with failing_at(decided[0][0][0].partition):
            outcomes = database.run(self._connection, append(partition, entries))
        return [
            given
            for (given, _), outcome in zip(decided, outcomes, strict=True)
            if isinstance(outcome, Lost)
        ]

    def _context(self, policy: Policy, given: Given, now: datetime) -> Context:
        """Who acts: the policy, because of an event, under an id that is the same each time."""
        trigger, order = given
        cause = f"{trigger.partition}:{trigger.position}"
        told = f"{policy.name}\n{cause}\n{order.stream_id}\n{type(order.command).__name__}"
        return Context(
            now=now,
            actor=Actor(id=f"policy:{policy.name}", kind="system", role="policy"),
            client_id=policy.name,
            command_id=uuid5(_ORDERS, told),
            rules=self._rules,
            causation_id=cause,
            correlation_id=trigger.metadata.correlation_id,
            source="system",
        )

    def _entry(
        self, policy: Policy, order: Order, context: Context, history: list[Any]
    ) -> Entry | None:
        """What an order appends to its stream; None where a rule refuses it, which is counted."""
        if history and type(history[0].event) not in order.decider.events:
            raise ValueError(f"an order for a {order.decider.name} to a stream of another kind")
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
