"""The acceptance lists of the issues, one line an item: `make accept`.

    python -m tests.accept [ITEM ...] [--examples 200]

Works on a fresh clone with a virtual environment of its own, in a temporary folder. Item 2 and 3
need the whole sample: CLOSEDLOOP_SAMPLE, by default ../shared/data/cfpb_sample.csv. Items without
a dot are those of the spine (and so 3.6: it still holds); the others are in `tests.accept_whole`.
"""

import argparse
import os
import re
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from tests import accept_whole
from tests.accepting import REPOSITORY, Clone, Failed, expect, tests_of

SAMPLE = Path(
    os.environ.get("CLOSEDLOOP_SAMPLE") or REPOSITORY.parent / "shared/data/cfpb_sample.csv"
)
BY_CHANNEL = {"web": 2669, "referral": 207, "phone": 160, "postal_mail": 86, "fax": 39}


# --- the items ------------------------------------------------------------------------------


def two_commands(clone: Clone) -> str:
    """1: `make run`, then the README's story to the letter; Ctrl-C; `make test` in time."""
    process = clone.start("make", "run")
    assert process.stdout is not None
    printed = ""
    while "export KEY=" not in printed:
        line = process.stdout.readline()
        if not line:
            raise Failed(f"make run ended:\n{printed[-3000:]}")
        printed += line
    key = re.search(r"export KEY=(\S+)", printed)
    assert key is not None
    readme = (clone.folder / "README.md").read_text()
    block = re.search(r"```bash\n(.*?)```", readme, re.DOTALL)
    assert block is not None
    story = block[1].replace("127.0.0.1:8000", f"127.0.0.1:{clone.port}")
    clone.environment["KEY"] = key[1]
    told = clone.run("bash", "-euc", f"sleep 1; {story}")
    expect("closed as verified", '"close_reason":"verified"' in told, True)
    expect("one refusal", told.count('"status":409'), 1)
    os.killpg(process.pid, signal.SIGINT)
    process.communicate(timeout=60)
    expect("nothing runs on", "not running" in clone.closedloop("status"), True)
    clone.run("make", "check")  # makes the environment of the tests as well
    started = time.monotonic()
    clone.run("make", "test")
    minutes = (time.monotonic() - started) / 60
    if minutes >= 6:
        raise Failed(f"make test took {minutes:.1f} minutes")
    return f"make test in {minutes:.1f} minutes"


def whole_sample(clone: Clone) -> str:
    """2: every count of the whole sample from bi; twice; another CSV; kill -9 in the middle."""
    clone.run("make", "setup")
    clone.closedloop("migrate")
    killed = clone.start(".venv/bin/closedloop", "import", str(SAMPLE), "--rejects", "r.csv")
    while True:
        [[registered]] = clone.query("owner", "SELECT count(*) FROM ledger.commands")
        if int(str(registered)) > 2000 or killed.poll() is not None:
            break
    expect("the import while it is killed", killed.poll(), None)
    os.killpg(killed.pid, signal.SIGKILL)
    killed.communicate()
    clone.closedloop("import", str(SAMPLE), "--rejects", "r.csv")
    _check_counts(clone)
    [before] = clone.query("owner", "SELECT position FROM ledger.heads")
    clone.closedloop("import", str(SAMPLE), "--rejects", "r.csv")
    [after] = clone.query("owner", "SELECT position FROM ledger.heads")
    expect("events after importing again", after, before)
    lines = SAMPLE.read_text().splitlines()
    other = clone.folder / "other.csv"
    row = (
        '2026-01-05,Mortgage,,Other,,"One line,\nanother",,"Bank, N.A.",NY,10001,,,'
        "Web,2026-01-06,In progress,Yes,,9999999"
    )
    other.write_text(f"{lines[0]}\n{row}\n")
    if clone.account:
        shutil.chown(other, clone.account)
    clone.closedloop("import", str(other))
    clone.closedloop("rebuild", "complaints")
    [[web]] = clone.query("bi", "SELECT count(*) FROM bi.complaints WHERE channel = 'web'")
    expect("web after another CSV", web, BY_CHANNEL["web"] + 1)
    return f"{sum(BY_CHANNEL.values()):,} complaints"


