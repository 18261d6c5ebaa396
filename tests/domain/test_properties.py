"""Whatever is ordered, in whatever order, by whomever: what holds of every complaint."""

import os
from typing import Any

import msgspec
from hypothesis import example, given, settings
from hypothesis.stateful import invariant
from msgspec.structs import replace

from domain.complaint import COMPLAINT
from domain.complaint.closure import CloseComplaint
from domain.complaint.intake import RegisterComplaint
from domain.complaint.vocabulary import SEVERITY_ORDER
from domain.kernel import Actor, Recorded, fold
from tests import spec
from tests.domain.any_complaint import PEOPLE, QUICK, Worked
from tests.strategies import commands, events

CONFIRMING = {"ProblemConfirmed", "ResolutionConfirmed", "SatisfactionRecorded"}


class AnyComplaint(Worked):
    """A complaint to which people and programs do what they like, and what holds of it."""

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
    def waiting_on_is_none_when_nothing_is_open(self) -> None:
        open_now = {wait.on for wait in self.state.waits if wait.status == "open"}
        if self.state.stage == "closed" or not open_now:
            assert self.state.waiting_on == "none"
        else:
            assert self.state.waiting_on in open_now

    @invariant()
    def a_customer_waited_for_comes_before_everything_else(self) -> None:
        asked = [w for w in self.state.waits if (w.on, w.status) == ("customer", "open")]
        if asked and self.state.stage != "closed":
            assert self.state.waiting_on == "customer"

    @invariant()
    def a_complaint_with_an_open_task_is_never_resolved(self) -> None:
        if self.state.stage in ("resolved", "final_position"):
            assert all(w.status != "open" for w in self.state.waits if w.on == "task")

    @invariant()
    def goodwill_beyond_the_threshold_is_never_taken_unapproved(self) -> None:
        approved = {e.remedy_id for e in self.told() if type(e).__name__ == "RemedyApproved"}
        for remedy in self.state.remedies:
            if remedy.needs_approval and remedy.status in ("accepted", "fulfilled"):
                assert remedy.remedy_id in approved

    @invariant()
    def what_is_owed_never_needs_approval_and_is_never_refused(self) -> None:
        for remedy in self.state.remedies:
            if remedy.basis != "goodwill":
                assert not remedy.needs_approval
                assert remedy.status != "rejected"

    @invariant()
    def a_last_word_is_spoken_only_when_the_recourse_was_told(self) -> None:
        if self.state.stage == "final_position":
            assert self.state.recourse_told_in_cycle == self.state.cycle
            assert self.state.final_position_at is not None

    @invariant()
    def a_close_as_settled_outside_has_the_outside_outcome(self) -> None:
        if self.state.close_reason == "settled_outside":
            assert self.state.has_outside_outcome

    @invariant()
    def a_duplicate_and_only_a_duplicate_names_its_survivor(self) -> None:
        is_duplicate = self.state.close_reason == "duplicate"
        assert (self.state.merged_into is not None) == is_duplicate

    @invariant()
    def a_merge_undone_leaves_the_cycle_and_the_owner_as_they_were(self) -> None:
        if any(type(event).__name__ == "ComplaintUnmerged" for event in self.new):
            assert self.state.stage == self.before.stage_before_merge
            for kept in ("cycle", "owner_unit", "owner_person", "is_resolution_confirmed"):
                assert getattr(self.state, kept) == getattr(self.before, kept)

    @invariant()
    def a_clock_is_paused_at_most_once_in_a_cycle_at_a_time(self) -> None:
        for event in self.new:
            match type(event).__name__:
                case "ClockPaused":
                    assert self.state.paused > self.before.paused
                case "ClockResumed":
                    assert self.state.paused < self.before.paused

    @invariant()
    def only_a_clock_that_may_pause_and_runs_is_paused(self) -> None:
        assert {clock for clock, _ in self.state.paused} <= {"resolve"}
        if any(type(event).__name__ == "ClockPaused" for event in self.new):
            assert self.state.last_resolved_cycle != self.state.cycle
            assert not self.state.is_imported

    @invariant()
    def only_who_may_speak_for_the_customer_confirms_and_rates(self) -> None:
        valid = {item.evidence_id for item in self.before.evidence if not item.is_withdrawn}
        reporters = {c.contact_id for c in self.before.contacts if c.party == "reporter"}
        for event in self.new:
            if type(event).__name__ in CONFIRMING:
                assert getattr(event, "contact_id", None) not in reporters
                if event.by == "representative":
                    assert self.before.facts.authority_evidence_id in valid
                if self.before.is_anonymous:
                    assert "link" in (getattr(event, "how", None), getattr(event, "channel", None))

    @invariant()
    def a_customer_once_known_is_changed_only_with_a_reason(self) -> None:
        for event in self.new:
            if type(event).__name__ == "CustomerLinked" and self.before.customer_id is not None:
                assert event.previous_id == self.before.customer_id != event.customer_id
                assert event.reason_code
                assert event.reason_text

    @invariant()
    def withdrawn_evidence_is_not_named_anew(self) -> None:
        gone = {item.evidence_id for item in self.before.evidence if item.is_withdrawn}
        for event in self.new:
            if type(event).__name__ != "EvidenceWithdrawn":
                assert getattr(event, "evidence_id", None) not in gone

    def told(self) -> list[Any]:
        """Every event so far."""
        return [item.event for item in self.story.history]

    @invariant()
    def a_closed_complaint_changes_only_by_being_reopened(self) -> None:
        names = [type(event).__name__ for event in self.new]
        opened = {"ComplaintReopened", "ComplaintUnmerged"}
        if self.before.stage == "closed" and opened.isdisjoint(names):
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


STEPS = int(os.environ.get("CLOSEDLOOP_TEST_STEPS", "2000"))
"""How many orders the machine gives at least; `CLOSEDLOOP_TEST_STEPS=20000` looks harder."""


class TestAnyComplaint(AnyComplaint.TestCase):  # type: ignore[misc]
    """The machine at work: an example has up to 40 steps, and 26 on average."""

    settings = settings(QUICK, max_examples=STEPS // 20, stateful_step_count=40)

    def runTest(self) -> None:
        """Run it, and see that it has done as much as it says."""
        before = AnyComplaint.orders
        super().runTest()
        assert AnyComplaint.orders - before >= STEPS


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
