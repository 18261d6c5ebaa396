"""The shape of the code: who may import whom, what stays out of the domain, how long things are.

A file above 300 lines or a function above 60 says why in a comment that begins `# long:`.
"""

import ast
import string
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from docs.generate import deciders, parts, rejections

ROOT = Path(__file__).parent.parent
PACKAGES = ("domain", "ledger", "projections", "api")  # each may import those before it
EVERYTHING = (*PACKAGES, "docs", "bench", "migrations", "tests")
MAX_FILE, MAX_FUNCTION = 300, 60
STAGE_FILE_MAY = {
    "domain.complaint.state",
    "domain.complaint.guards",
    "domain.complaint.vocabulary",
    "domain.kernel",
    "domain.rules",
}
NOT_A_STAGE_FILE = {"__init__", "state", "vocabulary", "guards"}
SHARED_BY_SLICES = {
    "domain.kernel", "domain.rules", "domain.handles", "domain.personal", "domain.time",
}  # fmt: skip
NOT_SLICES = {"policies", "time"}  # folders of the domain that are none
IMPURE = {
    "asyncio", "http", "io", "logging", "multiprocessing", "os", "pathlib", "random", "secrets",
    "shutil", "signal", "socket", "sqlite3", "ssl", "subprocess", "tempfile", "threading", "time",
    "urllib",
}  # fmt: skip
CLOCKS = {"now", "utcnow", "today", "uuid1", "uuid4", "monotonic", "perf_counter", "time_ns"}
BUILTINS = {"open", "print", "input", "eval", "exec"}


def files(*packages: str) -> list[Path]:
    """The Python files of these packages, as paths from the root."""
    return sorted(
        path.relative_to(ROOT) for package in packages for path in (ROOT / package).rglob("*.py")
    )


@cache
def tree(path: Path) -> ast.Module:
    """What a file says."""
    return ast.parse((ROOT / path).read_text(encoding="utf-8"), str(path))


