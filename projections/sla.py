"""The view `sla`: every clock of every complaint, when it was due and how it was judged.

What starts and stops a clock is the table of requirements, section 10; the arithmetic is
`domain.time.clocks`. A clock that was stopped keeps its figures whatever is recorded later:
the first stop in the order of recording counts.
"""

from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any

from domain.complaint.assessment import ComplaintAssessed
from domain.complaint.closure import ComplaintReopened
from domain.complaint.contact import ContactRecorded
from domain.complaint.intake import ComplaintAcknowledged
from domain.complaint.merge import ComplaintUnmerged
from domain.complaint.resolution import ResolutionDisputed
from domain.kernel import Recorded
from domain.rulebook.defaults import DEFAULT_RULES
from domain.rules import Rules
from projections.holder import HANDING_OVER
from projections.sla_pauses import MOVES_PAUSES
from projections.sla_receipts import MOVES_RECEIPTS
from projections.sla_row import CLOCKS, COMPLAINTS
from projections.sla_story import Levels, Story
from projections.view import Row, View

EVENTS: tuple[type[Any], ...] = (
    *HANDING_OVER,
    ComplaintAssessed,
    ContactRecorded,
    ComplaintAcknowledged,
    ResolutionDisputed,
    ComplaintReopened,
    ComplaintUnmerged,
    *MOVES_PAUSES,
    *MOVES_RECEIPTS,
)
"""The events that start, stop, grade or charge a clock. (Those of remedies, tasks and surveys are a
third of all.)"""


def sla_view(rules: Rules = DEFAULT_RULES) -> View:
    """Every clock of every complaint: its due, its stop and its verdict."""
    levels: Levels = {level.clock: level for level in rules.service_levels}
    return View("sla", (CLOCKS, COMPLAINTS), EVENTS, partial(_fold, levels=levels))


def _fold(rows: Sequence[Row], events: Sequence[Recorded[Any]], *, levels: Levels) -> Iterable[Row]:
    story = Story(rows, levels)
    for recorded in events:
        story.take(recorded)
    return story.rows()
