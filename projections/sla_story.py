"""How events move the clocks of one complaint: what the view `sla` folds."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC
from typing import Any

from msgspec.structs import replace

from domain.complaint.assessment import ComplaintAccepted, ComplaintAssessed
from domain.complaint.closure import ComplaintReopened
from domain.complaint.contact import ContactRecorded
from domain.complaint.handling import AssignmentReturned, AssignmentSignedFor, ComplaintAssigned
from domain.complaint.intake import (
    ComplaintAcknowledged,
    ComplaintRegistered,
    DetailAdded,
    FieldCorrected,
)
from domain.complaint.investigation import InformationReceived, InformationRequested
from domain.complaint.merge import ComplaintUnmerged, MergeReceived, MergeReverted
from domain.complaint.pausing import ClockPaused, ClockResumed
from domain.complaint.resolution import ComplaintResolved, ResolutionDisputed
from domain.complaint.state import ComplaintClosed
from domain.complaint.vocabulary import Facts
from domain.kernel import Recorded
from domain.rules import ServiceLevel
from domain.time import clocks
from projections.sla_clocks import Clocks
from projections.sla_pauses import pauses_after
from projections.sla_rates import MERGED, STOPPED_BY, is_by_person, is_in_rates
from projections.sla_receipts import FROM_RECEIPT, receipts_after
from projections.sla_row import ClockRow, Held, Key, SlaComplaintRow, handed_over, held_since
from projections.sla_start import started
from projections.sla_stop import as_text, stop_as_text, stop_from_text, stop_of
from projections.view import Row

Levels = Mapping[str, ServiceLevel]
"""What is promised, by clock."""


class Story:
    """The clocks of one complaint while events are folded into them."""

    def __init__(self, rows: Sequence[Row], levels: Levels) -> None:
        """Go on from these rows; there are none before the registration."""
        self.levels = levels
        self.complaint = next((row for row in rows if isinstance(row, SlaComplaintRow)), None)
        self.clocks = Clocks(row for row in rows if isinstance(row, ClockRow))

    def rows(self) -> list[Row]:
        """The rows the complaint should have."""
        return [] if self.complaint is None else [self.complaint, *self.clocks.rows()]

    def take(self, recorded: Recorded[Any]) -> None:
        """What an event does to the clocks."""
        event = recorded.event
        if self.complaint is None:  # complaints of an import start no clock
            if type(event) is ComplaintRegistered and not recorded.is_imported:
                self._register(event, recorded)
        else:
            for act in ACTS.get(type(event), ()):
                act(self, event, recorded)

    # --- what starts a clock ----------------------------------------------------------------

    def _register(self, event: ComplaintRegistered, recorded: Recorded[Any]) -> None:
        received_by = event.received_unit or "unknown"
        self.complaint = SlaComplaintRow(
            partition=recorded.partition,
            complaint_id=recorded.stream_id,
            source_system=event.source_system,
            nature=event.nature,
            severity="general",
            is_provisional=True,
            cycle=1,
            holders=[held_since(recorded.occurred_at, received_by, None)],
        )
        self._start(FROM_RECEIPT, recorded)

    def _start(self, names: Sequence[str], recorded: Recorded[Any]) -> None:
        complaint = self._known()
        levels = [self.levels[name] for name in names]
        for row, clock in started(levels, complaint, recorded):
            self.clocks.start(row, clock)
        self.clocks.charge(complaint.holders, recorded)

    def _dispute(self, event: ResolutionDisputed, recorded: Recorded[Any]) -> None:
        complaint, key = self._known(), ("resolve", event.cycle)
        row = self.clocks.get(key)
        if row is not None and not row.disputed_later:
            self.clocks.set(key, recorded, disputed_later=True)
        self.complaint = replace(complaint, cycle=complaint.cycle + 1)
        self._start(("resolve",), recorded)

    def _reopen(self, event: ComplaintReopened, recorded: Recorded[Any]) -> None:
        complaint = replace(self._known(), cycle=event.cycle, close_reason=None)
        self.complaint = complaint
        self._start(("resolve",), recorded)
        # end_to_end runs across cycles: it has not ended after all
        self.clocks.run_on(("end_to_end", 1), recorded)
        self.clocks.govern(("end_to_end", 1), complaint.merged_receipts, recorded)
        self._settle_rates(recorded)
        self.clocks.charge(complaint.holders, recorded)

    def _unmerge(self, event: ComplaintUnmerged, recorded: Recorded[Any]) -> None:
        """The clocks that the merge stopped run on as if it had never been."""
        before = self._known()
        kept = before.stops_while_merged or {}
        self.complaint = replace(before, close_reason=None, stops_while_merged=None)
        for key, row in self.clocks.items():
            if row.stop_reason == MERGED:
                self.clocks.run_on(key, recorded)
                self.clocks.govern(key, before.merged_receipts, recorded)
                if (told := kept.get(as_text(key))) is not None:
                    self.clocks.stop(key, stop_from_text(told), before.holders, recorded)
        self._settle_rates(recorded)
        self.clocks.charge(before.holders, recorded)

    # --- what stops it ----------------------------------------------------------------------

    def _contact(self, event: ContactRecorded, recorded: Recorded[Any]) -> None:
        if event.outcome == "reached" and is_by_person(recorded):
            self._stop(("first_response", 1), recorded)

    def _acknowledge(self, event: ComplaintAcknowledged, recorded: Recorded[Any]) -> None:
        if event.by == "person" or (event.by == "bot" and event.accepted_by_complainant):
            self._stop(("first_response", 1), recorded)

    def _resolve(self, event: ComplaintResolved, recorded: Recorded[Any]) -> None:
        self._stop(("resolve", event.cycle), recorded)

    def _close(self, event: ComplaintClosed, recorded: Recorded[Any]) -> None:
        """What still runs stops with the complaint: missed already, or cancelled."""
        complaint = replace(self._known(), close_reason=event.reason)
        self.complaint = complaint
        stop = stop_of(recorded, STOPPED_BY.get(event.reason, "closed"))
        for key in self.clocks.running():
            self.clocks.stop(key, stop, complaint.holders, recorded)
        self._settle_rates(recorded)

    def _stop(self, key: Key, recorded: Recorded[Any]) -> None:
        row = self.clocks.get(key)
        if row is None:
            return
        complaint = self._known()
        if row.is_running:
            self.clocks.stop(key, stop_of(recorded), complaint.holders, recorded)
        elif row.stop_reason == MERGED:
            # it would have stopped here, and will have if the merge is undone
            told = stop_as_text(stop_of(recorded))
            kept = {as_text(key): told, **(complaint.stops_while_merged or {})}
            self.complaint = replace(complaint, stops_while_merged=kept)

    # --- what changes it while it runs ------------------------------------------------------

    def _assess(self, event: ComplaintAssessed, recorded: Recorded[Any]) -> None:
        complaint = self._known()
        if event.severity is not None:
            self.complaint = replace(complaint, severity=event.severity, is_provisional=False)
            at = recorded.occurred_at.astimezone(UTC)
            for key in self.clocks.running():
                targets = self.levels[key[0]].targets
                graded = clocks.regrade(self.clocks.clock(key), targets, event.severity, at)
                self.clocks.move(key, graded, recorded)
        self._stop(("assess", 1), recorded)
        self.clocks.charge(complaint.holders, recorded)
        self._name_nature(event.nature, recorded)

    def _pause(self, event: Any, recorded: Recorded[Any]) -> None:
        """What pauses a clock or ends it; stopped by a merge, it may have to run on some day."""
        for key, row in self.clocks.items():
            may_pause = row.pause_cap_microseconds is not None
            if may_pause and (row.is_running or row.stop_reason == MERGED):
                pauses = pauses_after(row.pauses, row.clock, recorded)
                if pauses is not row.pauses:
                    self.clocks.pause(key, pauses, recorded)
                    self.clocks.charge(self._known().holders, recorded)

    def _receive(self, event: Any, recorded: Recorded[Any]) -> None:
        """What is merged into the complaint, or stands alone again, had a receipt of its own."""
        complaint = self._known()
        receipts = receipts_after(complaint.merged_receipts, event)
        if receipts is not complaint.merged_receipts:
            self.complaint = replace(complaint, merged_receipts=receipts)
            for key in self.clocks:
                self.clocks.govern(key, receipts, recorded)
            self.clocks.charge(complaint.holders, recorded)

    def _add(self, event: DetailAdded, recorded: Recorded[Any]) -> None:
        self._learn(event.details, recorded)

    def _correct(self, event: FieldCorrected, recorded: Recorded[Any]) -> None:
        self._learn(event.new, recorded)

    def _learn(self, facts: Facts, recorded: Recorded[Any]) -> None:
        """What is told later may concern the nature, the source and who received it."""
        self._name_nature(facts.nature, recorded)
        complaint = self._known()
        if facts.source_system is not None:
            self.complaint = replace(complaint, source_system=facts.source_system)
            for key, row in self.clocks.items():
                if row.source_system != facts.source_system:
                    self.clocks.set(key, recorded, source_system=facts.source_system)
        if facts.received_unit is not None:
            [since, _, person], *later = complaint.holders
            self._held_by([[since, facts.received_unit, person], *later], recorded)

    def _name_nature(self, nature: str | None, recorded: Recorded[Any]) -> None:
        if nature is not None:
            self.complaint = replace(self._known(), nature=nature)
            self._settle_rates(recorded)

    def _settle_rates(self, recorded: Recorded[Any]) -> None:
        complaint = self._known()
        for key, row in self.clocks.items():
            is_in = is_in_rates(complaint, row.verdict)
            if is_in is not row.is_in_rates:
                self.clocks.set(key, recorded, is_in_rates=is_in)

    def _to_unit(self, event: Any, recorded: Recorded[Any]) -> None:
        self._hand_over(event.unit_id, None, recorded)

    def _to_person(self, event: Any, recorded: Recorded[Any]) -> None:
        self._hand_over(event.unit_id, event.person_id, recorded)

    def _hand_over(self, unit: str, person: str | None, recorded: Recorded[Any]) -> None:
        """From now on somebody else holds the complaint and is charged with what is missed."""
        held = held_since(recorded.occurred_at, unit, person)
        self._held_by(handed_over(self._known().holders, held), recorded)

    def _held_by(self, holders: list[Held], recorded: Recorded[Any]) -> None:
        self.complaint = replace(self._known(), holders=holders)
        self.clocks.charge(holders, recorded)

    def _known(self) -> SlaComplaintRow:
        if self.complaint is None:
            raise ValueError("a complaint begins with its registration")
        return self.complaint


Act = Callable[[Story, Any, Recorded[Any]], None]

ACTS: dict[type[Any], tuple[Act, ...]] = {
    ComplaintAssessed: (Story._assess,),
    ComplaintAccepted: (Story._to_unit,),
    ComplaintAssigned: (Story._to_person,),
    AssignmentSignedFor: (Story._to_person,),
    AssignmentReturned: (Story._to_unit,),
    DetailAdded: (Story._add,),
    FieldCorrected: (Story._correct,),
    ContactRecorded: (Story._contact,),
    ComplaintAcknowledged: (Story._acknowledge,),
    InformationRequested: (Story._pause,),
    InformationReceived: (Story._pause,),
    ClockPaused: (Story._pause,),
    ClockResumed: (Story._pause,),
    ComplaintResolved: (Story._resolve, Story._pause),
    ResolutionDisputed: (Story._dispute,),
    ComplaintClosed: (Story._close, Story._pause),
    ComplaintReopened: (Story._reopen,),
    ComplaintUnmerged: (Story._unmerge,),
    MergeReceived: (Story._receive,),
    MergeReverted: (Story._receive,),
}
"""What each does to the clocks of a complaint that is known. (Events of remedies, tasks and surveys
are a third of all, and do nothing.)"""
