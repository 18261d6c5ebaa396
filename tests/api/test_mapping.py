"""What a row becomes: every field of it, and nothing that it does not say."""

from datetime import date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.desk import COMMANDS, Desk, Order
from api.importing.mapping import Mapping, load_mapping
from api.importing.orders import (
    BadRow,
    RowOrders,
    client_of,
    in_zone,
    local_midnight,
    orders_of,
)
from api.importing.records import open_records
from api.strict import decode
from domain.complaint import COMPLAINT
from domain.complaint.state import Complaint
from domain.kernel import Recorded
from domain.rulebook.defaults import DEFAULT_RULES
from ledger.ids import command_id
from tests.spec import SHANGHAI, STREAM

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = ROOT / "tests" / "data" / "cfpb_200.csv"
CFPB = load_mapping("cfpb")

ROW = {
    "Date received": "2019-03-08",
    "Product": "Mortgage",
    "Sub-product": "",
    "Issue": "Struggling to pay mortgage",
    "Sub-issue": "Not told",
    "Consumer complaint narrative": 'They said "no" …\n投诉 😀',
    "Company public response": "Company chooses not to respond",
    "Company": "ACME BANK, N.A.",
    "State": "FL",
    "ZIP code": "331XX",
    "Tags": "Older American, Servicemember",
    "Consumer consent provided?": "Consent provided",
    "Submitted via": "Postal mail",
    "Date sent to company": "2019-03-12",
    "Company response to consumer": "Closed with monetary relief",
    "Timely response?": "No",
    "Consumer disputed?": "Yes",
    "Complaint ID": "3174521",
}


def bodies(planned: RowOrders) -> dict[str, dict[str, Any]]:
    return {order.step: msgspec.json.decode(order.body) for order in planned.orders}


def imported(mapping: Mapping, row: dict[str, str]) -> tuple[Complaint, list[Recorded[Any]]]:
    """What the orders of a row leave, decided without a database."""
    now = datetime(2026, 1, 1, tzinfo=SHANGHAI)
    desk = Desk(None, DEFAULT_RULES, lambda: now)  # type: ignore[arg-type]
    client = client_of(mapping)
    state, history = COMPLAINT.initial, list[Recorded[Any]]()
    for planned in orders_of(mapping, row).orders:
        order = Order(
            command=planned.command,
            body=planned.body,
            key=planned.key,
            precision=planned.precision,
        )
        command = decode(COMMANDS[order.command], order.body)
        context = desk.context(order, client, command_id(client.principal, order.key))
        for event in COMPLAINT.decide(command, state, context):
            recorded = Recorded(
                partition=0,
                position=len(history) + 1,
                stream_id=STREAM,
                version=len(history) + 1,
                recorded_at=now,
                event=event,
                metadata=context.metadata(command),
            )
            history.append(recorded)
            state = COMPLAINT.evolve(state, recorded)
    return state, history


# --- the shipped mapping --------------------------------------------------------------------


def test_a_row_becomes_its_orders_field_by_field() -> None:
    latest = "2019-03-12T00:00:00-04:00"

    def fact(name: str, value: str) -> dict[str, str]:
        return {"occurred_at": latest, "name": name, "value": value}

    assert bodies(orders_of(CFPB, ROW)) == {
        "register": {
            "occurred_at": "2019-03-08T00:00:00-05:00",  # before the clocks went forward
            "source_system": "cfpb",
            "nature": "complaint",
            "origin": "person",
            "external_ref": "3174521",
            "channel": "postal_mail",
            "narrative": 'They said "no" …\n投诉 😀',
            "unit_complained_about": "ACME BANK, N.A.",
            "region": "US-FL",
            "special_groups": {"values": ["Older American", "Servicemember"], "source": "cfpb"},
        },
        "assess": {
            "occurred_at": latest,
            "category": {
                "path": ["Mortgage", "Struggling to pay mortgage", "Not told"],
                "taxonomy_version": "cfpb",
            },
            "decided_by": {"kind": "import"},
        },
        "source_fact.company_response": fact("company_response", "Closed with monetary relief"),
        "source_fact.timely_response": fact("timely_response", "no"),
        "source_fact.disputed": fact("disputed", "yes"),
        "source_fact.sent_to_company_on": fact("sent_to_company_on", "2019-03-12"),
        "close": {"occurred_at": latest, "reason": "imported"},
    }


