"""Random lives of customers: identified, verified, merged with each other, split again."""

import random
from datetime import timedelta
from typing import Any
from uuid import UUID

from domain.customer import CUSTOMER
from domain.customer.identity import IdentifyCustomer, ReleaseHandle, VerifyCustomer
from domain.customer.merge import MergeCustomers, SplitCustomer
from domain.customer.profile import AssignSegment, RecordSpecialGroups, SetCustomerTier
from domain.kernel import Context, Handle, Recorded, Rejected
from domain.rulebook.defaults import DEFAULT_RULES
from ledger.ids import named_stream_id
from tests.projections.histories import BEGIN, PEOPLE, WHY, woven


def random_customers(seed: int, customers: int, acts: int = 12) -> list[Recorded[Any]]:
    """Customers `customer-1` and so on, of whom all sorts of things are recorded."""
    chance = random.Random(seed)
    names = [f"customer-{number}" for number in range(1, customers + 1)]
    return woven(*(_one(chance, name, names, acts) for name in names))


def _one(chance: random.Random, name: str, names: list[str], acts: int) -> list[Recorded[Any]]:
    now, state, history = BEGIN, CUSTOMER.initial, list[Recorded[Any]]()
    for _ in range(acts):
        now += timedelta(hours=chance.randrange(1, 200), seconds=chance.randrange(60))
        context = Context(
            now=now,
            actor=chance.choice(PEOPLE),
            client_id="client",
            command_id=UUID(int=chance.getrandbits(128)),
            rules=DEFAULT_RULES,
            subject_id=name,
        )
        command = _command(chance, names, now + timedelta(days=90))
        try:
            events = CUSTOMER.decide(command, state, context)
        except Rejected:
            continue
        for event in events:
            item = Recorded(
                partition=0,
                position=0,
                stream_id=named_stream_id("customer", name),
                version=len(history) + 1,
                recorded_at=now,
                event=event,
                metadata=context.metadata(command),
            )
            history.append(item)
            state = CUSTOMER.evolve(state, item)
    return history


def _command(chance: random.Random, names: list[str], valid_until: Any) -> Any:
    phone = Handle(kind="phone", value=f"+86 138 0000 000{chance.randrange(4)}")
    return chance.choice(
        [
            IdentifyCustomer(handle=phone, by="rule", confidence_percent=chance.choice([80, 95])),
            IdentifyCustomer(handle=Handle(kind="email", value="A@Example.com"), by="person"),
            ReleaseHandle(handle=phone, **WHY),
            VerifyCustomer(valid_until=valid_until, method="sms_code"),
            MergeCustomers(into_id=chance.choice(names), **WHY),
            MergeCustomers(into_id=chance.choice(names), **WHY),
            SplitCustomer(**WHY),
            SetCustomerTier(tier=chance.choice(["vip", "ordinary"]), source="crm"),
            AssignSegment(segment="price_sensitive", model_version="segments-3"),
            RecordSpecialGroups(groups=["老年人"], source="customer"),
        ]
    )
