"""Whatever is ordered, in whatever order, by whomever: what holds of every complaint."""

from datetime import datetime, timedelta
from typing import Any

import msgspec
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from msgspec.structs import replace

from domain.complaint import COMPLAINT, allowed_commands
from domain.complaint.assessment import AcceptComplaint, AssessComplaint
from domain.complaint.closure import CloseComplaint, ReopenComplaint
from domain.complaint.contact import RecordContact
from domain.complaint.handling import AssignComplaint, ConfirmProblem, SignForAssignment
from domain.complaint.intake import CorrectField, RegisterComplaint
from domain.complaint.remedy import AcceptRemedy, FulfilRemedy, ProposeRemedy
from domain.complaint.resolution import (
    ConfirmResolution,
    DisputeResolution,
    RecordSatisfaction,
    ResolveComplaint,
)
from domain.complaint.state import Complaint
from domain.complaint.vocabulary import SEVERITY_ORDER, Facts
from domain.kernel import Actor, Recorded, fold
from tests import spec, world
from tests.strategies import commands, events, values

PEOPLE = st.sampled_from(
    [
        Actor(id="ann", kind="person", role="agent"),
        Actor(id="bo", kind="person", role="agent"),
        world.SUPERVISOR,
        world.ADAPTER,
        world.IMPORTER,
    ]
)
WORK = st.sampled_from([kind for kind in COMPLAINT.commands if kind is not RegisterComplaint])
BEGINNINGS = st.sampled_from(
    [*world.STAGES.values(), world.unanswered, world.disputed, world.reopened, world.withdrawn]
)
ONWARD: dict[str | None, list[type[Any]]] = {
    "registered": [AssessComplaint],
    "assessed": [AcceptComplaint],
    "accepted": [AssignComplaint, SignForAssignment],
    "in_progress": [ConfirmProblem, ProposeRemedy, AcceptRemedy, FulfilRemedy, ResolveComplaint],
    "resolved": [RecordContact, ConfirmResolution, DisputeResolution, CloseComplaint],
    "closed": [ReopenComplaint, CorrectField, RecordSatisfaction],
}
PAUSES = st.integers(0, 30 * 60).map(lambda seconds: timedelta(seconds=seconds))
QUICK = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])


