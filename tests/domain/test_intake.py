"""Receipt, acknowledgement, details, corrections and what the source says."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec
import pytest
from msgspec.structs import replace

from domain.complaint.contact import ContactRecorded, RecordContact
from domain.complaint.intake import (
    AcknowledgeComplaint,
    AddDetail,
    AlreadyKnown,
    ComplaintAcknowledged,
    ComplaintRegistered,
    CorrectField,
    CorrectOneField,
    DetailAdded,
    FieldCorrected,
    NothingToRecord,
    RecordSourceFact,
    RegisterComplaint,
    SourceFactRecorded,
)
from domain.complaint.vocabulary import Complainant, Exposure, Facts, Known, Product, SpecialGroups
from domain.kernel import Money
from tests import world
from tests.spec import ANY_ID, RECEIVED, given
from tests.strategies import TEXTS

LEAST: dict[str, Any] = {
    "channel": "web",
    "source_system": "shop",
    "nature": "complaint",
    "origin": "person",
}
EVERYTHING: dict[str, Any] = {
    **LEAST,
    "customer_id": "cust-7",
    "complainant": Complainant(role="representative", party_id="party-1"),
    "represented_count": 3,
    "authority_evidence_id": world.EVIDENCE_ID,
    "external_ref": "WEB-2026-0001",
    "reply_due_at": RECEIVED + timedelta(days=15),
    "narrative": "空调不制冷 🥵",
    "product": Product(model="KFR-35", serial_no="SN1"),
    "disputed_amount": Money(minor=299_900, currency="CNY"),
    "exposure": Exposure(is_public=True, platform="微博"),
    "safety_signal": False,
    "customer_tier": Known(value="vip", source="crm"),
    "special_groups": SpecialGroups(values=["老年人"], source="caller"),
}


def correct(**new: Any) -> CorrectField:
    """A justified correction."""
    return CorrectField(new=Facts(**new), **world.WHY)


# --- receipt --------------------------------------------------------------------------------


@pytest.mark.parametrize("told", [LEAST, EVERYTHING], ids=["least", "everything"])
def test_a_registration_records_what_was_told_and_nothing_else(told: dict[str, Any]) -> None:
    given().when(RegisterComplaint(**told)).then(ComplaintRegistered(**told))


@pytest.mark.parametrize("missing", LEAST)
def test_channel_system_nature_and_origin_are_always_told(missing: str) -> None:
    body = {name: value for name, value in LEAST.items() if name != missing}
    with pytest.raises(msgspec.ValidationError, match=missing):
        msgspec.convert(body, RegisterComplaint)


def test_nothing_else_is_required_of_a_registration() -> None:
    required = {f.name for f in msgspec.structs.fields(RegisterComplaint) if f.required}
    assert required == set(LEAST)


def test_what_was_not_told_is_unknown_and_never_defaulted() -> None:
    state = given().when(RegisterComplaint(**LEAST)).state
    assert set(state.facts.known()) == set(LEAST)
    assert (state.customer_id, state.severity, state.is_provisional) == (None, "general", True)


def test_a_false_or_a_zero_is_told_not_absent() -> None:
    told = {**LEAST, "safety_signal": False, "represented_count": 0}
    state = given().when(RegisterComplaint(**told)).state
    assert state.facts.safety_signal is False
    assert state.facts.represented_count == 0


def test_the_receipt_is_when_the_organisation_got_it() -> None:
    told = RegisterComplaint(**LEAST, occurred_at=RECEIVED - timedelta(hours=3))
    assert given().when(told).state.received_at == RECEIVED - timedelta(hours=3)
    assert given().when(RegisterComplaint(**LEAST)).state.received_at == RECEIVED


def test_who_registered_and_whether_it_was_imported_is_known() -> None:
    by_hand = given().when(RegisterComplaint(**LEAST), by=world.CLERK).state
    assert (by_hand.registered_by, by_hand.is_imported) == (world.CLERK, False)
    imported = given().when(RegisterComplaint(**LEAST), by=world.IMPORTER).state
    assert (imported.registered_by, imported.is_imported) == (world.IMPORTER.id, True)


def test_a_complaint_knows_its_customer_and_its_place_in_the_ledger() -> None:
    envelope = replace(world.registered(customer_id="cust-7")[0], partition=3, position=4711)
    state = given(envelope).state
    assert (state.customer_id, state.partition, state.position) == ("cust-7", 3, 4711)


def test_before_anybody_accepts_it_a_complaint_is_held_by_who_received_it() -> None:
    assert given(world.registered()).state.holder_unit == "hotline"
    assert given(world.registered(received_unit=None)).state.holder_unit == "unknown"


@pytest.mark.parametrize("text", TEXTS)
def test_every_script_comes_back_as_it_was_told(text: str) -> None:
    event = given().when(RegisterComplaint(**LEAST, narrative=text)).events[0]
    stored = msgspec.json.encode(event)
    assert msgspec.json.decode(stored, type=ComplaintRegistered).narrative == text


def test_a_long_narrative_comes_back_whole() -> None:
    narrative = "从安装那天起就漏水。" * 10_000
    event = given().when(RegisterComplaint(**LEAST, narrative=narrative)).events[0]
    assert event.narrative == narrative


@pytest.mark.parametrize("field", ["customer_id", "source_system", "received_unit", "channel"])
@pytest.mark.parametrize("value", ["", "张三", "a b", "x" * 65, "x\n", "a\nb", "a@b.com", "+86 1"])
def test_an_id_is_never_a_name_an_address_or_a_line_break(field: str, value: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=field):
        msgspec.convert({**LEAST, field: value}, RegisterComplaint)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("language", "zh-CN\n"),
        ("language", "chinese language"),
        ("disputed_amount", {"minor": 1, "currency": "CNY\n"}),
        ("disputed_amount", {"minor": 1.5, "currency": "CNY"}),
        ("represented_count", -1),
        ("narrative", ""),
        ("reply_due_at", "2026-03-02T09:00:00"),
        ("special_groups", {"values": [], "source": "caller"}),
        ("nature", "投诉"),
        ("unknown_field", 1),
    ],
)
def test_what_is_no_fact_of_a_registration_is_not_taken(field: str, value: Any) -> None:
    with pytest.raises(msgspec.ValidationError, match=field):
        msgspec.convert({**LEAST, field: value}, RegisterComplaint)


# --- acknowledgement and contacts -----------------------------------------------------------


@pytest.mark.parametrize("by", ["person", "bot", "automatic"])
def test_who_acknowledged_a_complaint_is_recorded(by: Any) -> None:
    told: dict[str, Any] = {
        "by": by,
        "channel": "sms",
        "accepted_by_complainant": True,
        "contact_id": world.CALL_ID,
        "evidence_id": world.EVIDENCE_ID,
    }
    before = given(world.proven(world.problem_confirmed()))
    before.when(AcknowledgeComplaint(**told)).then(ComplaintAcknowledged(**told))


def test_every_contact_gets_an_id_of_its_own() -> None:
    told: dict[str, Any] = {
        "direction": "inbound",
        "channel": "phone",
        "party": "complainant",
        "purpose": "other",
        "outcome": "reached",
        "summary": "客户来电询问进度",
    }
    first = given(world.registered()).when(RecordContact(**told))
    first.then(ContactRecorded(contact_id=ANY_ID, **told))
    second = first.when(RecordContact(**told))
    ids: list[UUID] = [contact.contact_id for contact in second.state.contacts]
    assert len(set(ids)) == 2


# --- details and corrections ----------------------------------------------------------------


def test_what_is_learned_later_is_added() -> None:
    outcome = given(world.registered()).when(AddDetail(details=Facts(order_ref="E2026-88")))
    outcome.then(DetailAdded(details=Facts(order_ref="E2026-88")))
    assert outcome.state.facts.order_ref == "E2026-88"
    assert outcome.state.facts.channel == "phone"


def test_what_is_known_already_is_not_added_again() -> None:
    known = Facts(channel="phone", received_unit="hotline")
    given(world.registered()).when(AddDetail(details=known)).silent()
    partly = AddDetail(details=Facts(channel="phone", region="310000"))
    given(world.registered()).when(partly).then(DetailAdded(details=Facts(region="310000")))


def test_a_known_fact_is_corrected_and_never_overwritten_by_a_detail() -> None:
    clash = AddDetail(details=Facts(channel="web", received_unit="shop", region="310000"))
    refused = given(world.registered()).when(clash)
    refused.rejected(AlreadyKnown, fields="channel, received_unit")


def test_an_empty_detail_is_no_detail() -> None:
    given(world.registered()).when(AddDetail(details=Facts())).rejected(NothingToRecord)


def test_a_correction_keeps_the_old_value() -> None:
    outcome = given(world.registered()).when(correct(channel="wechat"))
    outcome.then(
        FieldCorrected(
            field="channel",
            old=Facts(channel="phone"),
            new=Facts(channel="wechat"),
            reason_text=world.WHY["reason_text"],
        )
    )
    assert outcome.state.facts.channel == "wechat"


def test_a_correction_to_what_is_already_known_changes_nothing() -> None:
    given(world.registered()).when(correct(channel="phone")).silent()


@pytest.mark.parametrize(
    ("new", "named"),
    [
        ({}, "nothing"),
        ({"channel": "web", "received_unit": "shop"}, "channel, received_unit"),
        ({"order_ref": "E2026-88"}, "order_ref"),
    ],
    ids=["nothing", "two-facts", "never-recorded"],
)
def test_a_correction_concerns_one_fact_that_was_recorded_before(
    new: dict[str, str], named: str
) -> None:
    given(world.registered()).when(correct(**new)).rejected(CorrectOneField, fields=named)


def test_a_detail_added_later_can_be_corrected() -> None:
    added = given(world.registered()).when(AddDetail(details=Facts(region="310000")))
    assert added.when(correct(region="320000")).state.facts.region == "320000"


def test_an_imported_or_closed_complaint_is_corrected_like_any_other() -> None:
    assert given(world.closed_imported()).when(correct(channel="web")).events


# --- what the source says -------------------------------------------------------------------


def test_the_source_is_quoted_under_its_own_names() -> None:
    fact = RecordSourceFact(name="company_response", value="Closed with explanation")
    outcome = given(world.closed_imported()).when(fact, by=world.IMPORTER)
    outcome.then(SourceFactRecorded(name="company_response", value="Closed with explanation"))


def test_the_last_word_of_the_source_counts_and_the_first_is_kept() -> None:
    first = given(world.registered()).when(RecordSourceFact(name="status", value="open"))
    second = first.when(RecordSourceFact(name="status", value="closed"))
    assert second.state.source_facts == {"status": "closed"}
    assert len(second.history) == 3