def test_every_order_has_its_command_key_and_precision() -> None:
    assert [(o.command, o.key, o.precision) for o in orders_of(CFPB, ROW).orders] == [
        ("RegisterComplaint", "cfpb:3174521:register", "day"),
        ("AssessComplaint", "cfpb:3174521:assess", "unknown"),
        ("RecordSourceFact", "cfpb:3174521:source_fact.company_response", "unknown"),
        ("RecordSourceFact", "cfpb:3174521:source_fact.timely_response", "unknown"),
        ("RecordSourceFact", "cfpb:3174521:source_fact.disputed", "unknown"),
        ("RecordSourceFact", "cfpb:3174521:source_fact.sent_to_company_on", "unknown"),
        ("CloseComplaint", "cfpb:3174521:close", "unknown"),
    ]


def test_what_a_row_leaves_blank_is_not_recorded() -> None:
    kept = {"Date received", "Submitted via", "Complaint ID"}
    row = {column: value if column in kept else "  " for column, value in ROW.items()}
    assert bodies(orders_of(CFPB, row)) == {
        "register": {
            "occurred_at": "2019-03-08T00:00:00-05:00",
            "source_system": "cfpb",
            "nature": "complaint",
            "origin": "person",
            "external_ref": "3174521",
            "channel": "postal_mail",
        }
    }


@pytest.mark.parametrize(
    ("response", "is_closed"),
    [
        ("Closed", True),
        ("Closed with explanation", True),
        ("Closed without relief", True),
        ("In progress", False),
        ("Untimely response", False),
        ("", False),
    ],
)
def test_only_what_the_source_calls_closed_is_closed(response: str, is_closed: bool) -> None:
    row = {**ROW, "Company response to consumer": response}
    assert ("close" in bodies(orders_of(CFPB, row))) is is_closed


def test_the_rows_latest_date_is_never_before_the_receipt() -> None:
    row = {**ROW, "Date sent to company": "2019-03-01"}
    orders = bodies(orders_of(CFPB, row))
    assert {body["occurred_at"] for body in orders.values()} == {"2019-03-08T00:00:00-05:00"}


def test_every_row_of_the_sample_is_taken_by_the_rules_of_the_domain() -> None:
    counts = {"rows": 0, "closed": 0, "sent later": 0}
    with open_records(SAMPLE, CFPB.file) as records:
        for record in records:
            row = dict(zip(records.columns, record.cells, strict=True))
            state, history = imported(CFPB, row)
            counts["rows"] += 1
            counts["closed"] += state.close_reason == "imported"
            assert state.is_imported
            assert state.is_provisional
            assert state.facts.external_ref == row["Complaint ID"]
            assert state.facts.narrative == (row["Consumer complaint narrative"] or None)
            assert {each.metadata.occurred_at_source for each in history} == {"import"}
            assert {each.metadata.actor.id for each in history} == {"import:cfpb"}
    assert counts["rows"] == 200
    assert counts["closed"] == 173


# --- the import invents nothing -------------------------------------------------------------

_TEXT = st.text(st.characters(blacklist_categories=["Cs", "Cc"]), max_size=30)
_DAY = st.dates(date(1990, 1, 1), date(2025, 1, 1)).map(date.isoformat)
_LIKELY = {
    "Date received": _DAY,
    "Date sent to company": st.one_of(st.just(""), _DAY),
    "Submitted via": st.sampled_from(["Web", "Phone", "Fax", "Email"]),
    "Timely response?": st.sampled_from(["Yes", "No", ""]),
    "Consumer disputed?": st.sampled_from(["Yes", "No", "", "N/A"]),
    "State": st.sampled_from(["CA", "AP", "", "None"]),
    "Tags": st.lists(_TEXT, max_size=3).map(", ".join),
    "Complaint ID": st.integers(1, 10**9).map(str),
}


