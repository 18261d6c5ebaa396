"""The words by which complaints are found: normal forms, pairs of neighbours, nothing personal."""

from typing import Any

import pytest

from domain.complaint.intake import DetailAdded
from domain.complaint.vocabulary import Category, Facts, Product
from projections.search import MAX_SUBJECT, SearchRow, grams_of, pairs, plain
from tests import world
from tests.projections.folding import folded, told


def row(*events: Any) -> SearchRow:
    [found] = folded("search", *events)
    assert isinstance(found, SearchRow)
    return found


def of(*path: str) -> Category:
    return Category(path=list(path), taxonomy_version="t1")


@pytest.mark.parametrize(
    ("told", "same"),
    [
        ("ＫＦＲ－３５", "kfr-35"),
        ("ﬁne  Straße", "fine strasse"),
        ("ｶﾞ", "ガ"),
        ("空调\t漏", "空调 漏"),
    ],
)
def test_texts_are_compared_without_width_case_and_spaces(told: str, same: str) -> None:
    assert plain(told) == plain(same) == same


def test_a_text_is_kept_with_its_characters_and_pairs_of_neighbours() -> None:
    found = row(*world.assessed(category=of("空调漏水")))
    assert {"空", "调", "漏", "水", "空调", "调漏", "漏水"} <= set(found.grams)
    assert found.grams == sorted(found.grams)
    assert pairs("空") == []
    assert grams_of("空") == ["空"]
    assert grams_of("空调漏") == ["空调", "调漏"]


def test_a_later_judgement_takes_the_place_of_an_earlier_one() -> None:
    before, again = (
        world.assessed(category=of("空调")),
        world.assessed(category=of("冰箱"))[-1].event,
    )
    found = row(*before, told(again, 60))
    assert "冰箱" in found.subject
    assert "空调" not in found.subject


def test_the_product_learned_later_is_found_as_well() -> None:
    later = DetailAdded(details=Facts(product=Product(model="KFR-35", serial_no="SN-1")))
    found = row(*world.registered(product=None), told(later, 60))
    assert "kfr-35" in found.subject.split("\n")
    assert "sn-1" not in found.subject, "a serial number leads to a person"


def test_nobody_is_found_by_the_end_of_a_very_long_text() -> None:
    found = row(*world.assessed(tags=[f"{number:03}" + "长" * 497 for number in range(50)]))
    assert len(found.subject) == MAX_SUBJECT
