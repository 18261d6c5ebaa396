"""Every event ever stored can be read: one file for each type and version, kept as it was stored.

A file is never changed. An event that changes its shape gets a new `schema_version`, a new file
beside the old one and a new line in CHECKSUMS; the old file then shows what has to be upcast.
To add a line: `cd tests/golden && sha256sum NEW.json >> CHECKSUMS`.
"""

import hashlib
from pathlib import Path
from typing import Any

import msgspec
import pytest

from docs.generate import deciders

GOLDEN = Path(__file__).parent / "golden"
FILES = sorted(GOLDEN.glob("*.json"))
EVENTS = {event.__name__: event for decider in deciders() for event in decider.events}
NAMED: Any = {"ids": lambda part: getattr(part, "stem", None) or getattr(part, "__name__", part)}
EXAMPLES = pytest.mark.parametrize("example", ["minimal", "full"])


class Golden(msgspec.Struct, forbid_unknown_fields=True):
    """A type of event in one version, with its least and its fullest example."""

    type: str
    schema_version: int
    minimal: msgspec.Raw
    full: msgspec.Raw


def read(path: Path) -> Golden:
    """A golden file."""
    return msgspec.json.decode(path.read_bytes(), type=Golden)


def stored(event: Any, example: str) -> bytes:
    """An example of an event in its present version, as its bytes stand in the ledger."""
    golden = read(GOLDEN / f"{event.__name__}.v{event.schema_version}.json")
    return msgspec.json.format(bytes(getattr(golden, example)), indent=-1)


def fields_at_default(value: Any) -> list[str]:
    """The fields in which a value, or a part of it, tells nothing."""
    silent = []
    for field in msgspec.structs.fields(value):
        told = getattr(value, field.name)
        if told in (None, [], {}) or (not field.required and told == field.default):
            silent.append(field.name)
        elif isinstance(told, msgspec.Struct):
            silent += [f"{field.name}.{part}" for part in fields_at_default(told)]
    return silent


@pytest.mark.parametrize("event", EVENTS.values(), **NAMED)
def test_every_event_has_a_golden_file_of_its_present_version(event: Any) -> None:
    golden = read(GOLDEN / f"{event.__name__}.v{event.schema_version}.json")
    assert (golden.type, golden.schema_version) == (event.__name__, event.schema_version)


@EXAMPLES
@pytest.mark.parametrize("event", EVENTS.values(), **NAMED)
def test_an_event_read_and_written_again_is_the_same_bytes(event: Any, example: str) -> None:
    data = stored(event, example)
    value = msgspec.json.decode(data, type=event)
    assert type(value) is event
    assert msgspec.json.encode(value) == data


@pytest.mark.parametrize("event", EVENTS.values(), **NAMED)
def test_the_minimal_example_tells_only_what_is_required(event: Any) -> None:
    told = msgspec.json.decode(stored(event, "minimal"), type=dict[str, Any])
    assert set(told) == {f.encode_name for f in msgspec.structs.fields(event) if f.required}


# A correction concerns one fact, so its facts are never all told.
PARTIAL = {"FieldCorrected": ("old.", "new.")}


@pytest.mark.parametrize("event", EVENTS.values(), **NAMED)
def test_the_full_example_tells_everything(event: Any) -> None:
    value = msgspec.json.decode(stored(event, "full"), type=event)
    partial = PARTIAL.get(event.__name__, ())
    silent = [name for name in fields_at_default(value) if not name.startswith(partial or "\0")]
    assert silent == []


@pytest.mark.parametrize("path", FILES, **NAMED)
def test_a_golden_file_is_named_for_its_type_and_version(path: Path) -> None:
    golden = read(path)
    assert path.name == f"{golden.type}.v{golden.schema_version}.json"
    assert golden.type in EVENTS, "an event type is never forgotten"
    assert golden.schema_version <= EVENTS[golden.type].schema_version


def test_a_golden_file_never_changes_silently() -> None:
    lines = (GOLDEN / "CHECKSUMS").read_text(encoding="ascii").splitlines()
    kept = {name: digest for digest, name in (line.split() for line in lines)}
    found = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in FILES}
    assert found == kept


@pytest.mark.parametrize("path", FILES, **NAMED)
def test_a_golden_file_can_be_read_by_a_person(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert "\\u" not in text
    assert text.startswith("{\n  ")


def test_every_decider_is_looked_at() -> None:
    assert {decider.name for decider in deciders()} >= {"complaint", "access"}
    assert EVENTS
