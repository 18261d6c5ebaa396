"""The view `sla`: every clock of every complaint, when it was due and how it was judged.

What starts and stops a clock is the table of requirements, section 10; the arithmetic is
`domain.time.clocks`. A clock that was stopped keeps its figures whatever is recorded later:
the first stop in the order of recording counts.
"""

from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any

from domain.complaint.intake import ComplaintRegistered
from domain.kernel import Recorded
from domain.rulebook.defaults import DEFAULT_RULES
from domain.rules import Rules
from projections.sla_row import CLOCKS, COMPLAINTS
from projections.sla_story import ACTS, Levels, Story
from projections.view import Row, View

EVENTS: tuple[type[Any], ...] = (ComplaintRegistered, *ACTS)
"""The events that start, stop, grade or charge a clock."""


def sla_view(rules: Rules = DEFAULT_RULES) -> View:
    """Every clock of every complaint: its due, its stop and its verdict."""
    levels: Levels = {level.clock: level for level in rules.service_levels}
    return View("sla", (CLOCKS, COMPLAINTS), EVENTS, partial(_fold, levels=levels))


def _fold(rows: Sequence[Row], events: Sequence[Recorded[Any]], *, levels: Levels) -> Iterable[Row]:
    story = Story(rows, levels)
    for recorded in events:
        story.take(recorded)
    return story.rows()
