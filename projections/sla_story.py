"""How events move the clocks of one complaint: what the view `sla` folds."""

from collections.abc import Mapping, Sequence
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
from domain.complaint.merge import ComplaintUnmerged
from domain.complaint.resolution import ComplaintResolved, ResolutionDisputed
from domain.complaint.state import ComplaintClosed
from domain.kernel import Recorded
from domain.rules import ServiceLevel
from domain.time import clocks
from projections.sla_clocks import Clocks
from projections.sla_pauses import MOVES_PAUSES, pauses_after
from projections.sla_rates import MERGED, STOPPED_BY, is_by_person, is_in_rates
from projections.sla_receipts import FROM_RECEIPT, MOVES_RECEIPTS, receipts_after
from projections.sla_row import (
    ClockRow,
    Key,
    SlaComplaintRow,
    handed_over,
    held_since,
    holder_at,
)
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
        kind = type(event)
        if kind is ComplaintRegistered:
            if not recorded.is_imported:  # complaints of an import start no clock
                self._register(event, recorded)
        elif self.complaint is not None:
            self._apply(event, recorded, self.complaint)
            if kind in MOVES_PAUSES:
                self._pause(recorded)
            if kind in MOVES_RECEIPTS:
                self._receive(recorded)

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
        for name in FROM_RECEIPT:
            self._start(name, recorded)

    def _apply(self, event: Any, recorded: Recorded[Any], complaint: SlaComplaintRow) -> None:
        match event:
            case ComplaintAssessed():
                self._assess(event, recorded)
            case ContactRecorded(outcome=outcome):  # most of them reached nobody, or came later
                if outcome == "reached" and is_by_person(recorded):
                    self._stop("first_response", 1, recorded)
            case ComplaintAcknowledged(by=by):
                if by == "person" or (by == "bot" and event.accepted_by_complainant):
                    self._stop("first_response", 1, recorded)
            case ComplaintAccepted(unit_id=unit):
                self._hold(unit, None, recorded)
            case ComplaintAssigned() | AssignmentSignedFor():
                self._hold(event.unit_id, event.person_id, recorded)
            case AssignmentReturned(unit_id=unit):
                self._hold(unit, None, recorded)
            case DetailAdded(details=facts) | FieldCorrected(new=facts):
                self._learn(facts, recorded)
            case ComplaintResolved(cycle=cycle):
                self._stop("resolve", cycle, recorded)
            case ResolutionDisputed(cycle=cycle):
                self._dispute(("resolve", cycle), recorded)
                self.complaint = replace(complaint, cycle=complaint.cycle + 1)
                self._start("resolve", recorded)
            case ComplaintClosed(reason=reason):
                self._close(reason, recorded)
            case ComplaintReopened(cycle=cycle):
                self._reopen(cycle, recorded)
            case ComplaintUnmerged():
                self._unmerge(recorded)

    # --- what starts a clock ----------------------------------------------------------------

    def _start(self, name: str, recorded: Recorded[Any]) -> None:
        self.clocks.start(*started(self.levels[name], self._known(), recorded))

    def _reopen(self, cycle: int, recorded: Recorded[Any]) -> None:
        self.complaint = replace(self._known(), cycle=cycle, close_reason=None)
        self._start("resolve", recorded)
        # end_to_end runs across cycles: it has not ended after all
        self.clocks.run_on(("end_to_end", 1), recorded)
        self.clocks.govern(("end_to_end", 1), self.complaint.merged_receipts, recorded)
        self._settle_rates(recorded)
        self._settle_holders(recorded)

    def _unmerge(self, recorded: Recorded[Any]) -> None:
        """The clocks that the merge stopped run on as if it had never been."""
        before = self._known()
        kept = before.stops_while_merged or {}
        self.complaint = replace(before, close_reason=None, stops_while_merged=None)
        for key in self.clocks:
            if self.clocks[key].stop_reason == MERGED:
                self.clocks.run_on(key, recorded)
                self.clocks.govern(key, before.merged_receipts, recorded)
                if (told := kept.get(as_text(key))) is not None:
                    self.clocks.stop(key, stop_from_text(told), before.holders, recorded)
        self._settle_rates(recorded)
        self._settle_holders(recorded)

    # --- what stops it ----------------------------------------------------------------------

    def _stop(
        self, name: str, cycle: int, recorded: Recorded[Any], *, close_reason: str | None = None
    ) -> None:
        key = name, cycle
        row = self.clocks.get(key)
        if row is None:
            return
        complaint = self._known()
        if row.is_running:
            self.clocks.stop(key, stop_of(recorded, close_reason), complaint.holders, recorded)
        elif row.stop_reason == MERGED and close_reason is None:
            # it would have stopped here, and will have if the merge is undone
            told = stop_as_text(stop_of(recorded, close_reason))
            kept = {as_text(key): told, **(complaint.stops_while_merged or {})}
            self.complaint = replace(complaint, stops_while_merged=kept)

    def _close(self, reason: str, recorded: Recorded[Any]) -> None:
        """What still runs stops with the complaint: missed already, or cancelled."""
        self.complaint = replace(self._known(), close_reason=reason)
        stop_reason = STOPPED_BY.get(reason, "closed")
        for name, cycle in self.clocks:
            self._stop(name, cycle, recorded, close_reason=stop_reason)
        self._settle_rates(recorded)

    # --- what changes it while it runs ------------------------------------------------------

    def _assess(self, event: ComplaintAssessed, recorded: Recorded[Any]) -> None:
        complaint = self._known()
        if event.severity is not None:
            self.complaint = replace(complaint, severity=event.severity, is_provisional=False)
            at = recorded.occurred_at
            for key in self.clocks.running():
                targets = self.levels[key[0]].targets
                graded = clocks.regrade(self.clocks.clock(key), targets, event.severity, at)
                self.clocks.move(key, graded, recorded)
            self._settle_holders(recorded)
        self._stop("assess", 1, recorded)
        self._name_nature(event.nature, recorded)

    def _pause(self, recorded: Recorded[Any]) -> None:
        """What pauses a clock or ends it; stopped by a merge, it may have to run on some day."""
        for key in self.clocks:
            row = self.clocks[key]
            may_pause = row.pause_cap_microseconds is not None
            if may_pause and (row.is_running or row.stop_reason == MERGED):
                pauses = pauses_after(row.pauses, row.clock, recorded)
                if pauses is not row.pauses:
                    self.clocks.pause(key, pauses, recorded)
                    self._settle_holders(recorded)

    def _receive(self, recorded: Recorded[Any]) -> None:
        """What is merged into the complaint, or stands alone again, had a receipt of its own."""
        complaint = self._known()
        receipts = receipts_after(complaint.merged_receipts, recorded.event)
        if receipts is not complaint.merged_receipts:
            self.complaint = replace(complaint, merged_receipts=receipts)
            for key in self.clocks:
                self.clocks.govern(key, receipts, recorded)
            self._settle_holders(recorded)

    def _learn(self, facts: Any, recorded: Recorded[Any]) -> None:
        """What is told later may concern the nature, the source and who received it."""
        self._name_nature(facts.nature, recorded)
        complaint = self._known()
        if facts.source_system is not None:
            self.complaint = replace(complaint, source_system=facts.source_system)
            for key in self.clocks:
                if self.clocks[key].source_system != facts.source_system:
                    self.clocks.set(key, recorded, source_system=facts.source_system)
        if facts.received_unit is not None:
            [since, _, person], *later = complaint.holders
            holders = [[since, facts.received_unit, person], *later]
            self.complaint = replace(self._known(), holders=holders)
            self._settle_holders(recorded)

    def _name_nature(self, nature: str | None, recorded: Recorded[Any]) -> None:
        if nature is not None:
            self.complaint = replace(self._known(), nature=nature)
            self._settle_rates(recorded)

    def _hold(self, unit: str, person: str | None, recorded: Recorded[Any]) -> None:
        """From now on somebody else holds the complaint and is charged with what is missed."""
        complaint = self._known()
        holders = handed_over(complaint.holders, held_since(recorded.occurred_at, unit, person))
        self.complaint = replace(complaint, holders=holders)
        self._settle_holders(recorded)

    # --- what follows from it ---------------------------------------------------------------

    def _settle_rates(self, recorded: Recorded[Any]) -> None:
        complaint = self._known()
        for key in self.clocks:
            row = self.clocks[key]
            is_in = is_in_rates(complaint, row.verdict)
            if is_in is not row.is_in_rates:
                self.clocks.set(key, recorded, is_in_rates=is_in)

    def _settle_holders(self, recorded: Recorded[Any]) -> None:
        holders = self._known().holders
        for key in self.clocks.running():
            row = self.clocks[key]
            # one that is paused moves on, and may come after a hand-over
            unit, person = holder_at(holders, self.clocks.breach(key))
            if unit != row.holder_unit or person != row.holder_person:
                self.clocks.set(key, recorded, holder_unit=unit, holder_person=person)

    def _dispute(self, key: Key, recorded: Recorded[Any]) -> None:
        row = self.clocks.get(key)
        if row is not None and not row.disputed_later:
            self.clocks.set(key, recorded, disputed_later=True)

    def _known(self) -> SlaComplaintRow:
        if self.complaint is None:
            raise ValueError("a complaint begins with its registration")
        return self.complaint
