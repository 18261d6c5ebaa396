"""Which fields of events are personal, read from their marks."""

from typing import Any

import msgspec.inspect as mi

from domain.complaint import COMPLAINT


def personal_fields() -> set[str]:
    """The names of fields that are personal wherever they occur, or hold nothing but such."""
    marks: dict[str, set[bool]] = {}
    for info in mi.multi_type_info(COMPLAINT.events):
        _collect(info, marks)
    return {name for name, found in marks.items() if found == {True}} | {"special_groups"}


def _collect(info: Any, marks: dict[str, set[bool]]) -> None:
    if isinstance(info, mi.StructType):
        for field in info.fields:
            marks.setdefault(field.name, set()).add(_is_personal(field.type))
            _collect(field.type, marks)
    for name in ("type", "item_type", "value_type"):
        if (inner := getattr(info, name, None)) is not None:
            _collect(inner, marks)
    for member in getattr(info, "types", ()):
        _collect(member, marks)


def _is_personal(info: Any) -> bool:
    if isinstance(info, mi.Metadata):
        return bool((info.extra or {}).get("personal")) or _is_personal(info.type)
    return any(_is_personal(member) for member in getattr(info, "types", ()))
