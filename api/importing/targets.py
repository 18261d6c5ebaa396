"""The fields of a registration as a mapping addresses them: by dotted path, with their types."""

import datetime as dt
import types
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints
from uuid import UUID

import msgspec

from domain.complaint.intake import RegisterComplaint


class TargetError(Exception):
    """No column and no constant can fill this field; the text says why."""


# Which `type` of a column fits which kind of field.
_FITTING: dict[object, tuple[str, ...]] = {
    str: ("text",),
    UUID: ("text",),
    Literal: ("text",),
    bool: ("text",),
    int: ("integer", "amount"),
    dt.date: ("date",),
    dt.datetime: ("time",),
}


def leaf_type(path: str, ours: Iterable[str] = ()) -> Any:
    """The type of the field at `product.model`, without its `None`. Raises `TargetError`."""
    kind: Any = RegisterComplaint
    if path in ours:
        raise TargetError("is set by the import itself")
    for step in path.split("."):
        members = _members(kind)
        if step not in members:
            raise TargetError("a registration has no such field")
        kind = members[step]
    if _members(kind):
        raise TargetError(f"name one of its parts: {', '.join(_members(kind))}")
    return kind


def check_target(
    path: str, type_: str, is_split: bool, values: dict[str, Any] | None, ours: Iterable[str]
) -> None:
    """Refuse a column of a type, or a table of values, that the field could never hold."""
    kind = leaf_type(path, ours)
    is_list = _bare(kind) is list
    if is_list != is_split:
        raise TargetError("is a list: give split" if is_list else "is no list: leave split out")
    if is_list:
        kind = get_args(_unannotated(kind))[0]
    if values is None:
        if _bare(kind) is bool:
            raise TargetError("is true or false: give values")
    else:
        for text, value in values.items():
            try:
                msgspec.convert(value, kind)
            except msgspec.ValidationError:
                raise TargetError(f'values."{text}": the field cannot be this') from None
        return
    fitting = _FITTING.get(_bare(kind), ())
    if type_ not in fitting:
        raise TargetError(f"type has to be {' or '.join(fitting)}")


def provided(paths: set[str]) -> Iterator[tuple[str, str]]:
    """For each part that is given in pieces, the pieces it cannot do without and lacks."""
    for path in sorted(paths):
        parent, _, _ = path.rpartition(".")
        part: Any = RegisterComplaint
        for step in parent.split(".") if parent else ():
            part = _members(part).get(step)
        if not parent or not _members(part):
            continue
        for field in msgspec.structs.fields(_unannotated(part)):
            if field.required and f"{parent}.{field.name}" not in paths:
                yield path, f"{parent}.{field.name}"


@cache
def _members(kind: Any) -> dict[str, Any]:
    """The fields of a part, by name; none of what is no part."""
    kind = _unannotated(kind)
    if not (isinstance(kind, type) and issubclass(kind, msgspec.Struct)):
        return {}
    hints = get_type_hints(kind, include_extras=True)
    return {name: _required(hints[name]) for name in kind.__struct_fields__}


def _required(kind: Any) -> Any:
    """`X | None` as `X`."""
    if get_origin(kind) in (Union, types.UnionType):
        (kind,) = (option for option in get_args(kind) if option is not type(None))
    return kind


def _unannotated(kind: Any) -> Any:
    return get_args(kind)[0] if get_origin(kind) is Annotated else kind


def _bare(kind: Any) -> Any:
    bare = _unannotated(kind)
    return get_origin(bare) or bare
