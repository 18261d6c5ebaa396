"""The strict decoder: bytes that are exactly this command, or a clear word on what is wrong.

msgspec does the work; it keeps the last of two equal keys and lets NUL and lone surrogates
pass, and a database cannot store those, so a second pass over the JSON looks for them. What is
beyond suspicion takes a short way (15 us instead of 35); all else the long one, which can tell
what is wrong and where (tests/api/test_strict.py: the two agree).
"""

import json
import re
from datetime import date, datetime, timedelta
from functools import cache
from typing import Any, NoReturn, TypeVar

import msgspec
from msgspec import inspect

T = TypeVar("T")

MAX_BYTES = 1024 * 1024
_YEARS = range(1900, 2201)
_FURTHEST_OFFSET = timedelta(hours=15, minutes=59)
"""PostgreSQL takes no offset of 16 hours or more: a view would halt at the event for good."""
_FIELD = re.compile(r"[A-Za-z0-9_.-]{1,64}", re.ASCII)
"""What names of fields and keys of maps look like; any other is unknown wherever it stands."""
_decoders: dict[type[Any], msgspec.json.Decoder[Any]] = {}


class FieldError(msgspec.Struct, frozen=True):
    """What is wrong with one place of a body; never the value found there."""

    pointer: str
    code: str
    detail: str


class NotJson(Exception):
    """The body is not UTF-8 or not JSON."""


class Invalid(Exception):
    """The body is JSON, but not this command."""

    def __init__(self, *errors: FieldError) -> None:
        """Say what is wrong, and where."""
        super().__init__("; ".join(f"{e.pointer or '/'}: {e.detail}" for e in errors))
        self.errors = errors


def decode(kind: type[T], body: bytes, *, is_looked_through: bool = False) -> T:
    """The command that the body says. Raises `NotJson` or `Invalid`.

    A part of what was decoded before is looked through already: all but its shape is right.
    """
    if is_looked_through:
        command = _decoded(kind, body)
    elif (plain := _plain(kind, body)) is not None:
        command = plain
    else:
        _look_through(body)
        command = _decoded(kind, body)
    _look_for_bad_times(command, "")
    return command


_SUSPICIOUS = re.compile(rb"\\u(?:0000|[dD][89a-fA-F])")
"""How NUL and surrogates, which come in pairs or alone, are written: neither can stand as it is."""


def _plain(kind: type[T], body: bytes) -> T | None:
    """The command of a body without any trace of what msgspec lets pass; None: look closer."""
    if _SUSPICIOUS.search(body) is not None:
        return None
    try:
        command: T = _decoder(kind).decode(body)
        # What is written as msgspec writes it, and most programs do, says no key twice.
        if msgspec.json.encode(msgspec.json.decode(body)) != body:
            _each_key_once(body.decode())
    except (ValueError, RecursionError):
        return None
    return command


def _look_through(body: bytes) -> None:
    """Refuse what is not JSON, says a thing twice, or holds text that cannot be stored."""
    try:
        body.decode("utf-8")
    except UnicodeDecodeError:
        raise NotJson("The body is not UTF-8.") from None
    try:
        tree = json.loads(
            body,
            object_pairs_hook=_object,
            parse_constant=_refuse_constant,
            parse_int=_no_number,
            parse_float=_no_number,
        )
        _look_for_bad_text(tree, "")
    except Invalid:
        raise
    except RecursionError:
        raise NotJson("The body is nested too deeply.") from None
    except ValueError:
        raise NotJson("The body is not JSON.") from None


def _decoded(kind: type[T], body: bytes) -> T:
    try:
        command: T = _decoder(kind).decode(body)
    except msgspec.ValidationError as error:
        raise Invalid(_field_error(str(error))) from None
    except msgspec.DecodeError:
        raise NotJson("The body is not JSON.") from None
    return command


def _decoder(kind: type[Any]) -> msgspec.json.Decoder[Any]:
    decoder = _decoders.get(kind)
    if decoder is None:
        decoder = _decoders.setdefault(kind, msgspec.json.Decoder(kind))
    return decoder


def _only_once(pairs: list[tuple[str, Any]]) -> None:
    if len(dict(pairs)) != len(pairs):
        raise ValueError("a key appears twice")


_each_key_once = json.JSONDecoder(object_pairs_hook=_only_once).decode


class _Twice:
    """Stands for an object in which a key appears more than once."""

    def __init__(self, key: str) -> None:
        self.key = key