def _check_counts(clone: Clone) -> None:
    clone.closedloop("rebuild", "all")

    def counts(column: str) -> dict[str, int]:
        rows = clone.query("bi", f"SELECT {column}, count(*) FROM bi.complaints GROUP BY 1")
        return {str(value): int(str(count)) for value, count in rows}

    import csv

    with SAMPLE.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))

    def told(column: str) -> dict[str, int]:
        found: dict[str, int] = {}
        for row in rows:
            value = row[column].strip()
            if value:
                found[value] = found.get(value, 0) + 1
        return found

    expect("by channel", counts("channel"), BY_CHANNEL)
    expect("by product", counts("category_level_1"), told("Product"))
    responses = counts("company_response")
    responses.pop("unknown", None)
    expect("by company response", responses, told("Company response to consumer"))
    timely, disputed = counts("is_timely_response"), counts("is_disputed_at_source")
    expect("timely", (timely.get("True"), timely.get("False")), (3109, 52))
    expect("disputed", (disputed.get("True"), disputed.get("False")), (3, 8))
    closed = counts("close_reason")
    expect("closed as imported", closed.get("imported"), 3134)
    expect("open", counts("is_open").get("True"), 27)
    expect("verified", closed.get("verified", 0), 0)
    expect("clocks", clone.query("bi", "SELECT count(*) FROM bi.sla_clocks"), [[0]])


def rebuilds(clone: Clone) -> str:
    """3: rebuilds in batches of 1, 7 and 1,000 equal what was built live, on all of the sample."""
    clone.run("make", "setup")
    clone.closedloop("migrate")
    worker = clone.start(".venv/bin/closedloop", "work")
    clone.closedloop("import", str(SAMPLE), "--rejects", "r.csv")
    clone.work_off(worker)
    found = {"live": clone.closedloop("status", "--digests")}
    for batch in ("1", "7", "1000"):
        clone.closedloop("rebuild", "all", "--batch", batch)
        found[batch] = clone.closedloop("status", "--digests")
    expect("digests", len(set(found.values())), 1)
    return "digests agree"


def roles(clone: Clone) -> str:
    """4: what each role may do, on PostgreSQL 16 and 18, with an owner who is no superuser."""
    return tests_of(clone, "tests/ledger/test_roles.py")


def killed(clone: Clone) -> str:
    """5: kill -9 of the server under load."""
    return tests_of(clone, "tests/faults/test_api_killed.py", CLOSEDLOOP_FAULTS="full")


def attainment(clone: Clone) -> str:
    """6: bi.sla_attainment of the demo against an independent computation."""
    return tests_of(clone, "tests/projections", "tests/api/test_simulate.py")


def schemathesis(clone: Clone) -> str:
    """7: generated requests against every operation."""
    clone.run("make", "check")
    output = clone.run("make", "schemathesis", f"ARGS=--examples {EXAMPLES}")
    return output.strip().splitlines()[-1]


ITEMS: dict[str, Callable[[Clone], str]] = {
    "1": two_commands,
    "2": whole_sample,
    "3": rebuilds,
    "4": roles,
    "5": killed,
    "6": attainment,
    "7": schemathesis,
    "3.1": accept_whole.table_and_machine,
    "3.2": accept_whole.independently,
    "3.2025q3": accept_whole.quarter,
    "3.3": accept_whole.named,
    "3.4": accept_whole.partitions,
    "3.5": accept_whole.streams,
    "3.7": accept_whole.clients,
}
EXAMPLES = 200


def main() -> int:
    """Go through the list and print one line an item."""
    global EXAMPLES
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("items", nargs="*", choices=[*ITEMS, []], default=[])
    parser.add_argument("--examples", type=int, default=EXAMPLES)
    parser.add_argument("--user", help="An ordinary account to do it as; needs root.")
    arguments = parser.parse_args()
    EXAMPLES = arguments.examples
    failures = 0
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        for name in arguments.items or ITEMS:
            item = ITEMS[name]
            place = Path(folder) / name
            place.mkdir()
            clone = Clone(place, arguments.user)
            print(f"{item.__doc__} ", end="", flush=True)
            try:
                print(f"... ok ({item(clone)})", flush=True)
            except Failed as failure:
                failures += 1
                print(f"... FAILED\n{failure}", flush=True)
            finally:
                stop = clone.folder / ".venv/bin/closedloop"
                if stop.exists():
                    clone.closedloop("stop")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
