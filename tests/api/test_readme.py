"""The README says what can be done: its story is lived, and both languages tell the same one."""

import re
import subprocess
from pathlib import Path

import pytest

from tests.api.serving import Api

ROOT = Path(__file__).parent.parent.parent
READMES = ("README.md", "README.zh-CN.md")


def blocks(readme: str) -> list[str]:
    """The blocks of commands, without what the comments say."""
    page = (ROOT / readme).read_text(encoding="utf-8")
    found = re.findall(r"^```(?:bash)?\n(.*?)^```", page, re.DOTALL | re.MULTILINE)
    return [re.sub(r"^# .*$|(?<=\s)# .*$", "#", block, flags=re.MULTILINE) for block in found]


@pytest.mark.parametrize("readme", READMES)
def test_the_story_of_the_readme_ends_with_a_verified_close(readme: str, api: Api) -> None:
    story = next(block for block in blocks(readme) if "ID=$(" in block)
    story = "\n".join(line for line in story.splitlines() if "bin/closedloop" not in line)
    story = story.replace("http://127.0.0.1:8000", api.url)
    done = subprocess.run(
        ["bash", "-euc", story],
        env={"PATH": "/usr/bin:/bin:/usr/local/bin", "KEY": api.keys["supervisor"]},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert '"close_reason":"verified"' in done.stdout, done.stdout
    assert done.stdout.count('"status":409') == 1, done.stdout


def test_both_languages_give_the_same_commands() -> None:
    english, chinese = (blocks(readme) for readme in READMES)
    assert english == chinese
    pages = [(ROOT / readme).read_text(encoding="utf-8") for readme in READMES]
    headings = [re.findall(r"^(#+) ", re.sub(r"```.*?```", "", page, flags=re.DOTALL), re.MULTILINE)
                for page in pages]  # fmt: skip
    assert headings[0] == headings[1], "and have the same parts"
    for page, other in zip(pages, reversed(READMES), strict=True):
        assert f"]({other})" in page
