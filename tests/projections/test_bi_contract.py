"""`bi` is a contract: documented to the last column, free of personal data, read by one role."""

import psycopg
import pytest

from tests.conftest import Database
from tests.projections.personal import personal_fields
from tests.projections.reading import rows

KEYS = {
    "assignments": "assignment_id",
    "calendar_days": "calendar_day_id",
    "closings": "closing_id",
    "complaint_cycles": "cycle_id",
    "complaint_stages": "stay_id",
    "complaints": "complaint_id",
    "contacts": "contact_id",
    "dim_agent": "agent_id",
    "dim_category": "category_id",
    "dim_channel": "channel_id",
    "customers": "customer_id",
    "dim_codes": "dim_code_id",
    "dim_product": "product_id",
    "dim_region": "region_id",
    "dim_unit": "unit_id",
    "preventions": "prevention_id",
    "refusals": "refusal_id",
    "remedies": "remedy_id",
    "repeat_rate": "repeat_rate_id",
    "repeats": "complaint_id",
    "resolutions": "resolution_id",
    "returns": "return_id",
    "satisfaction": "satisfaction_id",
    "sla_attainment": "attainment_id",
    "sla_clocks": "clock_id",
    "source_facts": "source_fact_id",
    "surveys": "survey_id",
    "tasks": "task_id",
    "watermarks": "watermark_id",
}
RELATIONS = set(KEYS)
FACTS = (
    "assignments",
    "closings",
    "complaint_cycles",
    "complaint_stages",
    "complaints",
    "contacts",
    "preventions",
    "refusals",
    "remedies",
    "repeats",
    "resolutions",
    "sla_clocks",
    "source_facts",
    "surveys",
    "tasks",
)
CODES = {
    "assignments": "given_by status",
    "closings": "close_reason excluded_for",
    "complaint_cycles": "started_by outcome close_reason confirmed_by confirmed_how",
    "complaint_stages": "stage",
    "complaints": "severity stage channel nature origin waiting_on close_reason",
    "contacts": "contact_kind direction channel party purpose outcome actor_kind",
    "dim_region": "area",
    "refusals": "actor_kind",
    "remedies": "basis status",
    "repeat_rate": "metric",
    "repeats": "repeat_class excluded_for",
    "resolutions": "excluded_for",
    "returns": "return_kind excluded_for",
    "sla_attainment": "clock severity",
    "sla_clocks": "clock severity verdict verdict_as_occurred verdict_as_recorded",
    "surveys": "answered_by channel excluded_for",
    "tasks": "status end_reason",
}
TYPES = {
    "text",
    "integer",
    "bigint",
    "numeric",
    "boolean",
    "date",
    "timestamp with time zone",
}


def columns(database: Database) -> list[tuple[str, str, str, str | None]]:
    """Relation, column, type and comment of everything in bi."""
    return rows(
        database,
        "SELECT table_name, column_name, data_type,"
        " col_description(format('bi.%%I', table_name)::regclass, ordinal_position)"
        " FROM information_schema.columns WHERE table_schema = 'bi'"
        " ORDER BY table_name, ordinal_position",
    )


# --- the contract -----------------------------------------------------------------------------


def test_every_relation_says_what_a_row_is_and_every_column_what_it_means(
    filled: Database,
) -> None:
    grains = rows(
        filled,
        "SELECT c.relname, obj_description(c.oid) FROM pg_class AS c"
        " WHERE c.relnamespace = 'bi'::regnamespace AND c.relkind IN ('r', 'v', 'm')",
    )
    assert {name for name, _ in grains} == RELATIONS
    assert all(comment.startswith("Grain: one row per ") for _, comment in grains)
    undocumented = [row for row in columns(filled) if not row[3] or len(row[3]) < 5]
    assert undocumented == []


def test_only_types_that_every_tool_understands_occur(filled: Database) -> None:
    assert {kind for _, _, kind, _ in columns(filled)} <= TYPES


