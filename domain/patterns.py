"""Patterns of texts that only describe what was recorded: they were matched when it was ordered."""

from functools import reduce
from operator import or_
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

import msgspec


def unmatched(annotation: Any) -> Any:
    """The type of a text whose pattern only describes it, alone or beside None; others as is."""
    if get_origin(annotation) in (Union, UnionType):
        return reduce(or_, map(unmatched, get_args(annotation)))
    if get_origin(annotation) is not Annotated or annotation.__origin__ is not str:
        return annotation
    told = annotation.__metadata__[0]
    if told.pattern is None:
        return annotation
    kept = ("min_length", "max_length", "description", "extra")
    meta: dict[str, Any] = {name: getattr(told, name) for name in kept}
    schema = {**(told.extra_json_schema or {}), "pattern": told.pattern}
    return Annotated[str, msgspec.Meta(**meta, extra_json_schema=schema)]