def _object(pairs: list[tuple[str, Any]]) -> Any:
    found = dict(pairs)
    if len(found) == len(pairs):
        return found
    seen: set[str] = set()
    for key, _ in pairs:
        if key in seen:
            return _Twice(key)
        seen.add(key)
    raise AssertionError("unreachable")


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _no_number(text: str) -> None:
    """Numbers are msgspec's business; this pass looks at keys and texts only."""


def _look_for_bad_text(tree: Any, pointer: str) -> None:
    if isinstance(tree, str):
        _refuse_bad_text(tree, pointer)
    elif isinstance(tree, dict):
        for key, value in tree.items():
            _look_for_bad_text(value, _pointer_to_key(key, pointer))
    elif isinstance(tree, list):
        for index, value in enumerate(tree):
            _look_for_bad_text(value, f"{pointer}/{index}")
    elif isinstance(tree, _Twice):
        raise Invalid(
            FieldError(
                _pointer_to_key(tree.key, pointer), "duplicate_field", "The field appears twice."
            )
        )


def _refuse_bad_text(text: str, pointer: str) -> None:
    if "\x00" in text:
        raise Invalid(FieldError(pointer, "nul_character", "Text must not contain NUL."))
    if text.isascii():
        return
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise Invalid(
            FieldError(pointer, "lone_surrogate", "Text must be valid Unicode.")
        ) from None


def _pointer_to_key(key: str, pointer: str) -> str:
    """Where a key stands. A name that none of ours can have goes no further, nor is it quoted."""
    if _FIELD.fullmatch(key) is None:
        _refuse_bad_text(key, pointer)
        raise Invalid(
            FieldError(pointer, "unknown_field", "A field of this object is not known here.")
        )
    return f"{pointer}/{key}"


def _look_for_bad_times(value: Any, pointer: str) -> None:
    """Times beyond any calendar would overflow when they are moved to another zone."""
    if isinstance(value, date):
        if value.year not in _YEARS:
            raise Invalid(FieldError(pointer, "invalid_value", "The year is out of range."))
        if isinstance(value, datetime) and abs(_offset(value)) > _FURTHEST_OFFSET:
            raise Invalid(FieldError(pointer, "invalid_value", "The offset is out of range."))
    elif isinstance(value, msgspec.Struct):
        for name in _with_times(type(value)):
            if (held := getattr(value, name)) is not None:
                _look_for_bad_times(held, f"{pointer}/{name}")
    elif isinstance(value, list | tuple):
        for index, each in enumerate(value):
            _look_for_bad_times(each, f"{pointer}/{index}")


@cache
def _with_times(kind: type[msgspec.Struct]) -> tuple[str, ...]:
    """The fields of a Struct that can hold a time, or something that can."""
    told = inspect.type_info(kind)
    assert isinstance(told, inspect.StructType)
    return tuple(field.name for field in told.fields if _holds_times(field.type))


def _holds_times(told: inspect.Type) -> bool:
    match told:
        case inspect.DateTimeType() | inspect.DateType():
            return True
        case inspect.Metadata(type=inner):
            return _holds_times(inner)
        case inspect.UnionType(types=types):
            return any(map(_holds_times, types))
        case inspect.StructType(cls=kind):
            return bool(_with_times(kind))
        case inspect.CollectionType(item_type=inner):
            return _holds_times(inner)
    return False


def _offset(moment: datetime) -> timedelta:
    return moment.utcoffset() or timedelta()


# Only names that `_FIELD` lets pass come this far, so nothing sent can look like a path.
_AT = re.compile(r" - at (?:`key` in )?`([^`]*)`$")
_UNKNOWN = re.compile(r"^Object contains unknown field `([^`]*)`")
_MISSING = re.compile(r"^Object missing required field `([^`]*)`")


def _field_error(message: str) -> FieldError:
    """msgspec's message as pointer, code and detail, without the value it may quote."""
    place = _AT.search(message)
    pointer = _pointer(place[1] if place else "$")
    text = message[: place.start()] if place else message
    if unknown := _UNKNOWN.match(text):
        return FieldError(
            f"{pointer}/{unknown[1]}", "unknown_field", "This field is not known here."
        )
    if missing := _MISSING.match(text):
        return FieldError(f"{pointer}/{missing[1]}", "missing_field", "This field is required.")
    if text.startswith("Invalid enum value"):
        text = "Not one of the values allowed here"
    return FieldError(pointer, "invalid_value", f"{text}.")


def _pointer(path: str) -> str:
    """`$.product.units[1].sku` as `/product/units/1/sku`; of a map, msgspec names no key."""
    steps = re.findall(r"\.([^.\[]+)|\[(\d+)\]", path.partition("[...]")[0])
    return "".join(f"/{name or index}" for name, index in steps)
