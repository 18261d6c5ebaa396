"""Writes the tables of docs/api.md from the code: `python -m docs.api_table`."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

from api.app import all_routes
from api.desk import COMMANDS, CUSTOMER_COMMANDS
from api.problems import GENERAL
from api.roles import ROLES, is_for_keys, table

FILE = Path(__file__).parent / "api.md"


def write(page: str) -> str:
    """The page with each table between its marks written anew."""
    for name, lines in (("roles", _roles()), ("problems", _problems())):
        start, end = f"<!-- {name}: generated -->", f"<!-- {name}: end -->"
        pattern = re.compile(f"{re.escape(start)}.*?{re.escape(end)}", re.DOTALL)
        if pattern.search(page) is None:
            raise ValueError(f"docs/api.md has lost its marks {start} and {end}")
        told = "\n".join([start, *lines, end])
        page = pattern.sub(lambda _, told=told: told, page)  # type: ignore[misc]
    return page


def _roles() -> Iterator[str]:
    yield f"| command | {' | '.join(ROLES)} |"
    yield f"| --- |{' :-: |' * len(ROLES)}"
    for command, allowed in table(filter(is_for_keys, (*COMMANDS, *CUSTOMER_COMMANDS))).items():
        yield f"| {command} | {' | '.join(_mark(allowed[role]) for role in ROLES)} |"
    for route in all_routes():
        if route.roles is not None and route.body is None:
            marks = (_mark(role in route.roles) for role in ROLES)
            yield f"| `{route.method} {route.path}` | {' | '.join(marks)} |"


def _mark(allowed: bool) -> str:
    return "yes" if allowed else ""


def _problems() -> Iterator[str]:
    yield "| status | code | title | 标题 | retry |"
    yield "| --- | --- | --- | --- | --- |"
    for problem in GENERAL:
        retry = "yes" if problem.retryable else ""
        told = (str(problem.status), f"`{problem.code}`", problem.title, problem.title_zh, retry)
        yield f"| {' | '.join(told)} |"


if __name__ == "__main__":
    FILE.write_text(write(FILE.read_text(encoding="utf-8")), encoding="utf-8")
    print(f"wrote {FILE.name}", file=sys.stderr)
