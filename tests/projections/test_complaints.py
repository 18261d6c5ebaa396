"""The row of a complaint: where it stands, since when, and nothing personal."""

from datetime import date, datetime, timedelta, timezone
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.complaint import COMPLAINT
from domain.complaint.closure import ComplaintReopened
from domain.complaint.intake import (
    ComplaintAcknowledged,
    DetailAdded,
    FieldCorrected,
    SourceFactRecorded,
)
from domain.complaint.resolution import (
    ComplaintResolved,
    ResolutionConfirmed,
    ResolutionDisputed,
    SatisfactionRecorded,
)
from domain.complaint.state import ComplaintClosed
from domain.complaint.vocabulary import (
    Complainant,
    Exposure,
    Facts,
    Known,
    Product,
    RequestedRemedy,
)
from domain.kernel import Money, Recorded, fold
from projections import VIEWS, all_views
from projections.complaint_row import ComplaintRow, SourceFactRow
from projections.complaints import complaints_view
from projections.hashes import external_ref_hash
from projections.timeline import TimelineRow
from tests import world
from tests.projections.folding import after, folded, imported, in_order, told
from tests.projections.histories import SECRET, random_histories
from tests.projections.personal import personal_fields

BEIJING = timezone(timedelta(hours=8))


def complaint(*events: Recorded[Any]) -> ComplaintRow:
    [row] = [row for row in folded("complaints", *events) if isinstance(row, ComplaintRow)]
    return row


def registered(**facts: Any) -> Recorded[Any]:
    return told(world.registered(**facts)[0].event, 0)


def worked(history: world.History) -> ComplaintRow:
    return complaint(*history)


def test_a_registration_is_shown_with_everything_that_is_not_personal() -> None:
    row = complaint(
        registered(
            customer_id="c-1",
            complainant=Complainant(role="representative"),
            source_tier="first",
            language="zh-CN",
            region="310000",
            unit_complained_about="配送部",
            requested_remedy=RequestedRemedy(kind="refund", text="全额退款"),
            product=Product(sku="AC-1", model="冷风", serial_no="S-1", batch="B", supplier="S"),
            disputed_amount=Money(minor=100, currency="CNY"),
            exposure=Exposure(is_public=True, url="https://example.org/p/1"),
            customer_tier=Known(value="vip", source="crm"),
            customer_segment=Known(value="price", source="model"),
            safety_signal=True,
            external_ref="R-1",
        )
    )
    assert (row.stage, row.cycle, row.severity, row.is_provisional) == (
        "registered",
        1,
        "general",
        True,
    )
    assert (row.tracking_number, row.version, row.ledger_position) == ("CL0-000001-8", 1, 1)
    assert (row.complainant_role, row.customer_tier, row.customer_segment) == (
        "representative",
        "vip",
        "price",
    )
    assert (row.product_sku, row.product_model, row.product_batch) == ("AC-1", "冷风", "B")
    assert (row.disputed_amount_minor, row.disputed_currency) == (100, "CNY")
    assert (row.requested_remedy_kind, row.is_public, row.has_safety_signal) == (
        "refund",
        True,
        True,
    )
    assert row.external_ref_hash == external_ref_hash(SECRET, "R-1")
    stored = msgspec.json.encode(row).decode()
    assert not any(secret in stored for secret in ("全额退款", "S-1", "example.org", "R-1"))


def test_what_is_learned_later_is_added_and_corrected() -> None:
    row = complaint(
        registered(region="110000"),
        told(DetailAdded(details=Facts(language="en", external_ref="R-2")), 1),
        told(
            FieldCorrected(field="region", old=Facts(region="110000"), new=Facts(region="310000")),
            2,
        ),
        told(
            FieldCorrected(field="channel", old=Facts(channel="phone"), new=Facts(channel="app")),
            3,
        ),
    )
    assert (row.language, row.region, row.channel) == ("en", "310000", "app")
    # found by the reference and the present channel, whichever of them was corrected
    assert row.external_ref_hash == external_ref_hash(SECRET, "R-2")


def test_a_complaint_worked_to_its_end_shows_every_milestone() -> None:
    row = worked(world.closed())
    milestones = [
        *("first_contact", "assessed", "accepted", "assigned", "signed_for"),
        *("problem_confirmed", "remedy_proposed", "remedy_accepted", "remedy_fulfilled"),
        *("first_resolved", "resolved", "confirmed", "closed"),
    ]
    times = [getattr(row, f"{name}_at") for name in milestones]
    assert None not in times
    assert (row.stage, row.close_reason, row.is_accepted) == ("closed", "verified", True)
    assert (row.contact_count, row.remedy_count) == (2, 2)
    assert (row.owner_unit, row.owner_person) == (world.UNIT, world.HANDLER)
    assert (row.category_path, row.problem_key) == (
        ["产品质量", "空调", "不制冷"],
        "产品质量 > 空调 > 不制冷",
    )


def test_a_dispute_and_a_reopening_leave_the_present_cycle_unresolved() -> None:
    disputed = worked(world.disputed())
    assert (disputed.stage, disputed.cycle, disputed.dispute_count) == ("in_progress", 2, 1)
    assert disputed.resolved_at is None
    assert disputed.first_resolved_at is not None
    reopened = worked(world.reopened())
    assert (reopened.stage, reopened.cycle, reopened.reopening_count) == ("in_progress", 2, 1)
    assert (reopened.closed_at, reopened.close_reason, reopened.confirmed_at) == (None, None, None)
    assert reopened.reopened_at is not None


