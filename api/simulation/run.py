"""Carries out the plan of the demonstration at the desk, as ordinary orders."""

from collections import Counter
from collections.abc import Mapping
from contextlib import aclosing
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from api.desk import Desk, Order
from api.importing.flow import in_order, take_patiently
from api.progress import Progress, no_progress
from api.simulation.mix import Mix
from api.simulation.mixed import plan_mix, worked_until
from api.simulation.plan import Scenario, plan
from api.simulation.telling import Step
from api.strict import Invalid
from domain.kernel import Rejected
from ledger.application import IdempotencyKeyReused, Ledger


class SimulationFailed(Exception):
    """An order of the plan was refused, a bug; or this seed ran before with another end."""


class SimulationResult(msgspec.Struct, kw_only=True):
    """What the demonstration holds."""

    complaints: int = 0
    orders: int = 0
    recorded: int = 0  # orders that were new; none, when the same demonstration is there already
    until: datetime
    outcomes: dict[str, int] = {}  # open, or the reason of the close


async def default_until(ledger: Ledger, zone: str, now: datetime) -> datetime:
    """The beginning of the day on which the ledger began: the same each time it is asked."""
    first = await ledger.event_at(0, 1)
    local = (first.recorded_at if first else now).astimezone(ZoneInfo(zone))
    return local.replace(hour=0, minute=0, second=0, microsecond=0)


async def simulate(
    desk: Desk,
    *,
    complaints: int,
    seed: int,
    until: datetime,
    progress: Progress = no_progress,
) -> SimulationResult:
    """Load a demonstration of so many complaints; the same one again changes nothing.

    Raises `SimulationFailed`, and `Unavailable` when the ledger stays away.
    """
    if until > desk.now():
        raise SimulationFailed("until lies in the future")
    return await _tell_all(desk, plan(seed, complaints, until), until, progress)


async def simulate_mix(
    desk: Desk, mix: Mix, *, progress: Progress = no_progress
) -> SimulationResult:
    """Load the complaints of a mix; the same one again changes nothing.

    Raises `MixError` where it cannot be made, and what `simulate` raises.
    """
    until = worked_until(mix)
    if until > desk.now():
        raise SimulationFailed(
            f"{mix.name}: the work goes on until {until:%Y-%m-%d}, in the future"
        )
    return await _tell_all(desk, plan_mix(mix), until, progress)


async def _tell_all(
    desk: Desk, scenarios: list[Scenario], until: datetime, progress: Progress
) -> SimulationResult:
    result, outcomes = SimulationResult(until=until), Counter[str]()
    complaints = sum(len(scenario.outcomes) for scenario in scenarios)

    async def tell(scenario: Scenario) -> int:
        return await _tell(desk, scenario)

    async with aclosing(in_order(tell, scenarios)) as told:
        async for scenario, recorded in told:
            result.complaints += len(scenario.outcomes)
            result.orders += len(scenario.steps)
            result.recorded += recorded
            outcomes.update(scenario.outcomes.values())
            progress(result.complaints, result.complaints / complaints)
    result.outcomes = dict(sorted(outcomes.items()))
    return result


async def _tell(desk: Desk, scenario: Scenario) -> int:
    """Give the orders of one customer, each after the one before; how many were new."""
    ids: dict[int, UUID] = {}
    recorded = 0
    for step in scenario.steps:
        try:
            receipt = await take_patiently(desk, order_of(step, ids), step.client)
        except IdempotencyKeyReused:
            raise SimulationFailed(
                f"{step.key}: this seed was simulated before, with another end or another plan"
            ) from None
        except (Rejected, Invalid) as refusal:
            raise SimulationFailed(
                f"{step.key}: {step.command} of the story {scenario.story} was refused: {refusal}"
            ) from refusal
        if step.customer_id is None:
            ids[step.complaint] = receipt.stream_id
        recorded += not receipt.is_replay
    return recorded


def order_of(step: Step, ids: Mapping[int, UUID]) -> Order:
    """A step of the plan as the order that is given; the first one makes the complaint.

    `ids` are those of the customer's complaints there are, by their numbers in the plan.
    """
    named = {field: ids[number] for field, number in step.names.items()}
    return Order(
        command=step.command,
        body=msgspec.json.encode({"occurred_at": step.occurred_at, **step.body, **named}),
        key=step.key,
        complaint_id=ids.get(step.complaint) if step.customer_id is None else None,
        customer_id=step.customer_id,
        on_behalf_of=step.on_behalf_of,
        precision=step.precision,
    )


def summary(result: SimulationResult) -> str:
    """What the demonstration holds, as a person reads it."""
    lines = [f"{result.complaints:,} complaints until {result.until:%Y-%m-%d}"]
    lines += [f"  {outcome:<16}{count:>6,}" for outcome, count in result.outcomes.items()]
    lines.append(f"{result.orders:,} orders, {result.recorded:,} of them new")
    return "\n".join(lines)
