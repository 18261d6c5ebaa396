"""Try the API with generated requests: `python -m tests.schemathesis_run [--examples 200]`.

It serves a database of its own, with complaints at every stage, and asks Schemathesis for what
the OpenAPI document allows and for what it forbids. The ids of those complaints are fed in, so
that calls come as far as the decider; how many did is told for each route.
"""

import argparse
import random
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import schemathesis
from psycopg.conninfo import conninfo_to_dict
from rich.console import Console
from rich.progress import Progress
from rich.table import Table
from schemathesis import hooks
from schemathesis.core.result import Ok
from schemathesis.engine import events, from_schema

from api.app import all_routes
from api.logs import configure_logs
from ledger.embedded import Embedded
from ledger.migrate import ROLES, migrate
from tests.api.feeding import Feeder
from tests.api.serving import Api, served
from tests.conftest import Database

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "negative_data_rejection",
    "allow_header_conformance",
)
LEAST_SHARE = 0.5
"""Below this share of calls that find what they address, a route was not really tried."""


class Outcome(msgspec.Struct):
    """What a run found, and how far its calls came at each route."""

    seed: int
    statuses: dict[str, Counter[int]]
    findings: list[str]

    def past_404(self, route: str) -> float:
        """The share of calls that found what they addressed."""
        told = self.statuses[route]
        return 1 - told[404] / told.total() if told else 0.0

    @property
    def is_good(self) -> bool:
        """Whether nothing was found and every route was really tried."""
        shares = [self.past_404(route) for route in self.statuses]
        return not self.findings and all(share >= LEAST_SHARE for share in shares)


def run(
    api: Api,
    *,
    examples: int,
    seed: int,
    seconds: int | None = None,
    with_coverage: bool = True,
    every: int = 1,
    progress: Callable[[str], None] = lambda route: None,
) -> Outcome:
    """Call every operation of a served API with generated requests and check the answers.

    Besides the random examples, `with_coverage` walks along every limit in the schemas. Of the
    operations each `every`-th is called, the seed says from which on.
    """
    outcome = Outcome(seed, {}, [])
    feeder = Feeder(api, random.Random(seed))
    schema = schemathesis.openapi.from_url(
        f"{api.url}/openapi.json", config=_config(examples, seed, seconds, with_coverage)
    )
    # It cannot write lines of JSON: tests/api/test_bulk.py sends those, wrong ones included.
    names = sorted(route.operation for route in all_routes())
    left_out = [name for index, name in enumerate(names) if (index + seed) % every]
    schema = schema.exclude(operation_id=sorted({"GiveCommands", *left_out}))
    for found in schema.get_all_operations():
        assert isinstance(found, Ok), "the document is valid"
        outcome.statuses[found.ok().label] = Counter()

    def before_call(context: Any, case: Any, kwargs: Any) -> None:
        feeder.feed(case)

    def after_call(context: Any, case: Any, response: Any) -> None:
        if case.method == case.operation.method.upper():  # else it only tries the method
            outcome.statuses[case.operation.label][response.status_code] += 1
        feeder.learn(case, response.status_code)

    seen: set[tuple[str, ...]] = set()
    registered = [schemathesis.hook(before_call), schemathesis.hook(after_call)]
    try:
        for event in from_schema(schema).execute():
            if isinstance(event, events.ScenarioStarted) and event.label:
                progress(event.label)
            outcome.findings += _findings(event, seen)
    finally:
        for hook in registered:
            hooks.unregister(hook)
    outcome.findings += _standstill(api)
    return outcome


def _config(
    examples: int, seed: int, seconds: int | None, with_coverage: bool
) -> schemathesis.Config:
    config: dict[str, Any] = {
        "seed": seed,
        "cache": {"enabled": False},
        "generation": {"max-examples": examples, "no-shrink": True, "database": "none"},
        "checks": {"enabled": False, **{name: {"enabled": True} for name in CHECKS}},
        "phases": {"stateful": {"enabled": False}, "coverage": {"enabled": with_coverage}},
    }
    if seconds is not None:
        config["max-time"] = seconds
    return schemathesis.Config.from_dict(config)


