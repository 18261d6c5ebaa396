"""Writes `docs/events.md` from the Structs themselves: `python -m docs.generate`.

Run, it writes every page that is made from the code, `docs/metrics.md` too.
"""

import pkgutil
import sys
from collections.abc import Iterable, Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any, get_args

import msgspec.inspect as mi

import domain
from docs import metrics_page
from domain.complaint.vocabulary import Language
from domain.kernel import Code, Command, Decider, Event, Identifier, Rejected
from domain.personal import personal_paths
from domain.policies import ALL_POLICIES

FILE = Path(__file__).parent / "events.md"

HEAD = """\
# Commands, events and rejections

Written by `python -m docs.generate` from the code; do not edit. Stages, close reasons and what
each command needs are explained in the README.

**How to read it.** A field marked *yes* under "required" has to be there; any other may be absent
and is never defaulted. A field marked *personal* reaches no log, error, metric or BI table, and no
reader without the right. A time is RFC 3339 with an offset, kept as told. An amount is an integer
in minor units of its currency. A *code* is 1-64 of `a-z 0-9 _ . -`, beginning with a letter or
digit; an *id* is 1-64 of `A-Z a-z 0-9 . _ : -` and never a name, an address or a phone number.

Every **command** may carry, beside the fields listed: `occurred_at` (time: when it happened, if
not now), `reason_code` (code) and `reason_text` (personal text). Where one of them is listed, it
is required.

Every **event** may carry `reason_text` (personal text) beside the fields listed. What else is
known of it stands in its envelope: who, on whose behalf, by which client and command, when it
happened and when it was recorded, under which rules, and the reason code.
"""

# What the table of stages cannot say.
ALSO = {
    "CloseComplaint": "Besides, with the reason `imported` and by an import only: at any stage but"
    " `closed`; with the reason `final_position` at `final_position` only.",
    "ReopenComplaint": "A duplicate is unmerged instead.",
    "UnmergeComplaint": "Only where the close reason is `duplicate`.",
    "RecordSatisfaction": "At `in_progress` only in a later cycle, for the resolution before.",
}


# --- what there is --------------------------------------------------------------------------


def modules() -> list[ModuleType]:
    """Every module of the domain."""
    names = [found.name for found in pkgutil.walk_packages(domain.__path__, "domain.")]
    return [import_module(name) for name in sorted(names)]


def deciders() -> list[Decider[Any]]:
    """Every decider of the domain, the complaint's first."""
    found = {
        value.name: value
        for module in modules()
        for value in vars(module).values()
        if isinstance(value, Decider)
    }
    return sorted(found.values(), key=lambda decider: (decider.name != "complaint", decider.name))


def rejections() -> list[type[Rejected]]:
    """Every rule that can refuse a command, in the order of the alphabet."""
    found = {
        value
        for module in modules()
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, Rejected) and value is not Rejected
    }
    return sorted(found, key=lambda rule: rule.__name__)


def parts(kinds: Iterable[type[Any]]) -> list[type[Any]]:
    """The Structs that stand inside these, in the order of the alphabet."""
    found: set[type[Any]] = set()

    def look(info: mi.Type) -> None:
        match info:
            case mi.StructType(cls=cls, fields=fields):
                if cls not in found:
                    found.add(cls)
                    for field in fields:
                        look(field.type)
            case mi.Metadata(type=inner):
                look(inner)
            case mi.UnionType(types=types):
                for member in types:
                    look(member)
            case mi.CollectionType(item_type=item):
                look(item)
            case mi.DictType(value_type=value):
                look(value)

    outer = set(kinds)
    for kind in outer:
        look(mi.type_info(kind))
    return sorted(found - outer, key=lambda part: part.__name__)


# --- how it is written ----------------------------------------------------------------------


def write() -> str:
    """The whole page."""
    lines = [HEAD]
    known = deciders()
    for decider in known:
        lines += _slice(decider)
    lines += ["## Parts", "", "Values that stand inside commands and events.", ""]
    for part in parts(kind for d in known for kind in (*d.commands, *d.events)):
        lines += [f"### {part.__name__}", "", _story(part), "", *_table(part, frozenset())]
    lines += _policies()
    lines += _refusals()
    return "\n".join(lines).rstrip() + "\n"


def _slice(decider: Decider[Any]) -> Iterator[str]:
    name = decider.name
    yield from [f"## {name.capitalize()}: commands", ""]
    module = next(m for m in modules() if decider in vars(m).values())
    for command in decider.commands:
        yield from [f"### {command.__name__}", "", _story(command), ""]
        yield from _stages(command, module)
        yield from _table(command, _optional(Command))
    yield from [f"## {name.capitalize()}: events", ""]
    for event in decider.events:
        yield from [f"### {event.__name__}", "", _story(event), ""]
        yield from [f"Schema version {event.schema_version}.", ""]
        yield from _table(event, _optional(Event))


