"""The rows of the view `cycles`: a cycle of the work on a complaint, and a stay in a stage."""

from datetime import datetime
from uuid import UUID

from projections.progress import Imprecise
from projections.view import Row, Table


class CycleRow(Row, frozen=True):
    """One cycle of a complaint: what began it and how far the work came in it."""

    complaint_id: UUID
    cycle: int
    ledger_position: int  # of the last event that changed the row
    source_system: str
    recorded_at: datetime  # of the event that started it
    is_late_recorded: bool  # any of its times
    started_at: datetime
    started_by: str  # receipt, dispute, reopening
    holder_unit: str  # at the resolution; without one at the close, else now

    holder_person: str | None = None
    resolved_at: datetime | None = None
    resolved_by: str | None = None
    resolution_outcome: str | None = None
    confirmed_at: datetime | None = None  # the last time
    confirmed_by: str | None = None
    confirmed_how: str | None = None
    disputed_at: datetime | None = None
    final_position_at: datetime | None = None
    closed_at: datetime | None = None
    close_reason: str | None = None
    reopened_at: datetime | None = None
    imprecise: Imprecise = None


class StayRow(Row, frozen=True):
    """One stay of a complaint in a stage, from the event that led into it to the one out of it."""

    complaint_id: UUID
    stay: int  # from 1, in the order of recording
    ledger_position: int  # of the last event that changed the row
    stage: str
    cycle: int
    recorded_at: datetime  # of the event that led into it
    is_late_recorded: bool  # that it was entered, or left
    entered_at: datetime
    entered_by: str  # type of the event
    holder_unit: str  # at the end of the stay, else now

    holder_person: str | None = None
    left_at: datetime | None = None
    left_by: str | None = None
    imprecise: Imprecise = None


CYCLES = Table("complaint_cycles", CycleRow, ("partition", "complaint_id", "cycle"))
STAYS = Table("complaint_stages", StayRow, ("partition", "complaint_id", "stay"))
