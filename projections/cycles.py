"""The view `cycles`: every cycle of the work on a complaint, and every stay in a stage.

Both follow the order of recording: who held a complaint at a resolution is who held it as far as
was known when that was recorded. Times are those told; what is told later changes no stay but the
one it ends, except the unit that received the complaint, which is corrected where it counted.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from msgspec.structs import replace

from domain.complaint.assessment import ComplaintAccepted, ComplaintAssessed
from domain.complaint.closure import ComplaintReopened
from domain.complaint.decision import FinalPositionDeclared
from domain.complaint.handling import AssignmentReturned, AssignmentSignedFor, ComplaintAssigned
from domain.complaint.intake import ComplaintRegistered, DetailAdded, FieldCorrected
from domain.complaint.merge import ComplaintUnmerged
from domain.complaint.resolution import (
    ComplaintResolved,
    ResolutionConfirmed,
    ResolutionDisputed,
)
from domain.complaint.state import ComplaintClosed
from domain.complaint.vocabulary import Facts
from domain.kernel import Recorded
from projections.cycle_rows import CYCLES, STAYS, CycleRow, StayRow
from projections.progress import Progress, is_late_recorded, told_at, without
from projections.view import Row, View

EVENTS = (
    ComplaintRegistered,
    DetailAdded,
    FieldCorrected,
    ComplaintAssessed,
    ComplaintAccepted,
    ComplaintAssigned,
    AssignmentSignedFor,
    AssignmentReturned,
    ComplaintResolved,
    ResolutionConfirmed,
    ResolutionDisputed,
    FinalPositionDeclared,
    ComplaintClosed,
    ComplaintReopened,
    ComplaintUnmerged,
)


def cycles_view() -> View:
    """Every cycle of the work on a complaint, and every stay in a stage."""
    return View("cycles", (CYCLES, STAYS), EVENTS, _fold)


def _fold(rows: Sequence[Row], events: Sequence[Recorded[Any]]) -> Iterable[Row]:
    story = _Story(rows)
    for recorded in events:
        story.take(recorded)
    return [*story.cycles.values(), *story.stays]


class _Story:
    """The cycles and stays of one complaint while events are folded into them."""

    def __init__(self, rows: Sequence[Row]) -> None:
        self.cycles = {row.cycle: row for row in rows if isinstance(row, CycleRow)}
        self.stays = sorted(
            (row for row in rows if isinstance(row, StayRow)), key=lambda row: row.stay
        )

    def take(self, recorded: Recorded[Any]) -> None:
        """What an event begins, ends and tells."""
        event = recorded.event
        if isinstance(event, ComplaintRegistered):
            unit = event.received_unit or "unknown"
            self._begin_cycle(1, "receipt", (unit, None), event.source_system, recorded)
            self._enter("registered", 1, (unit, None), recorded)
            return
        before = self._progress()
        after = before.after(event)
        self._tell(event, before.cycle, recorded)
        holder = _given_to(event) or self._holder()
        if after.stage is not None and (after.stage, after.cycle) != (before.stage, before.cycle):
            self._leave(recorded)
            self._enter(after.stage, after.cycle, holder, recorded)
        self._hold(holder, after.cycle, recorded)

    def _tell(self, event: Any, present: int, recorded: Recorded[Any]) -> None:
        """What an event says of a cycle, be it the present one or not."""
        match event:
            case ComplaintResolved(cycle=cycle, outcome=outcome):
                by = recorded.metadata.by
                self._mark(cycle, "resolved", recorded, resolved_by=by, resolution_outcome=outcome)
            case ResolutionConfirmed(cycle=cycle, by=by, how=how):
                self._mark(cycle, "confirmed", recorded, confirmed_by=by, confirmed_how=how)
            case ResolutionDisputed(cycle=cycle):
                self._mark(cycle, "disputed", recorded)
                self._begin_next(cycle, "dispute", recorded)
            case FinalPositionDeclared(cycle=cycle):
                self._mark(cycle, "final_position", recorded)
            case ComplaintClosed(reason=reason):
                self._mark(present, "closed", recorded, close_reason=reason)
            case ComplaintReopened():
                self._mark(present, "reopened", recorded)
                self._begin_next(present, "reopening", recorded)
            case ComplaintUnmerged():
                undone = without(self.cycles[present].imprecise, "closed")
                self._change(present, recorded, **undone, close_reason=None)
            case DetailAdded(details=facts) | FieldCorrected(new=facts):
                self._learn(facts, recorded)

    # --- cycles -----------------------------------------------------------------------------

    def _begin_next(self, cycle: int, by: str, recorded: Recorded[Any]) -> None:
        source_system = self.cycles[cycle].source_system
        self._begin_cycle(cycle + 1, by, self._holder(), source_system, recorded)

    def _begin_cycle(
        self,
        cycle: int,
        by: str,
        holder: tuple[str, str | None],
        source_system: str,
        recorded: Recorded[Any],
    ) -> None:
        self.cycles[cycle] = CycleRow(
            partition=recorded.partition,
            complaint_id=recorded.stream_id,
            cycle=cycle,
            ledger_position=recorded.position,
            source_system=source_system,
            recorded_at=recorded.recorded_at,
            is_late_recorded=is_late_recorded(recorded),
            started_by=by,
            holder_unit=holder[0],
            holder_person=holder[1],
            **told_at(None, "started", recorded),
        )

    def _mark(self, cycle: int, name: str, recorded: Recorded[Any], **facts: Any) -> None:
        row = self.cycles[cycle]
        is_late = row.is_late_recorded or is_late_recorded(recorded)
        told = told_at(row.imprecise, name, recorded)
        self._change(cycle, recorded, is_late_recorded=is_late, **told, **facts)

    def _change(self, cycle: int, recorded: Recorded[Any], **changes: Any) -> None:
        self.cycles[cycle] = replace(
            self.cycles[cycle], ledger_position=recorded.position, **changes
        )

    # --- stays ------------------------------------------------------------------------------

    def _enter(
        self, stage: str, cycle: int, holder: tuple[str, str | None], recorded: Recorded[Any]
    ) -> None:
        self.stays.append(
            StayRow(
                partition=recorded.partition,
                complaint_id=recorded.stream_id,
                stay=len(self.stays) + 1,
                ledger_position=recorded.position,
                stage=stage,
                cycle=cycle,
                recorded_at=recorded.recorded_at,
                is_late_recorded=is_late_recorded(recorded),
                entered_by=type(recorded.event).__name__,
                holder_unit=holder[0],
                holder_person=holder[1],
                **told_at(None, "entered", recorded),
            )
        )

    def _leave(self, recorded: Recorded[Any]) -> None:
        last = self.stays[-1]
        self.stays[-1] = replace(
            last,
            ledger_position=recorded.position,
            is_late_recorded=last.is_late_recorded or is_late_recorded(recorded),
            left_by=type(recorded.event).__name__,
            **told_at(last.imprecise, "left", recorded),
        )

    # --- who holds it -----------------------------------------------------------------------

    def _hold(self, holder: tuple[str, str | None], cycle: int, recorded: Recorded[Any]) -> None:
        """Who holds it now holds its last stay, and its cycle until that is done."""
        held = {"holder_unit": holder[0], "holder_person": holder[1]}
        if self._holder() != holder:
            self.stays[-1] = replace(self.stays[-1], ledger_position=recorded.position, **held)
        row = self.cycles[cycle]
        is_done = row.resolved_at is not None or row.closed_at is not None
        if not is_done and (row.holder_unit, row.holder_person) != holder:
            self._change(cycle, recorded, **held)

    def _learn(self, facts: Facts, recorded: Recorded[Any]) -> None:
        """What is told later of the source and of the unit that received the complaint."""
        if facts.source_system is not None:
            for cycle in self.cycles:
                self._change(cycle, recorded, source_system=facts.source_system)
        if facts.received_unit is None:
            return
        accepted = next((stay for stay in self.stays if stay.stage == "accepted"), None)
        held = {"holder_unit": facts.received_unit, "ledger_position": recorded.position}
        for index, stay in enumerate(self.stays):
            if accepted is None or stay.stay < accepted.stay:
                self.stays[index] = replace(stay, **held)
        for cycle, row in self.cycles.items():
            if accepted is None or cycle < accepted.cycle:
                self.cycles[cycle] = replace(row, **held)

    def _holder(self) -> tuple[str, str | None]:
        return self.stays[-1].holder_unit, self.stays[-1].holder_person

    def _progress(self) -> Progress:
        """How far it has come: the last stay, and which stages it has been in."""
        if not self.stays:
            raise ValueError("a complaint begins with its registration")
        seen = {stay.stage for stay in self.stays}
        last = self.stays[-1]
        return Progress(last.stage, last.cycle, "assessed" in seen, "accepted" in seen)


def _given_to(event: Any) -> tuple[str, str | None] | None:
    """Who holds the complaint because of an event."""
    match event:
        case ComplaintAccepted(unit_id=unit) | AssignmentReturned(unit_id=unit):
            return unit, None
        case (
            ComplaintAssigned(unit_id=unit, person_id=person)
            | AssignmentSignedFor(unit_id=unit, person_id=person)
        ):
            return unit, person
    return None
