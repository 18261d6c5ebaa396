"""Personal data: exactly which fields are marked, and nothing of them is left when redacted."""

from typing import Annotated, Any

import msgspec
import msgspec.inspect as mi
import pytest
from hypothesis import given as drawn
from hypothesis import settings
from hypothesis import strategies as st

from domain.complaint import COMPLAINT
from domain.complaint.intake import RegisterComplaint
from domain.customer import CUSTOMER
from domain.kernel import Money, PersonalText, Value, personal
from domain.personal import personal_paths, redact
from tests import world
from tests.domain.personal_fields import NOT_PERSONAL, PERSONAL, REASON
from tests.spec import given
from tests.strategies import commands, events

KINDS = [kind for d in (COMPLAINT, CUSTOMER) for kind in (*d.commands, *d.events)]
NAMED: Any = {"ids": lambda kind: kind.__name__}


@pytest.mark.parametrize("kind", KINDS, **NAMED)
def test_exactly_these_fields_are_personal(kind: type[Any]) -> None:
    marked = {".".join(path) for path in personal_paths(kind)}
    assert marked == PERSONAL[kind.__name__] | REASON


@pytest.mark.parametrize("kind", KINDS, **NAMED)
def test_free_text_is_personal_unless_it_is_known_to_say_nothing_of_a_person(
    kind: type[Any],
) -> None:
    marked = {".".join(path) for path in personal_paths(kind)}
    for path in free_texts(mi.type_info(kind)):
        inside = {".".join(path[:length]) for length in range(1, len(path) + 1)}
        name = ".".join(path)
        known = {name, *(name.removeprefix(f"{at}.") for at in ("details", "new", "old"))}
        assert inside & marked or known & NOT_PERSONAL, f"{kind.__name__}.{name}"


def free_texts(info: mi.Type, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """Where text stands that neither a pattern nor a list of words limits."""
    match info:
        case mi.Metadata(extra_json_schema={"pattern": str()}):  # of an event
            return []
        case mi.Metadata(type=inner):
            return free_texts(inner, path)
        case mi.StrType(pattern=None):
            return [path]
        case mi.StructType(fields=fields):
            return [text for f in fields for text in free_texts(f.type, (*path, f.name))]
        case mi.UnionType(types=types):
            return [text for member in types for text in free_texts(member, path)]
        case mi.ListType(item_type=item):
            return free_texts(item, path)
        case mi.DictType(key_type=key, value_type=value):
            return free_texts(key, path) + free_texts(value, path)
    return []


def test_the_mark_is_shown_to_whoever_reads_the_api() -> None:
    schemas = msgspec.json.schema(RegisterComplaint)["$defs"]
    told = {
        f"{kind}.{name}"
        for kind, schema in schemas.items()
        for name, field in schema.get("properties", {}).items()
        if '"x-personal":true' in compact(field)
    }
    assert told == {
        "RegisterComplaint.external_ref",
        "RegisterComplaint.outside_body_ref",
        "RegisterComplaint.narrative",
        "RegisterComplaint.order_ref",
        "RegisterComplaint.immediate_action",
        "RegisterComplaint.reason_text",
        "RequestedRemedy.text",
        "Handle.value",
        "Product.serial_no",
        "Exposure.url",
        "SpecialGroups.values",  # a schema shows no mark on a reference
    }


def compact(value: Any) -> str:
    """A value as JSON."""
    return msgspec.json.encode(value).decode()


# --- redacting ------------------------------------------------------------------------------


def texts(plain: Any) -> set[str]:
    """Every text in a value of plain types."""
    if isinstance(plain, dict):
        return {text for value in plain.values() for text in texts(value)}
    if isinstance(plain, list):
        return {text for value in plain for text in texts(value)}
    return {plain} if isinstance(plain, str) else set()


def at(plain: Any, path: tuple[str, ...]) -> bool:
    """Whether anything stands at a path."""
    for name in path:
        if not isinstance(plain, dict) or name not in plain:
            return False
        plain = plain[name]
    return True


@settings(max_examples=200, deadline=None)
@drawn(value=st.one_of(commands(), events()))
def test_nothing_personal_is_left_and_everything_else_is(value: Any) -> None:
    left, whole = redact(value), msgspec.to_builtins(value)
    paths = personal_paths(type(value))
    assert not any(at(left, path) for path in paths)
    assert left == without(whole, paths)


def without(plain: Any, paths: frozenset[tuple[str, ...]], here: tuple[str, ...] = ()) -> Any:
    """The obvious way to do it, against which the fast one is held."""
    if not isinstance(plain, dict):
        return plain
    return {
        name: without(value, paths, (*here, name))
        for name, value in plain.items()
        if (*here, name) not in paths
    }


def test_redacting_leaves_the_value_itself_as_it_was() -> None:
    event = world.registered(narrative="张三的电话是…")[0].event
    assert redact(event)["channel"] == "phone"
    assert "narrative" not in redact(event)
    assert event.narrative == "张三的电话是…"


def test_nothing_personal_is_found_in_lists_maps_and_unions() -> None:
    class Line(Value, frozen=True):
        note: PersonalText
        price: Money | None = None

    class Order(Value, frozen=True, kw_only=True):
        lines: list[Line]
        notes: dict[str, PersonalText]
        by_sku: dict[str, Line]
        counts: dict[str, int]
        either: Line | None = None
        line_or_text: Line | PersonalText
        scans: Annotated[list[str], personal()]

    line = Line(note="送货到家", price=Money(minor=1, currency="CNY"))
    order = Order(
        lines=[line, line],
        notes={"a": "送货"},
        by_sku={"x": line},
        counts={"note": 2},
        either=line,
        scans=["s"],
        line_or_text=line,
    )
    assert personal_paths(Order) == {
        ("lines", "note"),
        ("notes",),
        ("by_sku",),
        ("either", "note"),
        ("scans",),
        ("line_or_text",),
    }
    price = {"price": {"minor": 1, "currency": "CNY"}}
    assert redact(order) == {"lines": [price, price], "counts": {"note": 2}, "either": price}


@settings(max_examples=200, deadline=None)
@drawn(
    command=commands(), stage=st.sampled_from(list(world.STAGES)), by=st.sampled_from(["a", "b"])
)
def test_a_refusal_quotes_nothing_personal(command: Any, stage: str, by: str) -> None:
    outcome = given(world.STAGES[stage]()).when(command, by=by)
    secret = texts(msgspec.to_builtins(command)) - texts(redact(command))
    if outcome.rejection is None:
        assert outcome.events or outcome.state == outcome.before.state
        return
    for language in ("en", "zh"):
        detail = outcome.rejection.explain(language)[1]
        assert not [text for text in secret if len(text) > 12 and text in detail]
    facts = {str(fact) for fact in outcome.rejection.facts.values()}
    assert not facts & {text for text in secret if len(text) > 12}
