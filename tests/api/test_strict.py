"""The strict decoder: the short way for plain bodies and the long one say the same."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api.strict import FieldError, Invalid, NotJson, decode
from domain.kernel import Label, Moment, PersonalText, Value


class Part(Value, frozen=True, kw_only=True):
    """A text and a time."""

    text: PersonalText | None = None
    at: Moment | None = None


class Told(Part, frozen=True, kw_only=True):
    """Something with parts."""

    parts: tuple[Part, ...] = ()
    names: dict[Label, Label] = {}


texts = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=50)
part = st.fixed_dictionaries({}, optional={"text": texts})
told = st.fixed_dictionaries({"parts": st.lists(part, max_size=3)})


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # on a busy machine
@given(told)
def test_text_is_the_same_however_its_characters_are_written(body: dict[str, Any]) -> None:
    """Written as escapes, a character beyond the first plane takes the long way."""
    plain = json.dumps(body, ensure_ascii=False).encode()
    escaped = json.dumps(body, ensure_ascii=True).encode()
    assert decode(Told, plain) == decode(Told, escaped) == msgspec.json.decode(plain, type=Told)


@pytest.mark.parametrize(
    ("body", "pointer", "code"),
    [
        ('{"text":"a","text":"a"}', "/text", "duplicate_field"),
        ('{"parts":[{},{"text":"a","text":"b"}]}', "/parts/1/text", "duplicate_field"),
        ('{"names":{"a":"x","b":"y","a":"z"}}', "/names/a", "duplicate_field"),
        (r'{"text":"a\u0000"}', "/text", "nul_character"),
        (r'{"parts":[{"text":"\ud83d"}]}', "/parts/0/text", "lone_surrogate"),
        ('{"at":"1066-10-14T09:00:00Z"}', "/at", "invalid_value"),
        ('{"parts":[{},{"at":"2026-10-14T09:00:00+18:00"}]}', "/parts/1/at", "invalid_value"),
        ('{"nothing":1}', "/nothing", "unknown_field"),
    ],
)
def test_what_the_library_lets_pass_is_refused_with_its_place(
    body: str, pointer: str, code: str
) -> None:
    [error] = _errors(body)
    assert (error.pointer, error.code) == (pointer, code)


def _errors(body: str) -> tuple[FieldError, ...]:
    with pytest.raises(Invalid) as caught:
        decode(Told, body.encode())
    return caught.value.errors


@pytest.mark.parametrize(
    "body", [b"", b"{", b"\xff", b'{"text":"\xff"}', b"NaN", b"[" * 100_000, b"\xef\xbb\xbf{}"]
)
def test_what_is_not_json_is_said_to_be_none(body: bytes) -> None:
    with pytest.raises(NotJson):
        decode(Told, body)
