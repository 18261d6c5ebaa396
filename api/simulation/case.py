"""One complaint of the demonstration: what it is about, and the acts that stories share."""

from datetime import datetime, timedelta
from random import Random
from typing import Any
from uuid import uuid5

from api.simulation.actors import BOT, CONTACT_CENTRE, CUSTOMER, OWNERS, SYSTEM
from api.simulation.problems import Problem
from api.simulation.telling import Customer, Telling
from domain.rules import Severity

_SCORES = (4, 7, 14, 35, 40)  # how many of a hundred customers give one star, two, three ...
_DISPLEASED = (25, 35, 30, 8, 2)


class Case(Telling):
    """Plans all that happens to one complaint, and to the next ones of the same customer."""

    def __init__(
        self,
        *,
        number: int,
        key: str,
        random: Random,
        received_at: datetime,
        until: datetime,
        customer: Customer,
        problem: Problem,
        severity: Severity,
        channel: str,
        source_system: str = "demo",
    ) -> None:
        """Begin at the receipt."""
        super().__init__(
            number=number,
            key=key,
            random=random,
            begins_at=received_at,
            until=until,
            customer=customer,
            owner=OWNERS[problem.sector],
        )
        self.problem = problem
        self.severity: Severity = severity
        self.channel = channel
        self.source_system = source_system
        self.order_ref = f"D{number:08d}"
        self.is_prompt = random.random() < 0.7
        self.outcome = "open"
        self.handling_of: int | None = None  # the complaint whose handling this one is about
        self.is_through_outside_body = False

    # --- complaints of one customer -------------------------------------------------------------

    def is_about(self, problem: Problem, severity: Severity) -> None:
        """Let it be about this problem."""
        self.problem, self.severity = problem, severity
        self.owner = OWNERS[problem.sector]
        self.handler = self.random.choice(self.owner.agents)

    def come_after(self, earlier: "Case") -> None:
        """Come in now that so much has happened to the earlier one, about the same order."""
        self.now = earlier.now
        self.order_ref = earlier.order_ref

    def about_handling_of(self, earlier: "Case") -> None:
        """Let it be about how an earlier one was handled."""
        self.handling_of = earlier.number

    # --- acts -----------------------------------------------------------------------------------

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
        judged = self.judgement(self.clerk) | body
        if severity is not None:
            judged["severity"] = severity
        names: dict[str, int] = {}
        if self.handling_of is not None:
            judged["about_handling"], names["about_handling_of"] = True, self.handling_of
        self.order("AssessComplaint", CONTACT_CENTRE.client, self.clerk, names, **judged)

    def judgement(self, person: str) -> dict[str, Any]:
        """What every assessment of this complaint says."""
        return {
            "category": {"path": list(self.problem.path), "taxonomy_version": "demo-1"},
            "decided_by": {"kind": "person", "id": person},
            "tags": list(self.problem.tags),
            "safety_implication": "安全" in self.problem.tags,
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
        if self.customer.id is None:  # nobody is known by their voice
            self.order("ConfirmProblem", CUSTOMER, by="customer", how="link")
        else:
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
        if self.random.random() < 0.5 and self.customer.id is not None:
            call = self.contact("follow_up", "quality", summary=self.say("follow_up_call"))
            proof = {"how": "callback", "contact_id": call}
            self.by_quality("ConfirmResolution", by="customer", **proof)
        else:
            proof = {"how": "link", "evidence_id": self.evidence()}
            self.order("ConfirmResolution", CUSTOMER, by="customer", **proof)

    def rate(self, *, is_pleased: bool = True) -> None:
        """The customer says how satisfied they are."""
        self.wait(5, 24 * 60)
        weights = _SCORES if is_pleased else _DISPLEASED
        score, process = self.random.choices(range(1, 6), weights, k=2)
        self.order(
            "RecordSatisfaction",
            CUSTOMER,
            score=score,
            by="customer",
            channel="link" if self.customer.id is None else "sms",
            sub_scores={"result": score, "process": process},
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