def _findings(event: Any, seen: set[tuple[str, ...]]) -> list[str]:
    """What an event of the run says is wrong, each kind of it at a route once."""
    if isinstance(event, events.FatalError):
        return [f"the run broke: {event.exception!r}"]
    if isinstance(event, events.NonFatalError):
        return [f"{event.label}: {event.value!r}"]
    found = []
    for case_id, checks in event.recorder.checks.items() if _is_scenario(event) else ():
        for check in checks:
            failure = check.failure_info.failure if check.failure_info else None
            kind = (check.name, event.label or "", failure.title if failure else "")
            if failure is not None and kind not in seen:
                seen.add(kind)
                sent = event.recorder.interactions[case_id]
                told = sent.response.text[:300] if sent.response else "no answer"
                found.append(
                    f"{check.name} at {event.label}: {failure.title}\n{failure.message}\n"
                    f"sent: {sent.request.uri} {(sent.request.body or b'')[:500]!r}\ntold: {told}"
                )
    return found


def _is_scenario(event: Any) -> bool:
    return isinstance(event, events.ScenarioFinished)


def _standstill(api: Api) -> list[str]:
    """The views that a command which was accepted has brought to a standstill."""
    last = api.get(f"/v1/complaints/{api.register()}").headers["Ledger-Position"]
    listed = api.get("/v1/complaints", at_least=last)
    checks = api.http.get("/health/ready").json()["checks"]
    halted = [text for name, text in checks.items() if "halted" in text]
    return halted if listed.is_success else [listed.text, *halted]


# --- as a program ---------------------------------------------------------------------------


def main(arguments: list[str] | None = None) -> int:
    """Serve a fresh database, run, and tell; non-zero where anything was found."""
    parser = argparse.ArgumentParser(prog="tests.schemathesis_run", description=__doc__)
    parser.add_argument("--examples", type=int, default=200, help="examples an operation")
    parser.add_argument("--seconds", type=int, help="stop after this time")
    parser.add_argument("--seed", type=int, default=None, help="repeat a run")
    told = parser.parse_args(arguments)
    seed = random.SystemRandom().randrange(2**32) if told.seed is None else told.seed
    console = Console()
    configure_logs("console", quiet=True)
    console.print(f"seed {seed}, {told.examples} examples an operation")
    with (
        tempfile.TemporaryDirectory() as folder,
        fresh_database(Path(folder)) as database,
        served(database) as api,
        Progress(console=console, transient=True) as bar,
    ):
        task = bar.add_task("starting", total=None)
        outcome = run(
            api,
            examples=told.examples,
            seed=seed,
            seconds=told.seconds,
            progress=lambda route: bar.update(task, description=route),
        )
    show(outcome, console)
    return 0 if outcome.is_good else 1


@contextmanager
def fresh_database(folder: Path) -> Iterator[Database]:
    """A migrated database on a server of its own."""
    server = Embedded(folder / "postgres")
    server.start()
    try:
        passwords = {role: str(conninfo_to_dict(server.uri(role))["password"]) for role in ROLES}
        migrate(server.uri(), passwords=passwords)
        yield Database(server, str(conninfo_to_dict(server.uri())["dbname"]))
    finally:
        server.remove()


def show(outcome: Outcome, console: Console) -> None:
    """How far the calls came at each route, and what was found."""
    table = Table("route", title=f"seed {outcome.seed}")
    for column in ("calls", "past 404", "done", "refused", "invalid", "ill-formed"):
        table.add_column(column, justify="right")
    for route, told in outcome.statuses.items():
        share = outcome.past_404(route)
        table.add_row(
            route,
            str(told.total()),
            f"{share:.0%}",
            *(str(sum(told[status] for status in group)) for group in GROUPS),
            style=None if share >= LEAST_SHARE else "red",
        )
    console.print(table)
    for finding in outcome.findings:
        console.print(finding, style="red", markup=False)
    console.print("nothing found" if outcome.is_good else "see above", style="bold")


GROUPS = ((200, 201), (409, 412), (413, 415, 422), (400,))

if __name__ == "__main__":
    sys.exit(main())
