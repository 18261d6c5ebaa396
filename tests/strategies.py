"""Hypothesis strategies: valid values of every type a command is made of, and commands.

What is valid is read from the types themselves, so a new command needs nothing here.
"""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import msgspec.inspect as mi
from hypothesis import strategies as st

from domain.complaint import COMPLAINT
from tests.spec import RECEIVED

TEXTS = (
    "空调不制冷，客服态度差！",
    "投诉：退款30天未到账（合同 §4.2）",
    # Arabic, right to left, with a mark
    "\u0627\u0644\u062c\u0647\u0627\u0632 \u0644\u0627 \u064a\u0639\u0645\u0644 😡 \u200f12345",
    "\u05de\u05d5\u05e6\u05e8 \u05e4\u05d2\u05d5\u05dd",  # Hebrew
    "👩\u200d👩\u200d👧\u200d👦 several characters, one emoji",
    "e\u0301 is not \u00e9, \ufb01 is not fi, İstanbul, ß",
    "'; DROP TABLE ledger.events; --",
    '<script>alert("x")</script> & <b>',
    "=HYPERLINK(1)\t\r\nline two",
    "{command} %s \\u0000 \\n",
    "𠮷野家の龘",  # beyond the basic plane
    "x",
)
ZONES = (UTC, timezone(timedelta(hours=8)), timezone(-timedelta(hours=3, minutes=30)))

_known: dict[Any, st.SearchStrategy[Any]] = {}


def texts(min_length: int = 0, max_length: int | None = None) -> st.SearchStrategy[str]:
    """Text as people write it, in every script; no NUL and no lone surrogate (422)."""
    longest = min(max_length or 60, 60)
    fitting = [text for text in TEXTS if min_length <= len(text) <= longest]
    alphabet = st.characters(exclude_categories=["Cs"], exclude_characters="\0")
    free = st.text(alphabet, min_size=min_length, max_size=longest)
    return st.one_of(st.sampled_from(fitting), free) if fitting else free


def moments(
    earliest: timedelta = timedelta(days=-3), latest: timedelta = timedelta(days=3)
) -> st.SearchStrategy[datetime]:
    """Times around the receipt, to the minute, told in several zones."""
    minutes = st.integers(earliest // timedelta(minutes=1), latest // timedelta(minutes=1))
    return st.builds(
        lambda minute, zone: (RECEIVED + timedelta(minutes=minute)).astimezone(zone),
        minutes,
        st.sampled_from(ZONES),
    )


def values(of: Any) -> st.SearchStrategy[Any]:
    """Valid values of a type (an alias with its limits, a Struct, a union ...)."""
    if of not in _known:
        _known[of] = _of(mi.type_info(of))
    return _known[of]


def commands(*kinds: type[Any]) -> st.SearchStrategy[Any]:
    """Valid commands: of the kinds named, else of any kind a complaint knows."""
    return st.one_of([values(kind) for kind in kinds or COMPLAINT.commands])


def events(*kinds: type[Any]) -> st.SearchStrategy[Any]:
    """Events with every field valid: of the kinds named, else of any kind a complaint knows."""
    return st.one_of([values(kind) for kind in kinds or COMPLAINT.events])


def _of(info: mi.Type) -> st.SearchStrategy[Any]:
    match info:
        case mi.Metadata(type=inner):
            return _of(inner)
        case mi.StructType(cls=cls, fields=fields):
            return _structs(cls, fields)
        case mi.UnionType(types=types):
            return st.one_of([_of(member) for member in types])
        case mi.NoneType():
            return st.none()
        case mi.BoolType():
            return st.booleans()
        case mi.LiteralType(values=literals):
            return st.sampled_from(list(literals))
        case mi.StrType(pattern=str() as pattern):
            return st.from_regex(pattern, fullmatch=True)
        case mi.StrType(min_length=least, max_length=most):
            return texts(least or 0, most)
        case mi.IntType(ge=least, le=most):
            return st.integers(
                -(2**53) if least is None else least, 2**53 if most is None else most
            )
        case mi.UUIDType():
            return st.uuids()
        case mi.DateTimeType():
            return moments()
        case mi.DateType():
            return st.dates(RECEIVED.date() - timedelta(days=900), RECEIVED.date())
        case mi.ListType(item_type=item, min_length=least, max_length=most):
            return st.lists(_of(item), min_size=least or 0, max_size=min(most or 3, 3))
        case mi.DictType(key_type=key, value_type=value):
            return st.dictionaries(_of(key), _of(value), max_size=3)
    raise TypeError(f"no strategy for {info}")


def _structs(cls: type[Any], fields: tuple[mi.Field, ...]) -> st.SearchStrategy[Any]:
    required = {field.name: _of(field.type) for field in fields if field.required}
    optional = {field.name: _of(field.type) for field in fields if not field.required}
    return st.fixed_dictionaries(required, optional=optional).map(lambda told: cls(**told))