def test_a_confirmation_told_late_for_an_earlier_cycle_confirms_nothing_in_this_one() -> None:
    late = ResolutionConfirmed(cycle=1, by="customer", how="link")
    row = complaint(
        registered(),
        told(ComplaintResolved(cycle=1), 5),
        told(ResolutionDisputed(cycle=1), 6),
        told(late, 7),
    )
    assert row.confirmed_at is None


def test_the_last_score_and_what_the_source_says_are_kept() -> None:
    score = SatisfactionRecorded(cycle=1, score=2, by="customer", channel="sms")
    rows = folded(
        "complaints",
        registered(),
        told(SourceFactRecorded(name="timely_response", value="no"), 1),
        told(SourceFactRecorded(name="timely_response", value="yes"), 2),
        told(SourceFactRecorded(name="company_response", value="Closed"), 3, occurred=0),
        told(score, 4),
    )
    [row] = [row for row in rows if isinstance(row, ComplaintRow)]
    facts = {row.name: row for row in rows if isinstance(row, SourceFactRow)}
    assert row.last_satisfaction_score == 2
    assert row.source_facts == {"timely_response": "yes", "company_response": "Closed"}
    assert facts["timely_response"].value == "yes"
    assert facts["timely_response"].recorded_at == after(2)
    assert facts["company_response"].is_late_recorded


def test_of_what_a_source_tells_only_published_facts_are_kept() -> None:
    events = [
        registered(),
        told(SourceFactRecorded(name="consumer_narrative", value="王小明 was rude"), 1),
        told(SourceFactRecorded(name="disputed", value="no"), 2),
    ]
    rows = folded("complaints", *events)
    assert "王小明" not in msgspec.json.encode(rows).decode()
    assert [row.name for row in rows if isinstance(row, SourceFactRow)] == ["disputed"]
    own = complaints_view(SECRET, frozenset({"consumer_narrative"})).fold([], in_order(events))
    assert {row.name for row in own if isinstance(row, SourceFactRow)} == {"consumer_narrative"}


# --- times as they were told ------------------------------------------------------------------


def test_a_day_is_kept_as_a_day_and_an_unknown_time_as_unknown() -> None:
    on_the_day = datetime(2015, 4, 6, tzinfo=BEIJING)
    row = complaint(
        imported(world.registered()[0].event, on_the_day, "day"),
        imported(world.assessed()[1].event, on_the_day, "unknown"),
        imported(ComplaintAcknowledged(by="person"), on_the_day, "day"),
        imported(ComplaintClosed(reason="imported"), on_the_day, "unknown"),
    )
    assert (row.is_imported, row.is_late_recorded) == (True, True)
    assert (row.received_at, row.received_on) == (on_the_day, date(2015, 4, 6))
    assert (row.received_at_precision, row.closed_at_precision) == ("day", "unknown")
    assert row.closed_on == date(2015, 4, 6)
    assert row.imprecise == {
        "assessed": {"precision": "unknown", "on": "2015-04-06"},
        "acknowledged": {"precision": "day", "on": "2015-04-06"},
    }


def test_a_milestone_told_exactly_later_is_exact() -> None:
    day = datetime(2026, 3, 2, tzinfo=BEIJING)
    row = complaint(
        registered(),
        imported(ComplaintResolved(cycle=1), day, "day"),
        told(ResolutionDisputed(cycle=1), 10),
        told(ComplaintResolved(cycle=2), 20),
        told(ComplaintClosed(reason="verified"), 30),
        told(ComplaintReopened(cycle=3, reason_code="again"), 40),
    )
    assert set(row.imprecise) == {"first_resolved"}


# --- laws -------------------------------------------------------------------------------------


@given(st.integers(0, 10_000))
def test_stage_cycle_and_owner_are_those_that_decisions_are_made_on(seed: int) -> None:
    history = random_histories(seed, complaints=1)
    row = complaint(*history)
    state = fold(COMPLAINT, history)
    assert (row.stage, row.cycle, row.severity) == (state.stage, state.cycle, state.severity)
    assert (row.owner_unit, row.owner_person) == (state.owner_unit, state.owner_person)
    assert row.waiting_on == state.waiting_on
    assert (row.nature, row.is_provisional) == (state.nature, state.is_provisional)
    assert (row.close_reason, row.closed_at) == (state.close_reason, state.closed_at)
    published = {name: told for name, told in state.source_facts.items() if name == "disputed"}
    assert (row.version, row.source_facts) == (history[-1].version, published)
    assert (row.problem_key, row.is_accepted) == (state.problem_key, state.is_accepted)
    entries = [row for row in folded("timeline", *history) if isinstance(row, TimelineRow)]
    assert [entry.version for entry in entries] == list(range(1, len(history) + 1))
    assert (entries[-1].stage_after, entries[-1].cycle) == (state.stage, state.cycle)


def test_no_view_has_a_column_for_what_is_personal() -> None:
    personal = personal_fields()
    assert {"narrative", "external_ref", "serial_no", "reason_text", "special_groups"} <= personal
    for view in all_views(SECRET):
        for table in view.tables:
            assert not personal & set(table.columns)


@pytest.mark.parametrize("name", VIEWS)
def test_a_view_says_in_one_sentence_what_it_is(name: str) -> None:
    module = __import__(f"projections.{name}", fromlist=["_"])
    assert module.__doc__
    assert module.__doc__.startswith(f"The view `{name}`")
