"""The command line starts with no more than what was asked for needs."""

import inspect
import subprocess
import sys

import pytest

from api.cli import Later, closedloop

SHORT = ("migrate", "uri", "stop", "status", "key", "park", "unpark", "skip", "backup", "restore")
LONG_TO_IMPORT = {"litestar", "uvicorn", "structlog", "api.app", "projections.engine"}
LISTED = {name: found for name, found in closedloop.commands.items() if isinstance(found, Later)}


def modules_after(program: str) -> set[str]:
    """What a new process has imported when it has carried this out."""
    printed = subprocess.run(
        [sys.executable, "-c", f"{program}\nimport sys\nprint(*sys.modules)"],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    ).stdout
    return set(printed.split("\n")[-2].split())


def test_whoever_asks_for_help_waits_for_no_database_library() -> None:
    loaded = modules_after(
        "from api.cli import closedloop\nclosedloop(['--help'], standalone_mode=False)"
    )
    assert "rich_click" in loaded
    assert loaded & {*LONG_TO_IMPORT, "psycopg", "domain.complaint"} == set()


def test_a_short_command_does_not_wait_for_what_the_long_ones_need() -> None:
    loaded = modules_after(
        f"from api.cli import closedloop\nfor name in {SHORT}: closedloop.commands[name].whole()"
    )
    assert "psycopg" in loaded
    assert loaded & LONG_TO_IMPORT == set()


@pytest.mark.parametrize("listed", LISTED.values(), ids=LISTED.keys())
def test_the_list_tells_of_a_command_what_it_tells_of_itself(listed: Later) -> None:
    told = inspect.cleandoc(listed.whole().help or "").partition("\n\n")[0]
    assert listed.help == " ".join(told.split())


def test_every_command_is_in_the_list() -> None:
    assert set(LISTED) == set(closedloop.commands)
    assert LISTED.keys() >= set(SHORT)