@given(st.fixed_dictionaries({column: _LIKELY.get(column, _TEXT) for column in ROW}))
def test_no_order_says_what_neither_the_row_nor_the_mapping_says(row: dict[str, str]) -> None:
    planned = bodies(orders_of(CFPB, row))
    days = [row["Date received"], row["Date sent to company"]]
    midnights = {local_midnight(date.fromisoformat(day), CFPB.timezone) for day in days if day}
    of_the_mapping = {"cfpb", "complaint", "person", "import", "imported", *CFPB.source_facts}
    of_the_mapping |= {f"US-{row['State']}"}
    of_the_mapping |= {
        str(value)
        for source in (*CFPB.fields.values(), *CFPB.source_facts.values())
        for text, value in (source.values or {}).items()
        if text == row[source.column].strip()
    }
    of_the_row = set(row.values()) | {tag.strip() for tag in row["Tags"].split(",")}
    for body in planned.values():
        assert datetime.fromisoformat(body.pop("occurred_at")) in midnights
        assert set(_leaves(body)) <= of_the_mapping | of_the_row


def _leaves(tree: Any) -> list[Any]:
    if isinstance(tree, dict):
        return [leaf for value in tree.values() for leaf in _leaves(value)]
    if isinstance(tree, list):
        return [leaf for value in tree for leaf in _leaves(value)]
    return [tree]


# --- bad rows -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("column", "value", "reason"),
    [
        ("Complaint ID", "", "Complaint ID: required, but blank"),
        ("Submitted via", " ", "Submitted via: required, but blank"),
        ("Submitted via", "Carrier pigeon", "Submitted via: a value that the mapping's table"),
        ("Date received", "", "Date received: required, but blank"),
        ("Date received", "2019-02-30", "Date received: not a date of the form %Y-%m-%d or"),
        ("Date received", "0001-01-01", "Date received: the year is out of range"),
        ("Date sent to company", "soon", "Date sent to company: not a date of the form"),
        ("Timely response?", "Maybe", "Timely response?: a value that the mapping's table"),
        ("State", "no state", "register: /region: "),
        ("Company", "x" * 501, "register: /unit_complained_about: "),
        ("Consumer complaint narrative", "投" * 400_000, "register: longer than 1048576 bytes"),
    ],
)
def test_a_row_that_cannot_be_taken_says_why_and_quotes_nothing(
    column: str, value: str, reason: str
) -> None:
    with pytest.raises(BadRow) as refused:
        orders_of(CFPB, {**ROW, column: value})
    assert str(refused.value).startswith(reason)
    assert len(value) < 4 or value not in str(refused.value)


# --- days and zones -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("zone", "told", "expected"),
    [
        ("America/New_York", "2019-07-01T00:00", "2019-07-01T00:00:00-04:00"),
        ("Asia/Shanghai", "2019-07-01T09:30", "2019-07-01T09:30:00+08:00"),
        # clocks went forward from midnight to one: the day began at one
        ("America/Sao_Paulo", "2018-11-04T00:00", "2018-11-04T01:00:00-02:00"),
        ("America/New_York", "2019-03-10T02:30", "2019-03-10T03:00:00-04:00"),
        # clocks went back from one to midnight: the first midnight counts
        ("America/Havana", "2023-11-05T00:00", "2023-11-05T00:00:00-04:00"),
    ],
)
def test_a_local_time_in_a_gap_is_its_end_and_in_a_fold_the_first(
    zone: str, told: str, expected: str
) -> None:
    at = in_zone(datetime.fromisoformat(told), ZoneInfo(zone))
    assert at.isoformat() == expected
    assert msgspec.json.decode(msgspec.json.encode(at)) == expected


def test_white_space_around_a_reference_makes_no_other_complaint() -> None:
    spaced = ROW | {"Complaint ID": f" {ROW['Complaint ID']}\n"}
    assert orders_of(CFPB, spaced) == orders_of(CFPB, ROW)
