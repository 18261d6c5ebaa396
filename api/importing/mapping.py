"""A mapping: which column of a CSV file becomes which field of a complaint (docs/import.md).

Written in TOML, read strictly: an unknown key, a field that no complaint has, or a value that
the field could never hold is refused before the first row is read, with the key's name.
"""

import tomllib
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, available_timezones

import msgspec

from api.importing.targets import TargetError, check_target, leaf_type, provided
from domain.kernel import Code, Identifier

Scalar = str | int | bool
Column = Annotated[str, msgspec.Meta(min_length=1)]
Formats = Annotated[list[Column], msgspec.Meta(min_length=1)]

NEEDED = ("channel", "nature", "origin")
"""What a registration cannot do without, beside `source_system` (requirements I13)."""
OURS = ("occurred_at", "reason_code", "reason_text", "source_system")
"""Fields that the mapping sets by keys of its own, or that an import has no word on."""


class MappingError(Exception):
    """The mapping is not one, or the file has not the columns it names; a line says why."""


class _Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table of the mapping."""


class Source(_Part, frozen=True, kw_only=True):
    """How one value is read from one column."""

    column: Column
    type: Literal["text", "integer", "amount", "date", "time"] = "text"
    required: bool = False
    blank: list[str] = []  # texts that mean "not known"
    values: dict[str, Scalar] | None = None
    others: Literal["reject", "keep"] = "reject"  # of values that the table does not have
    formats: Formats | None = None
    decimals: Annotated[int, msgspec.Meta(ge=0, le=4)] = 2
    split: Column | None = None
    prefix: str = ""


class Received(_Part, frozen=True, kw_only=True):
    """The column that says when the organisation received the complaint."""

    column: Column
    formats: Formats


class CategoryColumns(_Part, frozen=True, kw_only=True):
    """The columns that make the category path, from coarse to fine; blank ones are left out."""

    columns: Annotated[list[Column], msgspec.Meta(min_length=1, max_length=6)]
    taxonomy_version: Identifier
    blank: list[str] = []


class Closed(_Part, frozen=True, kw_only=True):
    """The column and the values of it by which the source calls a complaint closed."""

    column: Column
    values: list[Column] = []
    starts_with: list[Column] = []


class FileFormat(_Part, frozen=True, kw_only=True):
    """How the CSV file is written, where not as RFC 4180 has it in UTF-8."""

    delimiter: Annotated[str, msgspec.Meta(min_length=1, max_length=1)] = ","
    encoding: Literal["utf-8", "gb18030"] = "utf-8"


class Mapping(_Part, frozen=True, kw_only=True):
    """What the columns of a CSV file mean."""

    source_system: Identifier
    zone: str
    received: Received
    fields: dict[str, Source]
    constants: dict[str, Scalar] = {}
    category: CategoryColumns | None = None
    source_facts: dict[str, Source] = {}
    latest: list[str] = []  # source facts whose date says how far the source had come
    closed: Closed | None = None
    file: FileFormat = FileFormat()

    @property
    def timezone(self) -> ZoneInfo:
        """The zone that dates and times without an offset are told in."""
        return ZoneInfo(self.zone)

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column the mapping names, each once."""
        named = [self.received.column]
        named += [source.column for source in self.fields.values()]
        named += [source.column for source in self.source_facts.values()]
        named += self.category.columns if self.category else []
        named += [self.closed.column] if self.closed else []
        return tuple(dict.fromkeys(named))


# --- reading --------------------------------------------------------------------------------


def shipped() -> list[str]:
    """The names of the mappings that come with the program."""
    entries = resources.files("api.importing").iterdir()
    return sorted(entry.name[:-5] for entry in entries if entry.name.endswith(".toml"))


def load_mapping(name_or_file: str) -> Mapping:
    """A shipped mapping by its name, or one of your own by its file. Raises `MappingError`."""
    if name_or_file in shipped():
        text = resources.files("api.importing").joinpath(f"{name_or_file}.toml").read_text("utf-8")
        return parse_mapping(text, name_or_file)
    path = Path(name_or_file)
    try:
        return parse_mapping(path.read_text(encoding="utf-8-sig"), path.name)
    except OSError as error:
        raise MappingError(
            f"{name_or_file}: neither a shipped mapping ({', '.join(shipped())})"
            f" nor a file that can be read: {error.strerror}"
        ) from None
    except UnicodeDecodeError:
        raise MappingError(f"{name_or_file}: not UTF-8") from None


