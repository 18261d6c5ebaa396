"""One complaint of the demonstration while its story is told: a clock, and the acts as orders."""

from datetime import datetime, timedelta
from hashlib import sha256
from random import Random
from typing import Any
from uuid import UUID, uuid5

import msgspec

from api.desk import Client
from api.simulation.actors import BOT, CONTACT_CENTRE, CUSTOMER, OWNERS, QUALITY, SYSTEM, Unit
from api.simulation.texts import PHRASES, Language, Problem
from domain.kernel import Precision
from domain.rules import Severity
from ledger.ids import command_id


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One order of a story: what, when, through which program, in whose name."""

    key: str
    command: str
    body: dict[str, Any]
    occurred_at: datetime
    client: Client
    on_behalf_of: str | None = None
    precision: Precision = "minute"


class OutOfTimeError(Exception):
    """The end of the demonstration has come; the complaint stays as it is."""


class Case:
    """Plans the orders of one complaint; every id is known beforehand, nothing is carried out."""

    def __init__(
        self,
        *,
        key: str,
        random: Random,
        received_at: datetime,
        until: datetime,
        problem: Problem,
        language: Language,
        severity: Severity,
        channel: str,
    ) -> None:
        """Begin at the receipt."""
        self.key = key
        self.random = random
        self.now = received_at
        self.until = until
        self.problem = problem
        self.language = language
        self.severity = severity
        self.channel = channel
        self.owner: Unit = OWNERS[problem.sector]
        self.handler = random.choice(self.owner.agents)
        self.clerk = random.choice(CONTACT_CENTRE.agents)
        self.caller = random.choice(QUALITY.agents)
        self.is_prompt = random.random() < 0.7
        self.outcome = "open"
        self.steps: list[Step] = []

    # --- time and words -------------------------------------------------------------------------

    def wait(self, low: float, high: float) -> None:
        """Let between so and so many minutes pass."""
        minutes = self.random.uniform(low, high)
        self.now = (self.now + timedelta(minutes=minutes)).replace(second=0, microsecond=0)

    def say(self, phrase: str) -> str:
        """A phrase in the language of the complaint."""
        return PHRASES[phrase][self.language]

    def why(self, code: str) -> dict[str, str]:
        """A reason code with its words."""
        return {"reason_code": code, "reason_text": self.say(code)}

    # --- orders ---------------------------------------------------------------------------------

    def order(self, command: str, client: Client, by: str | None = None, /, **body: Any) -> UUID:
        """Plan an order at the present moment; returns the id of the command."""
        if self.now > self.until:
            raise OutOfTimeError
        step = Step(
            key=f"{self.key}:{len(self.steps) + 1}",
            command=command,
            body=body,
            occurred_at=self.now,
            client=client,
            on_behalf_of=by,
            precision="minute" if by else "instant",
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

    def by_chief(self, command: str, /, **body: Any) -> UUID:
        """Plan an order of a supervisor of the quality office."""
        return self.order(command, QUALITY.client, QUALITY.supervisors[0], **body)

    def evidence(self) -> str:
        """A form that the customer sent; returns its id."""
        scan = sha256(f"{self.key}:{len(self.steps)}".encode()).hexdigest()
        known_as = self.order(
            "AttachEvidence",
            CUSTOMER,
            kind="form",
            media_type="application/pdf",
            size=20_000 + int(scan[:4], 16),
            sha256=scan,
            provided_by="customer",
        )
        return str(uuid5(known_as, "evidence"))

    # --- acts that stories share ----------------------------------------------------------------

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

    def acknowledge(self) -> None:
        """The notice that goes out by itself, as soon as a complaint is registered."""
        self.now += timedelta(seconds=self.random.randrange(2, 30))
        self.order("AcknowledgeComplaint", SYSTEM, by="automatic", channel="sms")

    def take_on(self) -> None:
        """Somebody answers, the complaint is assessed and accepted, quickly or not."""
        self.answer()
        self.assess(self.severity)
        self.wait(2, 20)
        self.accept()

    def answer(self) -> None:
        """The first human answer; major complaints wait five minutes at most, if all goes well."""
        if self.is_prompt:
            self.wait(1, 3 if self.severity == "major" else 9)
        else:
            self.wait(16, 200)
        if self.channel in ("phone", "social"):
            self.contact("answer", "clerk", summary=self.say("first_call"))
        else:
            self.by_clerk("AcknowledgeComplaint", by="person", channel=self.channel)

    def assess(self, severity: Severity | None, **body: Any) -> None:
        """The contact centre judges what it is about and how grave."""
        self.wait(1, 4) if self.is_prompt else self.wait(5, 60)
        judged = {} if severity is None else {"severity": severity}
        self.by_clerk(
            "AssessComplaint",
            **self.judgement(self.clerk),
            **judged,
            **body,
        )

    def judgement(self, person: str) -> dict[str, Any]:
        """What every assessment of this complaint says."""
        return {
            "category": {"path": list(self.problem.path), "taxonomy_version": "demo-1"},
            "decided_by": {"kind": "person", "id": person},
            "tags": list(self.problem.tags),
            "safety_implication": self.problem.is_grave,
            "complexity": "complex" if self.severity != "general" else "simple",
        }

    def accept(self) -> None:
        """The complaint goes to the unit that can put it right."""
        self.by_clerk("AcceptComplaint", unit_id=self.owner.id)

    def assign(self, to: str | None = None) -> None:
        """A supervisor gives it to a person, who signs for it; major ones go to a supervisor."""
        self.wait(1, 3) if self.severity == "major" else self.wait(2, 40)
        supervisor, deputy = self.owner.supervisors
        if self.severity == "major":
            self.handler = deputy
        self.handler = to or self.handler
        self.order(
            "AssignComplaint",
            self.owner.client,
            supervisor,
            unit_id=self.owner.id,
            person_id=self.handler,
        )
        self.wait(1, 30)
        self.by_handler("SignForAssignment")

    def confirm_problem(self) -> None:
        """The handler calls the customer, who confirms what the problem is."""
        self.wait(10, 120)
        call = self.contact("other", summary=self.say("problem_call"))
        self.by_handler("ConfirmProblem", by="customer", how="callback", contact_id=call)

    def propose(self, kind: str, basis: str, minor: int | None = None) -> str:
        """The handler offers something; returns the id of the remedy."""
        self.wait(5, 90)
        amount = {} if minor is None else {"amount": {"minor": minor, "currency": "CNY"}}
        known_as = self.by_handler(
            "ProposeRemedy", kind=kind, basis=basis, description=self.say(kind), **amount
        )
        return str(uuid5(known_as, "remedy"))

    def settle(self, kind: str, basis: str, minor: int | None = None) -> None:
        """A remedy is offered, accepted and carried out."""
        remedy = self.propose(kind, basis, minor)
        self.wait(5, 60)
        call = self.contact("answer", summary=self.say("remedy_call"))
        self.by_handler("AcceptRemedy", remedy_id=remedy, contact_id=call)
        self.wait(30, 240)
        paid = {} if minor is None else {"payment_reference": f"PAY-{self.key}"}
        self.by_handler("FulfilRemedy", remedy_id=remedy, **paid)

    def resolve(self) -> None:
        """The work is declared done: within the day if all goes well, else days later."""
        self.wait(60, 8 * 60) if self.is_prompt else self.wait(30 * 60, 90 * 60)
        self.by_handler("ResolveComplaint", outcome="solved", summary=self.say("resolved"))

    def confirm(self) -> None:
        """The customer confirms, called by the quality office or by the link sent to them."""
        self.wait(60, 48 * 60)
        if self.random.random() < 0.5:
            call = self.contact("follow_up", "quality", summary=self.say("follow_up_call"))
            proof = {"how": "callback", "contact_id": call}
            self.by_quality("ConfirmResolution", by="customer", **proof)
        else:
            proof = {"how": "link", "evidence_id": self.evidence()}
            self.order("ConfirmResolution", CUSTOMER, by="customer", **proof)

    def rate(self, low: int = 3, high: int = 5) -> None:
        """The customer says how satisfied they are."""
        self.wait(5, 24 * 60)
        score = self.random.randint(low, high)
        self.order(
            "RecordSatisfaction",
            CUSTOMER,
            score=score,
            by="customer",
            channel="sms",
            sub_scores={"result": score, "process": self.random.randint(low, high)},
            comment=self.say("pleased" if score > 3 else "displeased"),
        )

    def close(self, reason: str = "verified", **body: Any) -> None:
        """The complaint ends."""
        self.wait(5, 12 * 60)
        self.by_quality("CloseComplaint", reason=reason, **body)
        self.outcome = reason

    def chat_with_bot(self) -> None:
        """A bot receives the complaint and answers; the customer is content with that answer."""
        self.now += timedelta(seconds=self.random.randrange(5, 60))
        self.order(
            "AcknowledgeComplaint",
            BOT,
            by="bot",
            channel=self.channel,
            accepted_by_complainant=True,
        )
