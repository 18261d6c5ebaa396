"""Every mistake a body can contain, as data."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec.inspect as mi
from msgspec.structs import replace

from api.http import Route
from api.strict import MAX_BYTES
from tests.api.attempts import PERSON, Attempt, Mistake, Wrong


def with_body(route: Route) -> bool:
    return route.body is not None


def with_required_fields(route: Route) -> bool:
    return with_body(route) and any(field.required for field in _fields(route.body).values())


# --- the fields of a body -------------------------------------------------------------------


def _fields(kind: Any) -> dict[str, mi.Field]:
    info = mi.type_info(kind)
    assert isinstance(info, mi.StructType)
    return {field.encode_name: field for field in info.fields}


def _plain(info: mi.Type) -> list[mi.Type]:
    """The types a value may have, without marks and without null."""
    match info:
        case mi.Metadata(type=inner):
            return _plain(inner)
        case mi.UnionType(types=types):
            return [plain for member in types for plain in _plain(member)]
        case mi.NoneType():
            return []
    return [info]


def _objects(attempt: Attempt) -> Iterator[tuple[str, dict[str, Any], Any]]:
    """The objects in the body: pointer, content, type."""
    body = attempt.body or {}
    yield "", body, attempt.route.body
    for name, field in _fields(attempt.route.body).items():
        for plain in _plain(field.type):
            if isinstance(plain, mi.StructType) and name in body:
                yield f"/{name}", body[name], plain.cls


def _with(attempt: Attempt, at: str, value: dict[str, Any]) -> Attempt:
    return attempt.saying(**{at[1:]: value}) if at else replace(attempt, body=value)


def unknown_field(attempt: Attempt) -> Iterator[Wrong]:
    for at, value, _ in _objects(attempt):
        spoiled = {**value, "no_such_field": PERSON}
        yield Wrong(_with(attempt, at, spoiled), f"{at}/no_such_field", "unknown_field")
        for odd in (PERSON, "客户", "a/b~c", "", "k" * 65, "x` - at `$.channel", "k" * 300_000):
            yield Wrong(_with(attempt, at, {**value, odd: 1}), at, "unknown_field")


def missing_field(attempt: Attempt) -> Iterator[Wrong]:
    for at, value, kind in _objects(attempt):
        for name, field in _fields(kind).items():
            if field.required:
                rest = {key: told for key, told in value.items() if key != name}
                yield Wrong(_with(attempt, at, rest), f"{at}/{name}", "missing_field")


def wrong_type(attempt: Attempt) -> Iterator[Wrong]:
    for at, value, kind in _objects(attempt):
        for name, field in _fields(kind).items():
            plain = _plain(field.type)
            bad: list[Any] = [1.5, 1e400, [[]]]
            bad += [None] if field.required else []
            is_text = any(isinstance(one, mi.StrType) and one.pattern is None for one in plain)
            bad += [""] if is_text else [PERSON, True] if plain != [mi.BoolType()] else [PERSON, 1]
            for wrong in bad:
                is_list = isinstance(plain[0], mi.CollectionType) and wrong == [[]]
                where = f"{at}/{name}/0" if is_list else f"{at}/{name}"
                spoiled = _with(attempt, at, {**value, name: wrong})
                yield Wrong(spoiled.raw(_json(spoiled.body)), where, "invalid_value")


def _json(body: Any) -> str:
    return json.dumps(body).replace("Infinity", "1e400")


def not_an_object(attempt: Attempt) -> Iterator[Wrong]:
    for content in ("[]", "null", "true", "17", f'"{PERSON}"', f'[{{"a": "{PERSON}"}}]'):
        yield Wrong(attempt.raw(content), "", "invalid_value")
    deep = '{"details":' * 400 + "1" + "}" * 400
    yield Wrong(attempt.raw("[" * 400 + "]" * 400), "", "invalid_value")
    if "details" not in _fields(attempt.route.body):
        yield Wrong(attempt.raw(deep), "/details", "unknown_field")


def duplicate_field(attempt: Attempt) -> Iterator[Wrong]:
    for at, value, _ in _objects(attempt):
        for name, told in value.items():
            twice = f"{{{json.dumps(name)}: {json.dumps(told)}, {json.dumps(value)[1:]}"
            whole = twice
            if at:
                rest = {key: v for key, v in (attempt.body or {}).items() if key != at[1:]}
                whole = f'{{"{at[1:]}": {twice}, {json.dumps(rest)[1:]}'
            yield Wrong(attempt.raw(whole), f"{at}/{name}", "duplicate_field")


def bad_text(character: str, error: str) -> Callable[[Attempt], Iterator[Wrong]]:
    def make(attempt: Attempt) -> Iterator[Wrong]:
        text = f"{PERSON}{character}"
        yield Wrong(attempt.saying(reason_text=text), "/reason_text", error)
        for at, value, _ in _objects(attempt):
            yield Wrong(_with(attempt, at, {**value, text: 1}), at, error)
            for name, told in value.items():
                if isinstance(told, str):
                    wrong = _with(attempt, at, {**value, name: text})
                    yield Wrong(wrong, f"{at}/{name}", error)
        escaped = json.dumps(character)
        yield Wrong(attempt.raw(f"{{{escaped}: 1, {escaped}: 2}}"), "", error)

    return make


# --- JSON, media type, size -----------------------------------------------------------------


def not_json(attempt: Attempt) -> Iterator[Wrong]:
    good = json.dumps(attempt.body, ensure_ascii=False)
    for content in (
        "",
        " ",
        good[:-1],
        f"{good} x",
        good + good,
        f"\ufeff{good}",
        good[:-1] + ', "n": NaN}',
        good[:-1] + ', "n": -Infinity}',
        good[:-1] + ",}",
        good.replace('"', "'"),
        good[:-1] + ', "n": "line\nbreak"}',
        good[:-1] + ', "n": 012}',
        "[" * 100_000,
        "[" * 100_000 + "]" * 100_000,
        '{"a":' * 100_000,
    ):
        yield Wrong(attempt.raw(content))


def not_utf8(attempt: Attempt) -> Iterator[Wrong]:
    good = json.dumps({**(attempt.body or {}), "reason_text": "王"}, ensure_ascii=False)
    for encoding in ("gbk", "utf-16", "utf-16-le", "utf-32"):
        yield Wrong(attempt.raw(good.encode(encoding)))
    yield Wrong(attempt.raw(good.encode().replace("王".encode(), b"\xed\xa0\x80")))  # a surrogate
    yield Wrong(attempt.raw(good.encode().replace("王".encode(), b"\xc0\x80")))  # an overlong NUL


def other_media_type(attempt: Attempt) -> Iterator[Wrong]:
    for media_type in (
        None,
        "",
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/json-patch+json",
        "application/jsonx",
        "application/json; charset=gbk",
        f"text/{PERSON}",
    ):
        yield Wrong(attempt.told(Content_Type=media_type))
    yield Wrong(attempt.told(Content_Encoding="gzip"))


def too_large(attempt: Attempt) -> Iterator[Wrong]:
    large = json.dumps(attempt.body).encode().ljust(MAX_BYTES + 1)
    yield Wrong(attempt.raw(large))
    yield Wrong(attempt.raw(large[at : at + 50_000] for at in range(0, len(large), 50_000)))


# --- times ----------------------------------------------------------------------------------


def bad_time(attempt: Attempt) -> Iterator[Wrong]:
    for text in (
        "2026-03-02T09:00:00",
        "2026-03-02",
        "2026-02-30T09:00:00Z",
        "2026-03-02T25:00:00Z",
        "2026-03-02T09:00:00+08",
        "0001-01-01T00:00:00+14:00",
        "1899-12-31T00:00:00Z",
        "9999-12-31T23:59:59-14:00",
        "2026-03-02T09:00:00+16:00",
        "2026-03-02T09:00:00-23:59",
        "2026-13-01T00:00:00Z",
        "yesterday",
        "",
        PERSON,
    ):
        yield Wrong(attempt.saying(occurred_at=text), "/occurred_at", "invalid_value")
    for number in (0, 1772413200, -1.5):
        yield Wrong(attempt.saying(occurred_at=number), "/occurred_at", "invalid_value")


def ahead(attempt: Attempt) -> Iterator[Wrong]:
    # The clock goes on between here and there: with two seconds more it is still too far.
    for seconds in (63, 86_400, 20 * 365 * 86_400):
        later = datetime.now(UTC) + timedelta(seconds=seconds)
        yield Wrong(attempt.saying(occurred_at=later.isoformat()))


IN_BODIES = (
    Mistake("unknown field", with_body, 422, "invalid", unknown_field),
    Mistake("missing field", with_required_fields, 422, "invalid", missing_field),
    Mistake("wrong type", with_body, 422, "invalid", wrong_type),
    Mistake("not an object", with_body, 422, "invalid", not_an_object),
    Mistake("duplicate field", with_body, 422, "invalid", duplicate_field),
    Mistake("NUL", with_body, 422, "invalid", bad_text("\0", "nul_character")),
    Mistake("lone surrogate", with_body, 422, "invalid", bad_text("\ud800", "lone_surrogate")),
    Mistake("not JSON", with_body, 400, "not-json", not_json),
    Mistake("not UTF-8", with_body, 400, "not-json", not_utf8),
    Mistake("other media type", with_body, 415, "unsupported-media-type", other_media_type),
    Mistake("too large", with_body, 413, "too-large", too_large),
    Mistake("bad time", with_body, 422, "invalid", bad_time),
    Mistake("in the future", with_body, 422, "occurred-in-future", ahead),
)
