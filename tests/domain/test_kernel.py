"""The words every slice is written in: context, envelope, fold, refusals."""

from datetime import UTC, timedelta
from uuid import UUID

import msgspec
import pytest
from msgspec.structs import replace

from domain.complaint import COMPLAINT, UnknownComplaint
from domain.complaint.contact import CustomerChased, RecordChaser
from domain.complaint.intake import RecordSourceFact
from domain.complaint.state import Complaint
from domain.kernel import (
    Identifier,
    NotAllowedAtStage,
    ReasonRequired,
    SecondPersonRequired,
    fold,
)
from domain.time.telling import OccurredInFuture
from tests import world
from tests.spec import RECEIVED, context

SECOND = timedelta(seconds=1)


# --- context and envelope -------------------------------------------------------------------


def test_what_a_command_creates_has_the_same_id_each_time_it_is_decided() -> None:
    one, other = context(command_id=UUID(int=1)), context(command_id=UUID(int=2))
    assert one.new_id("contact") == context(command_id=UUID(int=1)).new_id("contact")
    assert len({one.new_id("contact"), one.new_id("remedy"), other.new_id("contact")}) == 3


def test_the_envelope_says_who_ordered_what_by_which_client_under_which_rules() -> None:
    order = context("ann", role="supervisor", on_behalf_of="bo", command_id=UUID(int=7))
    order = replace(order, causation_id="0:12", correlation_id="batch-1", precision="day")
    command = RecordSourceFact(
        name="x", value="y", reason_code="late-letter", occurred_at=RECEIVED - SECOND
    )
    metadata = order.metadata(command)
    assert (metadata.actor.id, metadata.actor.role, metadata.by) == ("ann", "supervisor", "bo")
    assert (metadata.client_id, metadata.command_id) == ("client-of-ann", UUID(int=7))
    assert (metadata.causation_id, metadata.correlation_id) == ("0:12", "batch-1")
    assert (metadata.rulebook_version, metadata.reason) == ("default@0", "late-letter")
    assert metadata.occurred_at == RECEIVED - SECOND
    assert (metadata.occurred_at_source, metadata.occurred_at_precision) == ("caller", "day")


def test_a_time_nobody_told_is_the_systems_own_and_exact() -> None:
    order = replace(context(source="provider"), precision="day")
    metadata = order.metadata(RecordSourceFact(name="x", value="y"))
    assert (metadata.occurred_at, metadata.occurred_at_source) == (None, "system")
    assert metadata.occurred_at_precision == "instant"


def test_without_anybody_named_the_actor_answers_for_it() -> None:
    assert context("ann").by == "ann"
    assert context("ann", on_behalf_of="bo").by == "bo"


def test_an_event_happened_when_it_was_told_to_have_happened_else_when_it_was_recorded() -> None:
    told = context().metadata(RecordSourceFact(name="x", value="y", occurred_at=RECEIVED - SECOND))
    envelope = world.registered()[0]
    assert envelope.occurred_at == envelope.recorded_at
    assert replace(envelope, metadata=told).occurred_at == RECEIVED - SECOND


def test_the_offset_of_a_time_is_kept_as_told() -> None:
    in_utc = RecordSourceFact(name="x", value="y", occurred_at=RECEIVED.astimezone(UTC))
    told = context().metadata(in_utc).occurred_at
    assert told is not None
    assert told.utcoffset() == timedelta(0)


def test_a_decision_knows_when_something_happened_before_it_is_recorded() -> None:
    order = context(at=RECEIVED)
    untold = RecordSourceFact(name="x", value="y")
    assert order.occurred_at(untold) == RECEIVED
    assert order.occurred_at(replace(untold, occurred_at=RECEIVED - SECOND)) == RECEIVED - SECOND
    assert order.occurred_at(replace(untold, occurred_at=RECEIVED + SECOND)) == RECEIVED


def test_only_what_an_import_took_over_is_imported() -> None:
    assert world.closed_imported()[0].is_imported
    assert not world.registered()[0].is_imported


# --- fold -----------------------------------------------------------------------------------


def test_a_history_folded_in_two_halves_leaves_the_same() -> None:
    history = world.closed()
    whole = fold(COMPLAINT, history)
    for cut in range(len(history) + 1):
        assert fold(COMPLAINT, history[cut:], fold(COMPLAINT, history[:cut])) == whole


def test_nothing_leaves_nothing() -> None:
    assert fold(COMPLAINT, []) == Complaint()


# --- refusals -------------------------------------------------------------------------------


def test_a_refusal_explains_itself_in_english_and_in_chinese() -> None:
    refusal = NotAllowedAtStage(command="AcceptComplaint", stage="closed")
    assert refusal.explain() == (
        "Not allowed at this stage",
        "AcceptComplaint is not allowed while the complaint is closed.",
    )
    assert refusal.explain("zh") == (
        "当前阶段不允许此操作",
        "投诉处于 closed 阶段时不允许 AcceptComplaint。",
    )
    assert str(refusal) == refusal.explain()[1]


def test_a_refused_rule_is_a_conflict_unless_it_says_otherwise() -> None:
    statuses = {
        rule: rule.status
        for rule in (
            NotAllowedAtStage,
            ReasonRequired,
            SecondPersonRequired,
            UnknownComplaint,
            OccurredInFuture,
        )
    }
    assert statuses == {
        NotAllowedAtStage: 409,
        ReasonRequired: 409,
        SecondPersonRequired: 409,
        UnknownComplaint: 404,
        OccurredInFuture: 422,
    }


def test_text_with_braces_in_a_refusal_stays_text() -> None:
    refusal = NotAllowedAtStage(command="{stage}", stage="{0}")
    assert "{stage} is not allowed while the complaint is {0}." in str(refusal)


def test_a_mobile_number_is_no_opaque_id() -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert("13812345678", Identifier)
    assert msgspec.convert("90007", Identifier) == "90007"


def test_patterns_are_for_what_somebody_orders_and_only_describe_what_was_recorded() -> None:
    told = {"channel": "Not a code", "party": "customer"}
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(told, RecordChaser)
    assert msgspec.convert(told, CustomerChased).channel == "Not a code"
    [shown] = msgspec.json.schema(CustomerChased)["$defs"].values()
    assert shown["properties"]["channel"]["pattern"].startswith("^[a-z0-9]")
