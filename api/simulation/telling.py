"""How a story of the demonstration is told: a clock that goes on, and acts planned as orders."""

from datetime import datetime, timedelta
from hashlib import sha256
from random import Random
from typing import Any
from uuid import UUID, uuid5

import msgspec

from api.client import Client
from api.simulation.actors import CONTACT_CENTRE, CUSTOMER, QUALITY, Unit
from api.simulation.phrases import PHRASES
from api.simulation.problems import Language
from domain.kernel import Precision
from ledger.ids import command_id

LANGUAGES: dict[Language, str] = {"zh": "zh-CN", "en": "en"}


class Customer(msgspec.Struct, frozen=True, kw_only=True):
    """Who complains, once or several times; without an id, nobody knows who it is."""

    id: str | None
    language: Language
    region: str  # administrative code (GB/T 2260) of the province


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One order of a story: on which complaint, what, when, by which program, in whose name."""

    complaint: int  # its number in the plan
    key: str
    command: str
    body: dict[str, Any]
    occurred_at: datetime
    client: Client
    on_behalf_of: str | None = None
    precision: Precision = "minute"
    names: dict[str, int] = {}  # fields that take the id of another complaint, by its number
    customer_id: str | None = None  # an order on this customer, not on the complaint


class OutOfTimeError(Exception):
    """The end of the demonstration has come; the complaints stay as they are."""


class Telling:
    """Plans the orders of one complaint; every id is known beforehand, nothing is carried out."""

    def __init__(
        self,
        *,
        number: int,
        key: str,
        random: Random,
        begins_at: datetime,
        until: datetime,
        customer: Customer,
        owner: Unit,
    ) -> None:
        """Begin where the complaint comes in; `key` is of this complaint alone."""
        self.number = number
        self.key = key
        self.random = random
        self.now = begins_at
        self.until = until
        self.customer = customer
        self.owner = owner
        self.handler = random.choice(owner.agents)
        self.clerk = random.choice(CONTACT_CENTRE.agents)
        self.caller = random.choice(QUALITY.agents)
        self.steps: list[Step] = []

    # --- time and words -------------------------------------------------------------------------

    def wait(self, low: float, high: float) -> None:
        """Let between so and so many minutes pass."""
        minutes = self.random.uniform(low, high)
        self.now = (self.now + timedelta(minutes=minutes)).replace(second=0, microsecond=0)

    def wait_days(self, low: float, high: float) -> None:
        """Let between so and so many days pass."""
        self.wait(low * 24 * 60, high * 24 * 60)

    def say(self, phrase: str) -> str:
        """A phrase in the language of the customer."""
        return PHRASES[phrase][self.customer.language]

    def why(self, code: str) -> dict[str, str]:
        """A reason code with its words."""
        return {"reason_code": code, "reason_text": self.say(code)}

    # --- orders ---------------------------------------------------------------------------------

    def order(
        self,
        command: str,
        client: Client,
        by: str | None = None,
        names: dict[str, int] | None = None,
        customer_id: str | None = None,
        /,
        **body: Any,
    ) -> UUID:
        """Plan an order at the present moment; returns the id of the command."""
        if self.now > self.until:
            raise OutOfTimeError
        step = Step(
            complaint=self.number,
            key=f"{self.key}:{len(self.steps) + 1}",
            command=command,
            body=body,
            occurred_at=self.now,
            client=client,
            on_behalf_of=by,
            precision="minute" if by else "instant",
            names=names or {},
            customer_id=customer_id,
        )
        self.steps.append(step)
        return command_id(client.principal, step.key)

    def by_handler(self, command: str, /, **body: Any) -> UUID:
        """Plan an order of the person who holds the complaint."""
        return self.order(command, self.owner.client, self.handler, **body)

    def by_clerk(self, command: str, /, **body: Any) -> UUID:
        """Plan an order of the contact centre."""
        return self.order(command, CONTACT_CENTRE.client, self.clerk, **body)

    def by_quality(self, command: str, /, **body: Any) -> UUID:
        """Plan an order of the quality office, which has no other part in the complaint."""
        return self.order(command, QUALITY.client, self.caller, **body)

    def by_chief(self, command: str, names: dict[str, int] | None = None, /, **body: Any) -> UUID:
        """Plan an order of a supervisor of the quality office."""
        return self.order(command, QUALITY.client, QUALITY.supervisors[0], names, **body)

    def on_customer(self, command: str, customer_id: str | None = None, /, **body: Any) -> None:
        """Plan an order on the customer, or on another one, by the contact centre."""
        whom = customer_id or self.customer.id
        self.order(command, CONTACT_CENTRE.client, self.clerk, None, whom, **body)

    def evidence(self, kind: str = "form") -> str:
        """A paper that the customer sent; returns its id."""
        scan = sha256(f"{self.key}:{len(self.steps)}".encode()).hexdigest()
        known_as = self.order(
            "AttachEvidence",
            CUSTOMER,
            kind=kind,
            media_type="application/pdf",
            size=20_000 + int(scan[:4], 16),
            sha256=scan,
            provided_by="customer",
        )
        return str(uuid5(known_as, "evidence"))

    def contact(self, purpose: str = "answer", by: str = "handler", **body: Any) -> str:
        """A contact by telephone unless said otherwise; returns its id."""
        told = {
            "direction": "outbound",
            "channel": "phone",
            "party": "customer",
            "purpose": purpose,
            "outcome": "reached",
            **body,
        }
        give = {
            "handler": self.by_handler,
            "clerk": self.by_clerk,
            "quality": self.by_quality,
        }[by]
        return str(uuid5(give("RecordContact", **told), "contact"))

    def called(self, phrase: str) -> str:
        """The customer calls the contact centre; returns the id of the contact."""
        return self.contact("other", "clerk", direction="inbound", summary=self.say(phrase))