def parse_mapping(text: str, name: str = "mapping") -> Mapping:
    """The mapping that a TOML text says. Raises `MappingError` with every key that is wrong."""
    try:
        tree = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise MappingError(f"{name}: not TOML: {error}") from None
    errors = list(_shape_errors(tree))
    if not errors:
        mapping = msgspec.convert(tree, Mapping)
        errors = list(_sense_errors(mapping))
    if errors:
        raise MappingError("\n".join(f"{name}: {error}" for error in errors))
    return mapping


def _shape_errors(tree: dict[str, Any]) -> Iterator[str]:
    """Keys that are missing, unknown or of another type; tables are tried one by one, by name."""
    tables: dict[str, dict[str, Any]] = {"fields": {}, "source_facts": {}}
    for key in tables:
        table = tree.get(key, {})
        for name, entry in table.items() if isinstance(table, dict) else ():
            if problem := _shape_error(entry, Source):
                yield f'{key}."{name}"{problem}'
            else:
                tables[key][name] = entry
    rest = {k: tables[k] if isinstance(v, dict) and k in tables else v for k, v in tree.items()}
    if problem := _shape_error(rest, Mapping):
        yield problem.removeprefix(".")


def _shape_error(tree: Any, kind: type[Any]) -> str | None:
    try:
        msgspec.convert(tree, kind)
    except msgspec.ValidationError as error:
        message, _, place = str(error).partition(" - at `$")
        message = message.replace("Object", "the table").replace("field", "key")
        return f"{place.rstrip('`')}: {message}"
    return None


# --- making sense of it ---------------------------------------------------------------------


def _sense_errors(mapping: Mapping) -> Iterator[str]:
    """What is well written and could still never make a complaint."""
    if mapping.zone not in available_timezones():
        yield "zone: not the name of a time zone, such as America/New_York"
    if _is_wrong(f"import:{mapping.source_system}", Identifier):
        yield "source_system: too long"
    given = {*mapping.fields, *mapping.constants}
    for path in sorted(set(mapping.fields) & set(mapping.constants)):
        yield f'constants."{path}": fields has it too'
    for path in NEEDED:
        if path not in given:
            yield f"fields.{path}: missing; give it here or under constants"
    if "external_ref" not in mapping.fields:
        yield "fields.external_ref: missing; by it a row is known again in a second run"
    elif not mapping.fields["external_ref"].required:
        yield "fields.external_ref.required: has to be true"
    yield from _field_errors(mapping, given)
    yield from _fact_errors(mapping)
    if mapping.closed and not (mapping.closed.values or mapping.closed.starts_with):
        yield "closed: give values or starts_with"


def _field_errors(mapping: Mapping, given: set[str]) -> Iterator[str]:
    for path, source in mapping.fields.items():
        yield from _source_errors(f'fields."{path}"', source)
        try:
            check_target(path, source.type, source.split is not None, source.values, OURS)
        except TargetError as error:
            yield f'fields."{path}": {error}'
    for path, value in mapping.constants.items():
        try:
            leaf = leaf_type(path, OURS)
        except TargetError as error:
            yield f'constants."{path}": {error}'
            continue
        if _is_wrong(value, leaf):
            yield f'constants."{path}": the field cannot be this'
    for path, missing in provided(given):
        yield f'fields."{path}": {missing} is missing beside it'


def _fact_errors(mapping: Mapping) -> Iterator[str]:
    for name, source in mapping.source_facts.items():
        key = f'source_facts."{name}"'
        yield from _source_errors(key, source)
        if _is_wrong(name, Code):
            yield f"{key}: the name of a fact is a code: a-z, 0-9, _ . -"
        if source.split is not None:
            yield f"{key}.split: a source fact is one text"
        if any(not isinstance(value, str) for value in (source.values or {}).values()):
            yield f"{key}.values: a source fact is a text"
    for name in mapping.latest:
        if name not in mapping.source_facts or mapping.source_facts[name].type != "date":
            yield f"latest: {name} is no source fact of type date"


def _source_errors(key: str, source: Source) -> Iterator[str]:
    needs_formats = source.type in ("date", "time")
    if needs_formats and source.formats is None:
        yield f"{key}.formats: missing; a {source.type} needs one"
    if source.formats is not None and not needs_formats:
        yield f"{key}.formats: for dates and times only"
    if source.values is not None and (source.type != "text" or source.values == {}):
        yield f"{key}.values: a table of texts that is not empty"
    if source.others == "keep" and source.values is None:
        yield f"{key}.others: only beside values"
    if source.prefix and source.type != "text":
        yield f"{key}.prefix: only before texts"


def _is_wrong(value: object, kind: Any) -> bool:
    try:
        msgspec.convert(value, kind)
    except msgspec.ValidationError:
        return True
    return False
