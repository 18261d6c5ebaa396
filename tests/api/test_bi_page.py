"""The page on `bi` is true: each relation has its section, each join holds, each query answers."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import psycopg
import pytest

from api.simulation import simulate
from domain.complaint.intake import SourceFactRecorded
from domain.refusal import CommandRefused
from tests import world
from tests.api.serving import runner_of
from tests.api.test_import import at_desk
from tests.conftest import Database
from tests.projections.conftest import SIGNALLED
from tests.projections.folding import after, imported, in_order, told
from tests.projections.histories import in_stream, store, woven
from tests.projections.reading import rows
from tests.projections.test_bi_contract import KEYS

PAGE = (Path(__file__).parents[2] / "docs" / "bi.md").read_text(encoding="utf-8")
UNTIL = datetime(2026, 1, 10, tzinfo=UTC)


class Section(NamedTuple):
    """What the page says of one relation."""

    relation: str
    grain: str
    key: str
    joins: list[tuple[list[str], str, list[str]]]
    queries: list[str]


def sections() -> Iterator[Section]:
    for text in PAGE.split("\n### bi.")[1:]:
        relation, _, rest = text.partition("\n")
        body = rest.split("\n## ")[0]
        joins = [
            (here.split(", "), there.partition(".")[0], there.partition(".")[2].split(", "))
            for here, there in re.findall(r"^- `([^`]+)` → `([^`]+)`$", body, re.MULTILINE)
        ]
        keys = re.findall(r"^Key: `(\w+)`\.", body, re.MULTILINE)
        queries = re.findall(r"\*[^*]+\?\*\n\n```sql\n(.*?);\n```", body, re.DOTALL)
        yield Section(relation, body.strip().splitlines()[0], *keys, joins, queries)


SECTIONS = list(sections())
QUERIES = [(section.relation, query) for section in SECTIONS for query in section.queries]
JOINS = [(section.relation, *join) for section in SECTIONS for join in section.joins]


@pytest.fixture(scope="module")
def demo(database: Database) -> Database:
    """The demonstration, and what it does not tell: an import, a refusal and a signal."""
    at_desk(database, lambda desk: simulate(desk, complaints=60, seed=7, until=UNTIL))
    answer = SourceFactRecorded(name="company_response", value="Closed with explanation")
    elsewhere = [
        imported(world.registered(source_system="cfpb", region="US-CA")[0].event, after(0), "day"),
        imported(answer, after(1), "unknown"),
    ]
    refusal = CommandRefused(command="ApproveRemedy", rule="SecondPersonRequired", status=409)
    others = [[told(refusal, 99)], [told(SIGNALLED, 99)]]
    apart = [in_stream(number, story) for number, story in enumerate(others, 2)]
    store(database.owner, woven(in_stream(1, in_order(elsewhere)), *apart))
    runner_of(database).catch_up()
    return database


def test_every_relation_of_bi_has_its_section_and_a_question_it_answers() -> None:
    assert sorted(section.relation for section in SECTIONS) == sorted(KEYS)
    assert [section.relation for section in SECTIONS if not section.queries] == []
    assert PAGE.count("```sql") == len(QUERIES)  # none that is not run


def test_grain_and_key_are_those_the_database_tells(demo: Database) -> None:
    grains = rows(
        demo,
        "SELECT c.relname, obj_description(c.oid) FROM pg_class AS c"
        " WHERE c.relnamespace = 'bi'::regnamespace AND c.relkind IN ('r', 'v', 'm')",
    )
    assert {section.relation: section.grain for section in SECTIONS} == dict(grains)
    assert {section.relation: section.key for section in SECTIONS} == KEYS


@pytest.mark.parametrize(("relation", "query"), QUERIES)
def test_the_query_of_a_section_answers_its_question(
    demo: Database, relation: str, query: str
) -> None:
    assert f"bi.{relation}" in query
    with psycopg.connect(demo.uri("closedloop_bi")) as bi:
        answer = bi.execute(query.encode()).fetchall()
    assert answer
    assert any(value is not None for row in answer for value in row[1:])


@pytest.mark.parametrize(("relation", "here", "other", "there"), JOINS)
def test_a_fact_finds_what_it_joins_to_and_is_not_doubled(
    demo: Database, relation: str, here: list[str], other: str, there: list[str]
) -> None:
    on = " AND ".join(f"o.{b} = f.{a}" for a, b in zip(here, there, strict=True))
    present = " AND ".join(f"f.{a} IS NOT NULL AND f.{a}::text <> 'none'" for a in here)
    lost = rows(
        demo,
        f"SELECT f.{KEYS[relation]}, count(o.*) FROM bi.{relation} AS f"
        f" LEFT JOIN bi.{other} AS o ON {on} WHERE {present}"
        " GROUP BY 1 HAVING count(o.*) <> 1 LIMIT 3",
    )
    assert lost == []
