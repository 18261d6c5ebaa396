"""A database whose views are filled, for the tests of what `bi` shows."""

from uuid import UUID

import pytest

from domain.complaint.intake import SourceFactRecorded
from domain.complaint.state import ComplaintClosed
from domain.prevention import PreventionTriggered
from domain.refusal import CommandRefused
from projections import all_views
from projections.engine import Runner
from tests import world
from tests.conftest import Database
from tests.projections.customer_histories import random_customers
from tests.projections.folding import after, imported, in_order, told
from tests.projections.histories import (
    REGISTRY,
    SECRET,
    in_stream,
    random_histories,
    store,
    woven,
)
from tests.projections.lives import OTHERS, answered, closed, life, reopened, resolved

ELSEWHERE = world.registered(channel="web", source_system="cfpb", region="FL", customer_id=None)
REFUSED = CommandRefused(
    command="ApproveRemedy",
    rule="SecondPersonRequired",
    status=409,
    four_eyes="remedy_approver",
    complaint_id=UUID("01957a6e-0000-7000-8000-000000000002"),
)
BEYOND_THE_ROLE = CommandRefused(command="RegisterComplaint", rule="Forbidden", status=403)
SIGNALLED = PreventionTriggered(
    problem_key=" > ".join(world.CATEGORY.path),
    count=6,
    window_days=30,
    complaint_ids=[UUID(int=number) for number in range(6)],
    first_received_at=after(0),
    last_received_at=after(40_000),
)
HISTORY = random_histories(seed=11, complaints=80)


@pytest.fixture(scope="module")
def filled(database: Database) -> Database:
    """A database with random complaints, one from another system, one in progress."""
    from_elsewhere = [
        imported(
            ELSEWHERE[0].event,
            after(0).replace(year=2015, month=4, day=6, hour=0),
            "day",
        ),
        imported(world.assessed()[1].event, after(0).replace(year=2015), "unknown"),
        *(
            imported(
                SourceFactRecorded(name=name, value=value), after(0).replace(year=2015), "unknown"
            )
            for name, value in (
                ("company_response", "Closed with explanation"),
                ("timely_response", "Yes"),
                ("disputed", "no"),
                ("sent_to_company_on", "2015-02-31"),
                ("their_note", "said so"),
            )
        ),
        imported(ComplaintClosed(reason="imported"), after(0).replace(year=2015), "unknown"),
    ]
    elsewhere = in_stream(1, in_order(from_elsewhere))
    in_progress = in_stream(2, world.remedied(severity="major"))
    came_back = [
        life(3, (1, resolved()), (2, answered(5), OTHERS), (3, closed()), (4, reopened())),
        life(4, received=5, repeat_class="repeat", earlier=3),
    ]
    customers = random_customers(seed=11, customers=10)
    signalled = in_stream(7, [told(SIGNALLED, 7)])
    refused = [in_stream(5, [told(REFUSED, 5)]), in_stream(6, [told(BEYOND_THE_ROLE, 6)])]
    others = (customers, *refused, signalled)
    store(database.owner, woven(HISTORY, elsewhere, in_progress, *came_back, *others))
    Runner(database.app, None, REGISTRY, all_views(SECRET)).catch_up()
    return database