def _stages(command: type[Any], module: ModuleType) -> Iterator[str]:
    table = getattr(module, "ALLOWED", {})
    if command not in table:
        return
    order = get_args(import_module("domain.complaint.vocabulary").Stage)
    stages = [stage for stage in order if stage in table[command]]
    if not stages:
        told = "where nothing is registered yet"
    elif len(stages) == len(order):
        told = "any stage"
    elif stages == list(order[:-1]):
        told = f"any stage but `{order[-1]}`"
    else:
        told = ", ".join(f"`{stage}`" for stage in stages)
    if command in getattr(module, "LATE_FACTS", ()):
        told += "; at `closed` when it occurred before the close"
    also = ALSO.get(command.__name__)
    yield from [f"Allowed at: {told}.{' ' + also if also else ''}", ""]


def _optional(base: type[Any]) -> frozenset[str]:
    return frozenset(field.name for field in mi.type_info(base).fields)  # type: ignore[attr-defined]


def _table(kind: type[Any], shared: frozenset[str]) -> list[str]:
    """The fields of a Struct; those shared by all of its sort only where they are required."""
    personal = personal_paths(kind)
    rows = [
        f"| `{field.encode_name}` | {_type(field.type)} | {'yes' if field.required else ''} |"
        f" {'personal' if (field.encode_name,) in personal else ''} |"
        for field in mi.type_info(kind).fields  # type: ignore[attr-defined]
        if field.required or field.name not in shared
    ]
    if not rows:
        return ["No fields of its own.", ""]
    return ["| field | type | required | |", "| --- | --- | --- | --- |", *rows, ""]


def _policies() -> Iterator[str]:
    yield from ["## Policies", "", "What follows from an event elsewhere, without anybody's order."]
    for policy in ALL_POLICIES:
        told = (import_module(policy.react.__module__).__doc__ or "").partition("\n\n")[0]
        heard = ", ".join(f"`{name}`" for name in sorted(policy.event_types))
        yield from ["", f"### {policy.name}", "", " ".join(told.split()), "", f"Hears {heard}."]
    yield ""


def _refusals() -> Iterator[str]:
    yield from ["## Rejections", "", "| code | status | title | 标题 | why |"]
    yield "| --- | --- | --- | --- | --- |"
    for rule in rejections():
        cells = (rule.__name__, str(rule.status), rule.title, rule.title_zh, _story(rule))
        yield f"| {' | '.join(cells)} |"


def _story(kind: type[Any]) -> str:
    return " ".join((kind.__doc__ or "").split())


def _type(info: mi.Type) -> str:
    match info:
        case mi.Metadata(extra_json_schema={"pattern": str() as pattern}):
            return _like(pattern)
        case mi.Metadata(type=inner):
            return _type(inner)
        case mi.UnionType(types=types):
            members = [member for member in types if not isinstance(member, mi.NoneType)]
            return " or ".join(_type(member) for member in members)
        case mi.LiteralType(values=values):
            return ", ".join(f"`{value}`" for value in values)
        case mi.StructType(cls=cls):
            return f"[{cls.__name__}](#{cls.__name__.lower()})"
        case mi.StrType(pattern=str() as pattern):
            return _like(pattern)
        case mi.StrType(min_length=least, max_length=most):
            return f"text{_range(least, most, ' characters')}"
        case mi.IntType(ge=least, le=most):
            return f"integer{_range(least, None if most == 2**53 else most)}"
        case mi.CollectionType(item_type=item, min_length=least, max_length=most):
            return f"list{_range(least or None, most)} of {_type(item)}"
        case mi.DictType(key_type=key, value_type=value):
            return f"map of {_type(key)} to {_type(value)}"
    return _PLAIN[type(info)]


def _like(pattern: str) -> str:
    return _PATTERNS.get(pattern, f"text like `{pattern}`".replace("|", "\\|"))


_PLAIN = {
    mi.BoolType: "true or false",
    mi.DateTimeType: "time",
    mi.DateType: "date",
    mi.UUIDType: "UUID",
}
_PATTERNS = {
    get_args(alias)[1].pattern: name for alias, name in ((Code, "code"), (Identifier, "id"))
} | {get_args(Language)[1].pattern: "BCP 47 language tag", r"^[A-Z]{3}(?!\n)$": "ISO 4217 code"}


def _range(least: int | None, most: int | None, unit: str = "") -> str:
    if least is not None and least <= -(2**53):
        least = None
    match least, most:
        case None, None:
            return ""
        case None, _:
            return f", at most {most:,}{unit}"
        case _, None:
            return f", at least {least:,}{unit}"
    return f", {least:,} to {most:,}{unit}"


if __name__ == "__main__":
    for file, page in ((FILE, write()), (metrics_page.FILE, metrics_page.write())):
        file.write_text(page, encoding="utf-8")
        print(f"wrote {file.name}", file=sys.stderr)
