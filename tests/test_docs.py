"""The documentation generated from the code is in step with the code."""

import subprocess
import sys
from pathlib import Path

from docs import metrics_page
from docs.generate import FILE, deciders, parts, rejections, write
from domain.policies import ALL_POLICIES

ROOT = Path(__file__).parent.parent
AGAIN = "docs/events.md is out of step: run `python -m docs.generate`"


def test_the_page_of_events_is_in_step_with_the_structs() -> None:
    assert FILE.read_text(encoding="utf-8") == write(), AGAIN


def test_the_page_of_metrics_is_in_step_with_the_catalogue() -> None:
    page = metrics_page.FILE.read_text(encoding="utf-8")
    assert page == metrics_page.write(), "out of step: run `python -m docs.generate`"


def test_every_command_event_part_and_rejection_is_on_the_page() -> None:
    page = FILE.read_text(encoding="utf-8")
    kinds = [kind for decider in deciders() for kind in (*decider.commands, *decider.events)]
    for kind in (*kinds, *parts(kinds)):
        assert f"\n### {kind.__name__}\n" in page
    for rule in rejections():
        assert f"| {rule.__name__} | {rule.status} | {rule.title} | {rule.title_zh} |" in page


def test_every_policy_is_on_the_page() -> None:
    page = FILE.read_text(encoding="utf-8")
    for policy in ALL_POLICIES:
        [told] = [part for part in page.split("\n### ") if part.startswith(f"{policy.name}\n")]
        assert told.split("\n")[2].endswith("."), "told in a sentence"
        assert all(f"`{name}`" in told for name in policy.event_types)


def test_every_link_on_the_page_leads_to_a_heading_of_the_page() -> None:
    page = FILE.read_text(encoding="utf-8")
    headings = [
        line.removeprefix("### ").lower() for line in page.splitlines() if line[:4] == "### "
    ]
    assert len(headings) == len(set(headings)), "two headings of one name"
    links = [part.split(")")[0] for part in page.split("](#")[1:]]
    assert links
    assert set(links) <= set(headings)


def test_the_page_is_the_same_whoever_writes_it() -> None:
    """Sets and dicts of another run have another order."""
    told = [
        subprocess.run(
            [sys.executable, "-c", "from docs.generate import write; print(write(), end='')"],
            cwd=ROOT,
            env={"PYTHONHASHSEED": seed, "PYTHONUTF8": "1", "PYTHONPATH": str(ROOT)},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    ]
    assert told[0] == told[1] == write().encode()