def test_names_say_what_a_column_is(filled: Database) -> None:
    kinds = {(relation, name): kind for relation, name, kind, _ in columns(filled)}
    for (relation, name), kind in kinds.items():
        here = {column for table, column in kinds if table == relation}
        if name.endswith("_at"):
            assert kind == "timestamp with time zone", name
            assert {f"{name[:-3]}_date", f"{name[:-3]}_hour"} <= here, name
        if name.endswith(("_date",)):
            assert kind == "date", name
        if name.startswith(("is_", "has_")) or kind == "boolean":
            assert kind == "boolean", name
            assert name.startswith(("is_", "has_")), name
        if name.endswith("_minutes"):
            assert kind == "numeric", name
        if name.endswith("_amount_minor"):
            assert kind == "bigint", name
            assert "currency" in here
        if name.endswith("_name_en"):
            assert f"{name[:-3]}_zh" in here
        if name.endswith("_id"):
            assert kind == "text", name
    for relation in FACTS:
        here = {column for table, column in kinds if table == relation}
        assert {"source_system", "recorded_at", "is_late_recorded", "ledger_position"} <= here


def test_every_relation_has_one_text_key_without_doubles(filled: Database) -> None:
    for relation, key in KEYS.items():
        [[count, distinct, missing]] = rows(
            filled,
            f"SELECT count(*), count(DISTINCT {key}), count(*) FILTER (WHERE {key} IS NULL)"
            f" FROM bi.{relation}",
        )
        assert count == distinct > 0, relation
        assert missing == 0


def test_codes_are_never_null_and_always_have_both_names(filled: Database) -> None:
    for relation, codes in CODES.items():
        for code in codes.split():
            [[nameless]] = rows(
                filled,
                f"SELECT count(*) FROM bi.{relation} WHERE {code} IS NULL"
                f" OR {code}_name_en IS NULL OR {code}_name_zh IS NULL",
            )
            assert nameless == 0, (relation, code)
    known = rows(filled, "SELECT dimension FROM bi.dim_codes WHERE code = 'unknown'")
    [[dimensions]] = rows(filled, "SELECT count(DISTINCT dimension) FROM bi.dim_codes")
    assert len(known) == dimensions


def test_what_nobody_knows_is_a_member_unknown(filled: Database) -> None:
    [row] = rows(
        filled,
        "SELECT customer_id, customer_tier, language, owner_unit, product_sku, currency,"
        " category_level_4, is_customer_identified FROM bi.complaints WHERE source_system = 'cfpb'",
    )
    assert row == (*["unknown"] * 7, False)


def test_nothing_personal_is_named_and_nothing_personal_is_found(filled: Database) -> None:
    names = {name for _, name, _, _ in columns(filled)}
    assert not personal_fields() & names
    for relation in RELATIONS:
        for (text,) in rows(filled, f"SELECT r::text FROM bi.{relation} AS r"):
            assert not any(word in text for word in ("不制冷 😡", "REF-", "S-1", "said so"))


def test_a_row_that_can_lose_what_it_counts_has_no_position_to_load_it_by(
    filled: Database,
) -> None:
    """A clock that moves to another severity would take its position out of the row it leaves."""
    aggregated = {name for relation, name, _, _ in columns(filled) if relation == "sla_attainment"}
    assert "ledger_position" not in aggregated


def test_the_bi_role_reads_bi_and_nothing_else(filled: Database) -> None:
    for relation in RELATIONS:
        assert rows(filled, f"SELECT count(*) FROM bi.{relation}")[0][0] > 0
    for forbidden in ("ledger.events", "ledger.settings", "views.complaints", "views.positions"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            rows(filled, f"SELECT * FROM {forbidden}")
    for attempt in (
        "DELETE FROM bi.calendar_days",
        "UPDATE bi.dim_codes SET name_en = ''",
        "CREATE TABLE bi.mine (a int)",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            rows(filled, attempt)
