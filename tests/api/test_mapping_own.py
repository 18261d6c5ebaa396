"""A mapping of one's own: the example of the documentation, and what is said about mistakes."""

import re
from datetime import datetime
from pathlib import Path

import msgspec
import pytest

from api.importing.mapping import MappingError, load_mapping, parse_mapping
from api.importing.orders import orders_of
from api.importing.records import open_records
from tests.api.test_mapping import ROOT, imported
from tests.spec import SHANGHAI


def example(kind: str) -> str:
    text = (ROOT / "docs" / "import.md").read_text("utf-8")
    [block] = re.findall(rf"^```{kind}\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    return str(block)


def test_the_example_of_the_documentation_does_what_it_says(tmp_path: Path) -> None:
    file = tmp_path / "complaints.csv"
    file.write_text(example("csv"), "utf-8")
    mapping = parse_mapping(example("toml"))
    with open_records(file, mapping.file) as records:
        rows = [dict(zip(records.columns, each.cells, strict=True)) for each in records]
    first, second = (imported(mapping, row)[0] for row in rows)
    assert first.stage == "closed"
    assert first.received_at == datetime(2025, 3, 1, 9, 30, tzinfo=SHANGHAI)
    assert first.closed_at == datetime(2025, 3, 4, tzinfo=SHANGHAI)
    assert msgspec.to_builtins(first.facts) == {
        "source_system": "oldshop",
        "nature": "complaint",
        "origin": "person",
        "language": "zh-CN",
        "external_ref": "A-1001",
        "channel": "phone",
        "narrative": "空调不制冷，\n报修两次。",
        "product": {"model": "KFR-35"},
        "purchase": {"date": "2024-06-18"},
        "disputed_amount": {"minor": 1250, "currency": "CNY"},
        "special_groups": {"values": ["老年人", "外籍人士"], "source": "oldshop"},
    }
    assert first.source_facts == {"status": "已结案", "finished_on": "2025-03-04"}
    assert second.stage == "assessed"
    assert second.assessment is not None
    assert second.assessment.category.path == ["物流时效"]
    assert second.facts.disputed_amount is None
    assert second.facts.special_groups is None


def test_a_time_with_an_offset_is_kept_as_told() -> None:
    text = example("toml").replace('"%Y/%m/%d %H:%M"', '"%Y-%m-%dT%H:%M:%S%z"')
    row = dict.fromkeys(parse_mapping(text).columns, "")
    row |= {"工单号": "1", "渠道": "电话", "受理时间": "2025-03-01T09:30:15+01:00"}
    [order] = orders_of(parse_mapping(text), row).orders
    assert order.precision == "instant"
    assert msgspec.json.decode(order.body)["occurred_at"] == "2025-03-01T09:30:15+01:00"


@pytest.mark.parametrize(
    ("old", "new", "error"),
    [
        ('zone = "Asia/Shanghai"', 'zone = "Asia/Atlantis"', "zone: not the name of a time zone"),
        ('zone = "Asia/Shanghai"', "", "`zone`"),
        ('zone = "Asia/Shanghai"', "zone = 8", "zone: Expected `str`"),
        ("[closed]", "[clossed]", "`clossed`"),
        ('narrative = { column = "描述" }', "narrative = {}", 'fields."narrative": the table'),
        ("narrative =", "narative =", 'fields."narative": a registration has no such field'),
        ('"product.model" =', "product =", 'fields."product": name one of its parts: sku, model'),
        (', split = ";"', "", 'fields."special_groups.values": is a list: give split'),
        ('type = "amount"', 'type = "text"', "type has to be integer or amount"),
        ('type = "amount"', 'type = "money"', 'fields."disputed_amount.minor".type: Invalid'),
        ('"disputed_amount.currency" = "CNY"', "", "disputed_amount.currency is missing beside"),
        ('"CNY"', '"yuan"', 'constants."disputed_amount.currency": the field cannot be this'),
        ('"phone"', '"By phone"', 'fields."channel": values."电话": the field cannot be this'),
        ('origin = "person"', "", "fields.origin: missing"),
        ('工单号", required = true', '工单号"', "fields.external_ref.required: has to be true"),
        ('latest = ["finished_on"]', 'latest = ["status"]', "latest: status is no source fact"),
        ('values = ["已结案"]', "", "closed: give values or starts_with"),
        ("[source_facts.status]", '[source_facts."A B"]', "the name of a fact is a code"),
        ("taxonomy_version", "version", "category: "),
        ("[constants]", "[constants]\noccurred_at = 1", "is set by the import itself"),
        ("[received]", "[received", "not TOML"),
    ],
)
def test_a_mapping_that_could_not_work_names_the_key(old: str, new: str, error: str) -> None:
    text = example("toml")
    assert old in text
    with pytest.raises(MappingError) as refused:
        parse_mapping(text.replace(old, new), "mine.toml")
    assert "mine.toml: " in str(refused.value)
    assert error in str(refused.value)


def test_a_mapping_that_is_nowhere_names_those_that_are_shipped() -> None:
    with pytest.raises(MappingError, match=r"neither a shipped mapping \(cfpb\) nor a file"):
        load_mapping("nowhere.toml")
