"""A complaint to which anything may happen: the rules of the machine in test_properties.py."""

from datetime import datetime, timedelta
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule
from msgspec.structs import replace

from domain.complaint import COMPLAINT, allowed_commands
from domain.complaint.assessment import AcceptComplaint, AssessComplaint
from domain.complaint.closure import CloseComplaint, ReopenComplaint
from domain.complaint.contact import RecordContact
from domain.complaint.handling import AssignComplaint, ConfirmProblem, SignForAssignment
from domain.complaint.intake import CorrectField, RegisterComplaint
from domain.complaint.merge import UnmergeComplaint
from domain.complaint.pausing import PauseClock, ResumeClock
from domain.complaint.remedy import AcceptRemedy, FulfilRemedy, ProposeRemedy
from domain.complaint.resolution import (
    ConfirmResolution,
    DisputeResolution,
    RecordSatisfaction,
    ResolveComplaint,
)
from domain.complaint.state import Complaint
from domain.complaint.vocabulary import Facts
from domain.kernel import Actor
from tests import spec, world
from tests.strategies import commands, values

PEOPLE = st.sampled_from(
    [
        Actor(id="ann", kind="person", role="agent"),
        Actor(id="bo", kind="person", role="agent"),
        world.SUPERVISOR,
        world.ADAPTER,
        world.IMPORTER,
        world.POLICY,
    ]
)
WORK = st.sampled_from([kind for kind in COMPLAINT.commands if kind is not RegisterComplaint])
OTHERS = {world.SURVIVOR_ID: world.SURVIVOR}
BEGINNINGS = st.sampled_from(
    [
        *world.STAGES.values(),
        world.unanswered,
        world.disputed,
        world.reopened,
        world.withdrawn,
        world.merged,
    ]
)
ONWARD: dict[str | None, list[type[Any]]] = {
    "registered": [AssessComplaint],
    "assessed": [AcceptComplaint],
    "accepted": [AssignComplaint, SignForAssignment],
    "in_progress": [ConfirmProblem, ProposeRemedy, AcceptRemedy, FulfilRemedy, ResolveComplaint],
    "resolved": [RecordContact, ConfirmResolution, DisputeResolution, CloseComplaint],
    "final_position": [RecordContact, ConfirmResolution, DisputeResolution, CloseComplaint],
    "closed": [ReopenComplaint, UnmergeComplaint, CorrectField, RecordSatisfaction],
}
PAUSES = st.integers(0, 30 * 60).map(lambda seconds: timedelta(seconds=seconds))
QUICK = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])


class Worked(RuleBasedStateMachine):
    """A complaint to which people and programs do what they like."""

    orders = 0  # given so far, of all complaints together

    def __init__(self) -> None:
        super().__init__()
        self.story = spec.given()
        self.before: Complaint = self.story.state
        self.new: list[Any] = []
        self.now: datetime = spec.RECEIVED

    @initialize(
        command=commands(RegisterComplaint),
        who=PEOPLE,
        customer_id=st.sampled_from([world.CUSTOMER, world.CUSTOMER, None]),
    )
    def somebody_registers_it(self, command: Any, who: Actor, customer_id: str | None) -> None:
        self.order(replace(command, occurred_at=None, customer_id=customer_id), who)

    @precondition(lambda self: len(self.story.history) == 1)
    @rule(begin=BEGINNINGS)
    def or_it_has_come_a_long_way_already(self, begin: Any) -> None:
        self.story = spec.given(begin())
        self.before, self.new = self.story.state, []
        self.now = self.story.history[-1].recorded_at

    @rule(kind=WORK, data=st.data(), who=PEOPLE, pause=PAUSES)
    def somebody_orders_something(self, kind: Any, data: Any, who: Actor, pause: Any) -> None:
        self.now += pause
        self.order(self.about_this_complaint(data, data.draw(values(kind))), who)

    @rule(data=st.data(), who=PEOPLE, pause=PAUSES)
    def somebody_does_what_is_allowed(self, data: Any, who: Actor, pause: Any) -> None:
        refusals = allowed_commands(self.state)
        allowed = [kind for kind, refusal in refusals.items() if refusal is None]
        self.do(data, data.draw(st.sampled_from(allowed)), who, pause)

    @rule(data=st.data(), who=PEOPLE, pause=PAUSES)
    def somebody_gets_on_with_it(self, data: Any, who: Actor, pause: Any) -> None:
        self.do(data, data.draw(st.sampled_from(ONWARD[self.state.stage])), who, pause)

    def do(self, data: Any, kind: type[Any], who: Actor, pause: Any) -> None:
        """Order something just now, with a reason."""
        self.now += pause
        command = replace(data.draw(values(kind)), occurred_at=None, **world.WHY)
        self.order(self.about_this_complaint(data, command), who)

    @rule(who=PEOPLE, pause=PAUSES)
    def somebody_closes_it(self, who: Actor, pause: Any) -> None:
        self.now += pause
        self.order(CloseComplaint(reason="verified"), who)

    def about_this_complaint(self, data: Any, command: Any) -> Any:
        """The command with ids that mean something here, mostly."""
        state, names = self.story.state, command.__struct_fields__
        nothing = [None] if getattr(command, "contact_id", None) is None else []
        known: dict[str, list[Any]] = {
            "contact_id": [contact.contact_id for contact in state.contacts] or nothing,
            "remedy_id": [remedy.remedy_id for remedy in state.remedies],
            "evidence_ids": [[item.evidence_id for item in state.evidence]],
            "target_id": [world.SURVIVOR_ID],
            "customer_id": [world.CUSTOMER, "cust-2"],
            "source_id": [world.DUPLICATE_ID],
            "task_id": waits_on(state, "task"),
            "request_id": waits_on(state, "customer", "supplier"),
            "referral_id": waits_on(state, "external_body"),
            "supersedes": [None, *(remedy.remedy_id for remedy in state.remedies)],
            "evidence_id": [item.evidence_id for item in state.evidence] or [None],
        }
        chosen = {
            name: data.draw(st.sampled_from(ids))
            for name, ids in known.items()
            if name in names and ids and data.draw(st.integers(0, 9))
        }
        if isinstance(command, PauseClock) and data.draw(st.integers(0, 3)):
            chosen |= {"clock": "resolve", "reason_code": "waiting_on_customer"}
        if isinstance(command, ResumeClock) and data.draw(st.integers(0, 3)):
            chosen["clock"] = "resolve"
        if isinstance(command, CorrectField):
            facts = [name for name in command.new.known() if name in state.facts.known()]
            if facts:
                name = data.draw(st.sampled_from(facts))
                chosen["new"] = Facts(**{name: getattr(command.new, name)})
        return replace(command, **chosen)

    def order(self, command: Any, who: Actor) -> None:
        """Order it; anything raised but a refusal is a failure of its own."""
        Worked.orders += 1
        self.before = self.story.state
        outcome = self.story.when(command, by=who, at=self.now, facts_of_others=OTHERS)
        again = self.story.when(command, by=who, at=self.now, facts_of_others=OTHERS)
        assert outcome.events == again.events, "the same decision twice is the same"
        assert type(outcome.rejection) is type(again.rejection)
        self.new = outcome.events
        self.story = outcome

    @property
    def state(self) -> Complaint:
        """The complaint as it stands."""
        state: Complaint = self.story.state
        return state


def waits_on(state: Complaint, *on: str) -> list[Any]:
    """The ids of what the complaint has ever waited for in this way."""
    return [wait.id for wait in state.waits if wait.on in on]
