"""The acceptance lists of the issues, one line an item: `make accept`.

    python tests/accept.py [ITEM ...] [--examples 200]

Works on a fresh clone with a virtual environment of its own, in a temporary folder. Item 2 and 3
need the whole sample: CLOSEDLOOP_SAMPLE, by default ../shared/data/cfpb_sample.csv.
"""

# long: one function an item, and every item of the list in one place

import argparse
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
SAMPLE = Path(
    os.environ.get("CLOSEDLOOP_SAMPLE") or REPOSITORY.parent / "shared/data/cfpb_sample.csv"
)
BY_CHANNEL = {"web": 2669, "referral": 207, "phone": 160, "postal_mail": 86, "fax": 39}


class Failed(Exception):
    """An item of the list does not hold."""


class Clone:
    """A fresh clone with its own data folder, port and virtual environment."""

    def __init__(self, folder: Path, account: str | None = None) -> None:
        self.folder = folder / "closedloop"
        self.account = account
        subprocess.run(["git", "clone", "-q", str(REPOSITORY), str(self.folder)], check=True)
        if account is not None:
            subprocess.run(["chown", "-R", account, str(folder)], check=True)
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.environment = {
            name: value
            for name, value in os.environ.items()
            if name not in ("VIRTUAL_ENV", "DATABASE_URL", "DATABASE_URL_APP", "CLOSEDLOOP_DATA")
        } | {"CLOSEDLOOP_PORT": str(self.port), "HOME": str(folder)}

    def start(self, *words: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            words,
            cwd=self.folder,
            env=self.environment,
            user=self.account,
            group=self.account,
            extra_groups=[] if self.account else None,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def run(self, *words: str, status: int = 0) -> str:
        process = self.start(*words)
        output, _ = process.communicate()
        if process.returncode != status:
            raise Failed(f"{' '.join(words)}: status {process.returncode}\n{output[-3000:]}")
        return output

    def closedloop(self, *words: str, status: int = 0) -> str:
        return self.run(".venv/bin/closedloop", *words, status=status)

    def query(self, role: str, statement: str) -> list[list[object]]:
        """Rows as a login of the database reads them."""
        script = (
            "import json, psycopg, sys\n"
            "rows = psycopg.connect(sys.argv[1]).execute(sys.argv[2]).fetchall()\n"
            "print(json.dumps(rows, default=str))"
        )
        uri = self.closedloop("uri", "--role", role).strip()
        found: list[list[object]] = json.loads(
            self.run(".venv/bin/python", "-c", script, uri, statement)
        )
        return found


def expect(name: str, found: object, wanted: object) -> None:
    """Fail where something is not as it should be."""
    if found != wanted:
        raise Failed(f"{name}: expected {wanted}, found {found}")


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
        if int(str(registered)) > 2000:
            break
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
    while True:
        rows = clone.query(
            "owner",
            "SELECT min(p.position), max(h.position) FROM views.positions AS p"
            " JOIN ledger.heads AS h USING (partition)",
        )
        if rows[0][0] == rows[0][1]:
            break
    os.killpg(worker.pid, signal.SIGTERM)
    worker.communicate(timeout=60)
    found = {"live": clone.closedloop("status", "--digests")}
    for batch in ("1", "7", "1000"):
        clone.closedloop("rebuild", "all", "--batch", batch)
        found[batch] = clone.closedloop("status", "--digests")
    expect("digests", len(set(found.values())), 1)
    return "digests agree"


def roles(clone: Clone) -> str:
    """4: what each role may do, on PostgreSQL 16 and 18, with an owner who is no superuser."""
    return _tests(clone, "tests/ledger/test_roles.py")


def killed(clone: Clone) -> str:
    """5: kill -9 of the server under load."""
    return _tests(clone, "tests/faults/test_kill.py")


def attainment(clone: Clone) -> str:
    """6: bi.sla_attainment of the demo against an independent computation."""
    return _tests(clone, "tests/projections", "tests/api/test_simulate.py")


def schemathesis(clone: Clone) -> str:
    """7: generated requests against every operation."""
    clone.run("make", "check")
    output = clone.run("make", "schemathesis", f"ARGS=--examples {EXAMPLES}")
    return output.strip().splitlines()[-1]


def partitions(clone: Clone) -> str:
    """3.4: views and API are the same with 1 and with 4 partitions; the library's contract."""
    paths = ("projections/test_partitions.py", "projections/test_policies_agree.py")
    more = ("api/test_partitions.py", "e2e/test_story.py", "ledger/test_contract.py")
    return _tests(clone, *(f"tests/{path}" for path in (*paths, *more)))


def streams(clone: Clone) -> str:
    """3.5: 10,000 lines in bulk, and the feed in pages and streams, in 1 and 4 partitions."""
    told = _tests(clone, "tests/api/test_bulk_lines.py", "tests/api/test_feed_ends.py")
    run = clone.run(".venv/bin/python", "-m", "tests.streams_run")
    return "; ".join([told, *run.strip().splitlines()])


def clients(clone: Clone) -> str:
    """3.7: generated clients compile and work, and an OpenAPI linter finds nothing."""
    return ", ".join(clone.run("make", "clients").strip().splitlines()[-2:])


def quarter(clone: Clone) -> str:
    """3.2025q3: the reports of 2025q3 say what the requirements say of that quarter."""
    clone.run("make", "setup")
    clone.closedloop("migrate")
    started = time.monotonic()
    told = clone.closedloop("simulate", "2025q3")  # fails where a share is not as asked for
    minutes = (time.monotonic() - started) / 60
    expect("what is told", "3,742 complaints" in told and "differs" not in told, True)
    again = clone.closedloop("simulate", "2025q3")
    expect("nothing is doubled", "0 of them new" in again, True)

    def share(condition: str) -> object:
        statement = (
            f"SELECT round(100.0 * count(*) FILTER (WHERE {condition}) / count(*), 1)::text"
            " FROM bi.complaints WHERE received_date BETWEEN '2025-07-01' AND '2025-09-30'"
        )
        [[found]] = clone.query("bi", statement)
        return found

    expect("complaints", clone.query("bi", "SELECT count(*) FROM bi.complaints"), [[3742]])
    expect("major", share("severity = 'major'"), "12.3")
    for channel, wanted in {"phone": "45.0", "wechat": "30.0", "web": "15.0"}.items():
        expect(channel, share(f"channel = '{channel}'"), wanted)
    expect("social", share("channel = 'social'"), "10.0")
    expect("service attitude", share("category_level_1 = '服务态度'"), "28.0")
    east = "region IN (SELECT region_id FROM bi.dim_region WHERE area_name_zh = '华东')"
    expect("华东", share(east), "38.6")
    peak = "received_hour IN (9, 10) AND extract(isodow FROM received_date) < 6"
    expect("between 9 and 11 on weekdays", share(peak), "27.3")
    classes = clone.query(
        "bi",
        "SELECT sum(initial_count)::int, sum(escalated_count)::int, sum(repeat_count)::int,"
        " sum(denominator_count)::int, sum(all_count)::int"
        " FROM bi.repeat_rate WHERE metric = 'repeat_share'",
    )
    expect("first, escalated, repeat, counted, all", classes, [[2432, 936, 374, 3742, 3742]])
    for report in ("sla_attainment WHERE judged_count > 0", "satisfaction WHERE valid_count > 0"):
        [[rows]] = clone.query("bi", f"SELECT count(*) > 0 FROM bi.{report}")
        expect(report, rows, True)
    return f"in {minutes:.1f} minutes"


def _tests(clone: Clone, *paths: str) -> str:
    clone.run("make", "check")
    return clone.run(".venv/bin/python", "-m", "pytest", "-q", *paths).strip().splitlines()[-1]


ITEMS: dict[str, Callable[[Clone], str]] = {
    "1": two_commands,
    "2": whole_sample,
    "3": rebuilds,
    "4": roles,
    "5": killed,
    "6": attainment,
    "7": schemathesis,
    "3.4": partitions,
    "3.5": streams,
    "3.7": clients,
    "3.2025q3": quarter,
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
