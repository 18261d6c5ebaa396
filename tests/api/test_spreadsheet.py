"""CSV that a spreadsheet opens as it is meant: text as text, numbers as numbers."""

import csv
import io
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.spreadsheet import csv_of


def read(content: bytes) -> list[list[str]]:
    assert content.startswith(b"\xef\xbb\xbf"), "without the mark Excel takes it for another code"
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))


@pytest.mark.parametrize(
    "formula",
    ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", " =1", "=cmd|' /C calc'!A0",
     "＝1", "＋1", "－1", "＠x", "\u3000=1", "\xa0-1", "\tx", "\x00=1", "=\"a,b\"\r\n"],
)  # fmt: skip
def test_no_text_is_taken_for_a_formula(formula: str) -> None:
    assert read(csv_of(["x"], [[formula]]))[1] == [f"'{formula}"]
    assert read(csv_of([formula], []))[0] == [f"'{formula}"]


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        (None, ""),
        (-5, "-5"),
        (Decimal("-0.25"), "-0.25"),
        (True, "true"),
        (False, "false"),
        (datetime(2026, 3, 1, 9, tzinfo=UTC), "2026-03-01T09:00:00Z"),
        (date(2026, 3, 1), "2026-03-01"),
        (["产品质量", "空调"], "产品质量 > 空调"),
        (["=1", "x"], "'=1 > x"),
        ("空调，\"漏\"水\r\n", "空调，\"漏\"水\r\n"),
        ("a-b=c", "a-b=c"),
        ("", ""),
    ],
)  # fmt: skip
def test_values_are_written_as_the_api_writes_them(value: Any, cell: str) -> None:
    assert read(csv_of(["列", "n"], [[value, 1]])) == [["列", "n"], [cell, "1"]]


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_any_text_comes_back_as_it_was_but_for_the_apostrophe(text: str) -> None:
    _, [cell, _] = read(csv_of(["x", "y"], [[text, 1]]))
    assert cell.removeprefix("'") == text.removeprefix("'")
    assert not cell.lstrip("\x00 \t\r\n").startswith(("=", "+", "-", "@"))
