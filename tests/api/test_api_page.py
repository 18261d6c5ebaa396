"""docs/api.md says what the code does."""

import re

from api.app import all_routes
from api.desk import COMMANDS, CUSTOMER_COMMANDS
from api.list_query import FILTERS, SORTS
from docs.api_table import FILE, write
from tests.api.test_roles import GIVEN_BY, ROLES

PAGE = FILE.read_text(encoding="utf-8")


def test_its_tables_are_in_step_with_the_code() -> None:
    assert write(PAGE) == PAGE, "docs/api.md is out of step: run `python -m docs.api_table`"


def test_its_table_of_roles_is_the_one_that_is_tried() -> None:
    told: dict[str, set[str]] = {}
    for line in PAGE.splitlines():
        _, *cells = (cell.strip() for cell in line.split("|"))
        if cells and cells[0] in COMMANDS | CUSTOMER_COMMANDS:
            marks = zip(ROLES, cells[1:-1], strict=True)
            told[cells[0]] = {role for role, mark in marks if mark == "yes"}
    assert told == GIVEN_BY


def test_it_names_every_parameter_of_the_list() -> None:
    for name in (*FILTERS, "received_from", "received_to", "at_least", "cursor", "limit", "fields"):
        assert re.search(rf"\b{name}\b", PAGE), name
    assert set(re.findall(r"sort=([\w,-]+)", PAGE)) == {"-severity,received_at", "due_at"}
    assert {"severity", "received_at", "due_at"} <= set(SORTS)


def test_every_path_it_names_exists() -> None:
    known = {(route.method, route.path) for route in all_routes()}
    named = re.findall(r"`(GET|POST) (/[^`?]*)`", PAGE)
    assert named
    for method, path in named:
        assert (method, path.replace("{command}", "accept-complaint")) in known
