"""Personal data 个人信息: which fields are marked as such, and values without them.

The mark is `kernel.personal` on the field's type; whoever serves, logs or measures values for a
role without the right calls `redact` and sees none of them.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any

import msgspec
import msgspec.inspect as mi

Path = tuple[str, ...]


def personal_paths(struct_type: type[msgspec.Struct]) -> frozenset[Path]:
    """The paths of field names that lead to personal data.

    The items of a list add no name; a map that holds any personal data is personal as a whole.
    """
    return _paths(struct_type)


def redact(value: msgspec.Struct) -> dict[str, Any]:
    """The value as plain JSON types, as it would be stored, without its personal fields.

    A copy could not be a Struct: some personal fields are required.
    """
    plain: dict[str, Any] = _without(msgspec.to_builtins(value), _tree(type(value)))
    return plain


@cache
def _paths(struct_type: type[msgspec.Struct]) -> frozenset[Path]:
    found = set(_walk(mi.type_info(struct_type)))
    return frozenset(
        path for path in found if not any(path[:length] in found for length in range(len(path)))
    )


# A personal field is a leaf (None); beside it stand the fields that contain one.
_Tree = Mapping[str, Any]


@cache
def _tree(struct_type: type[msgspec.Struct]) -> _Tree:
    tree: dict[str, Any] = {}
    for path in personal_paths(struct_type):
        branch = tree
        for name in path[:-1]:
            branch = branch.setdefault(name, {})
        branch[path[-1]] = None
    return tree


def _without(plain: Any, tree: _Tree) -> Any:
    if isinstance(plain, list):
        return [_without(item, tree) for item in plain]
    if not isinstance(plain, dict):
        return plain
    for name, branch in tree.items():
        if name not in plain:
            continue
        if branch is None:
            del plain[name]
        else:
            plain[name] = _without(plain[name], branch)
    return plain


def _walk(info: mi.Type, path: Path = ()) -> list[Path]:
    """Every personal path below a type; below a mark there is nothing left to look for."""
    match info:
        case mi.Metadata(type=inner, extra=extra):
            return [path] if (extra or {}).get("personal") else _walk(inner, path)
        case mi.StructType(fields=fields):
            return [
                found for field in fields for found in _walk(field.type, (*path, field.encode_name))
            ]
        case mi.UnionType(types=types):
            return [found for member in types for found in _walk(member, path)]
        case mi.CollectionType(item_type=item):
            return _walk(item, path)
        case mi.TupleType(item_types=items):
            return [found for item in items for found in _walk(item, path)]
        case mi.DictType(key_type=key, value_type=value):
            return [path] if _walk(key, path) or _walk(value, path) else []
    return []