def module(path: Path) -> str:
    """The name a file is imported by."""
    parts = path.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(path: Path) -> Iterator[str]:
    """The modules a file imports, those it imports names from included."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno} imports relatively"
            source = node.module or ""
            yield source
            yield from (f"{source}.{n.name}" for n in node.names if is_module(f"{source}.{n.name}"))


def is_module(name: str) -> bool:
    """Whether a name is one of our modules."""
    path = ROOT.joinpath(*name.split("."))
    return path.with_suffix(".py").exists() or path.is_dir()


def ours(path: Path) -> set[str]:
    """What a file imports of this project."""
    return {name for name in imports(path) if name.split(".")[0] in EVERYTHING}


def within(name: str, allowed: set[str]) -> bool:
    """Whether a module is one of those allowed, or inside one."""
    return any(name == one or name.startswith(f"{one}.") for one in allowed)


def slice_of(name: str) -> str | None:
    """The slice a module belongs to."""
    parts = name.split(".")
    is_slice = len(parts) > 1 and parts[0] == "domain" and (ROOT / "domain" / parts[1]).is_dir()
    return parts[1] if is_slice and parts[1] not in NOT_SLICES else None


# --- who may import whom --------------------------------------------------------------------


@pytest.mark.parametrize("path", files(*PACKAGES), ids=str)
def test_imports_point_one_way(path: Path) -> None:
    """domain, then ledger, then projections, then api; tests and docs are imported by nobody."""
    allowed = set(PACKAGES[: PACKAGES.index(path.parts[0]) + 1])
    assert {name for name in ours(path) if name.split(".")[0] not in allowed} == set()


@pytest.mark.parametrize("path", files("ledger"), ids=str)
def test_the_ledger_knows_of_the_domain_only_its_kernel(path: Path) -> None:
    known = {name for name in ours(path) if name.split(".")[0] == "domain"} - {"domain"}
    assert {name for name in known if not within(name, {"domain.kernel", "domain.rules"})} == set()


@pytest.mark.parametrize("path", files("domain/complaint"), ids=str)
def test_stage_files_never_import_each_other(path: Path) -> None:
    if path.stem == "__init__":  # it joins them
        return
    allowed = STAGE_FILE_MAY
    if path.stem in NOT_A_STAGE_FILE:
        allowed = allowed - {"domain.complaint.guards"}
    if path.stem in ("state", "vocabulary"):
        allowed = allowed - {"domain.complaint.state"}
    known = ours(path) - {"domain.complaint"}
    assert {name for name in known if not within(name, allowed)} == set()


@pytest.mark.parametrize("path", files("domain"), ids=str)
def test_slices_never_import_slices(path: Path) -> None:
    mine = slice_of(module(path))
    if path.parts[1] == "policies":
        return
    others = {name for name in ours(path) if slice_of(name) not in (None, mine)}
    assert others == set(), "only policies may know two slices"
    if mine is not None:
        allowed = {f"domain.{mine}", *SHARED_BY_SLICES}
        assert {n for n in ours(path) - {"domain"} if not within(n, allowed)} == set()


# --- a pure domain --------------------------------------------------------------------------


@pytest.mark.parametrize("path", files("domain"), ids=str)
def test_the_domain_knows_nothing_but_the_standard_library_and_msgspec(path: Path) -> None:
    allowed = {"domain", "msgspec", *sys.stdlib_module_names} - IMPURE
    if path.parts[1] == "time":
        allowed |= {"holidays"}
    assert {name for name in imports(path) if name.split(".")[0] not in allowed} == set()


@pytest.mark.parametrize("path", files("domain"), ids=str)
def test_the_domain_has_no_clock_no_chance_and_no_input_or_output(path: Path) -> None:
    found = []
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Call):
            called = node.func
            if isinstance(called, ast.Attribute) and called.attr in CLOCKS:
                found.append(f"{path}:{node.lineno} {called.attr}()")
            if isinstance(called, ast.Name) and called.id in CLOCKS | BUILTINS:
                found.append(f"{path}:{node.lineno} {called.id}()")
    assert found == []


# --- how long things are --------------------------------------------------------------------


@pytest.mark.parametrize("path", files(*EVERYTHING), ids=str)
def test_a_file_or_a_function_that_is_long_says_why(path: Path) -> None:
    lines = (ROOT / path).read_text(encoding="utf-8").splitlines()
    too_long = []
    if len(lines) > MAX_FILE and not any("# long: " in line for line in lines[:20]):
        too_long.append(f"{path}: {len(lines)} lines")
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            body = lines[node.lineno - 1 : node.end_lineno]
            if len(body) > MAX_FUNCTION and not any("# long: " in line for line in body):
                too_long.append(f"{path}:{node.lineno} {node.name}: {len(body)} lines")
    assert too_long == []


# --- what is said of things -----------------------------------------------------------------

KINDS = [kind for decider in deciders() for kind in (*decider.commands, *decider.events)]
NAMED: Any = {"ids": lambda kind: kind.__name__}


@pytest.mark.parametrize("kind", [*KINDS, *rejections()], **NAMED)
def test_every_command_event_and_rejection_is_told_in_one_sentence_of_its_own(kind: Any) -> None:
    told = kind.__dict__.get("__doc__") or ""
    assert told, f"{kind.__name__} has no docstring of its own"
    sentence = " ".join(told.split())
    assert sentence.endswith(".")
    assert ". " not in sentence, "one sentence"
    assert sentence[0].isupper() or not sentence[0].isascii()


@pytest.mark.parametrize("kind", [*KINDS, *parts(KINDS)], **NAMED)
def test_what_was_told_or_has_happened_cannot_be_changed(kind: Any) -> None:
    config = kind.__struct_config__
    assert config.frozen
    assert config.omit_defaults, "what is unknown is not stored"


@pytest.mark.parametrize(
    "kind", [kind for decider in deciders() for kind in decider.commands], **NAMED
)
def test_a_command_is_strict_about_its_fields(kind: Any) -> None:
    for part in (kind, *parts([kind])):
        assert part.__struct_config__.forbid_unknown_fields, part.__name__


@pytest.mark.parametrize("rule", rejections(), **NAMED)
def test_every_rejection_explains_itself_in_english_and_in_chinese(rule: Any) -> None:
    for name in ("title", "title_zh", "detail", "detail_zh"):
        assert rule.__dict__.get(name), f"{rule.__name__} has no {name} of its own"
    assert facts(rule.detail) == facts(rule.detail_zh), "both name the same facts"
    assert rule.title.isascii()
    assert not rule.title_zh.isascii()
    assert not rule.detail_zh.isascii()
    assert rule.detail.endswith(".")
    assert rule.detail_zh.endswith("。")


def facts(text: str) -> set[str]:
    """The facts a text names in braces."""
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


def test_no_two_rejections_and_no_two_kinds_share_a_name() -> None:
    rules = [rule.__name__ for rule in rejections()]
    assert len(rules) == len(set(rules))
    names = [kind.__name__ for kind in KINDS]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("decider", deciders(), ids=lambda decider: decider.name)
def test_every_command_and_event_of_a_slice_is_in_its_unions(decider: Any) -> None:
    """Whatever is written under "commands" or "events" is also wired up."""
    declared = {
        node.name: {base.id for base in node.bases if isinstance(base, ast.Name)}
        for path in files("domain")
        if slice_of(module(path)) == slice_of(decider.decide.__module__)
        for node in tree(path).body
        if isinstance(node, ast.ClassDef)
    }
    commands = {name for name, bases in declared.items() if "Command" in bases}
    events = {name for name, bases in declared.items() if "Event" in bases}
    assert commands <= {kind.__name__ for kind in decider.commands}
    assert events <= {kind.__name__ for kind in decider.events}
    assert commands | events