class AnyComplaint(RuleBasedStateMachine):
    """A complaint to which people and programs do what they like."""

    def __init__(self) -> None:
        super().__init__()
        self.story = spec.given()
        self.before: Complaint = self.story.state
        self.new: list[Any] = []
        self.now: datetime = spec.RECEIVED

    @initialize(command=commands(RegisterComplaint), who=PEOPLE)
    def somebody_registers_it(self, command: Any, who: Actor) -> None:
        self.order(replace(command, occurred_at=None), who)

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
        known: dict[str, list[Any]] = {
            "contact_id": [contact.contact_id for contact in state.contacts] or [None],
            "remedy_id": [remedy.remedy_id for remedy in state.remedies],
            "evidence_id": [item.evidence_id for item in state.evidence] or [None],
        }
        chosen = {
            name: data.draw(st.sampled_from(ids))
            for name, ids in known.items()
            if name in names and ids and data.draw(st.integers(0, 9))
        }
        if isinstance(command, CorrectField):
            facts = [name for name in command.new.known() if name in state.facts.known()]
            if facts:
                name = data.draw(st.sampled_from(facts))
                chosen["new"] = Facts(**{name: getattr(command.new, name)})
        return replace(command, **chosen)

    def order(self, command: Any, who: Actor) -> None:
        """Order it; anything raised but a refusal is a failure of its own."""
        self.before = self.story.state
        outcome = self.story.when(command, by=who, at=self.now)
        again = self.story.when(command, by=who, at=self.now)
        assert outcome.events == again.events, "the same decision twice is the same"
        assert type(outcome.rejection) is type(again.rejection)
        self.new = outcome.events
        self.story = outcome

    # --- what holds of every complaint ---

    @property
    def state(self) -> Complaint:
        state: Complaint = self.story.state
        return state

    @invariant()
    def a_closed_complaint_says_why_and_when(self) -> None:
        is_closed = self.state.stage == "closed"
        assert (self.state.close_reason is not None) == is_closed
        assert (self.state.closed_at is not None) == is_closed

    @invariant()
    def a_complaint_is_never_nobodys(self) -> None:
        assert self.state.holder_unit
        if self.state.is_accepted:
            assert self.state.owner_unit
        if self.state.stage in ("accepted", "in_progress", "resolved"):
            assert self.state.is_accepted
        if self.state.is_signed_for:
            assert self.state.owner_person

    @invariant()
    def the_cycle_only_rises_by_one_when_work_begins_again(self) -> None:
        began_again = {"ComplaintReopened", "ResolutionDisputed"}
        rise = sum(type(event).__name__ in began_again for event in self.new)
        assert self.state.cycle == self.before.cycle + rise

    @invariant()
    def a_verified_close_has_both_verifications(self) -> None:
        if self.state.close_reason == "verified":
            assert self.state.problem_confirmed_in_cycle is not None
            assert self.state.is_resolution_confirmed

    @invariant()
    def only_a_resolution_of_this_cycle_is_confirmed(self) -> None:
        if self.state.is_resolution_confirmed:
            assert self.state.last_resolved_cycle == self.state.cycle

    @invariant()
    def nothing_is_resolved_whose_problem_was_not_confirmed(self) -> None:
        if self.state.stage == "resolved":
            assert self.state.problem_confirmed_in_cycle is not None
            assert self.state.last_resolved_cycle == self.state.cycle

    @invariant()
    def a_closed_complaint_changes_only_by_being_reopened(self) -> None:
        names = [type(event).__name__ for event in self.new]
        if self.before.stage == "closed" and "ComplaintReopened" not in names:
            for kept in (
                "stage",
                "cycle",
                "close_reason",
                "closed_at",
                "owner_unit",
                "owner_person",
            ):
                assert getattr(self.state, kept) == getattr(self.before, kept)

    @invariant()
    def a_grade_once_given_is_not_provisional_again(self) -> None:
        assert self.before.is_provisional or not self.state.is_provisional
        assert self.state.severity in SEVERITY_ORDER

    @invariant()
    def what_was_received_stays_received(self) -> None:
        assert self.state.received_at == spec.RECEIVED or self.state.stage is None
        for needed in ("channel", "source_system", "nature", "origin"):
            assert getattr(self.state.facts, needed) is not None or self.state.stage is None

    @invariant()
    def every_event_has_the_next_version(self) -> None:
        versions = [item.version for item in self.story.history]
        assert versions == list(range(1, len(versions) + 1))
        assert self.state.version == len(versions)

    @invariant()
    def the_stage_is_one_of_those_seen(self) -> None:
        assert self.state.stage is None or self.state.stage in self.state.stages_seen
        assert self.state.stages_seen >= self.before.stages_seen

    def teardown(self) -> None:
        """At the end: what is stored and read back leaves the same complaint."""
        history = [stored_and_read(item) for item in self.story.history]
        assert fold(COMPLAINT, history) == self.story.state


def stored_and_read(item: Recorded[Any]) -> Recorded[Any]:
    """The event as it comes back from its bytes."""
    data, metadata = msgspec.json.encode(item.event), msgspec.json.encode(item.metadata)
    return replace(
        item,
        event=msgspec.json.decode(data, type=type(item.event)),
        metadata=msgspec.json.decode(metadata, type=type(item.metadata)),
    )


TestAnyComplaint = AnyComplaint.TestCase
TestAnyComplaint.settings = settings(QUICK, max_examples=100, stateful_step_count=40)


@QUICK
@given(command=commands())
@example(command=CloseComplaint(reason="verified"))
def test_every_command_comes_back_from_its_bytes_as_it_was(command: Any) -> None:
    assert msgspec.json.decode(msgspec.json.encode(command), type=type(command)) == command


@QUICK
@given(event=events())
def test_every_event_comes_back_from_its_bytes_as_it_was(event: Any) -> None:
    stored = msgspec.json.encode(event)
    assert msgspec.json.decode(stored, type=type(event)) == event
    assert msgspec.json.encode(msgspec.json.decode(stored, type=type(event))) == stored


@QUICK
@given(command=commands(), who=PEOPLE)
def test_before_it_is_registered_nothing_but_its_registration_happens(
    command: Any, who: Actor
) -> None:
    outcome = spec.given().when(replace(command, occurred_at=None), by=who)
    assert (outcome.rejection is None) == isinstance(command, RegisterComplaint)
