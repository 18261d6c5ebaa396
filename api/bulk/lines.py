"""The lines of a bulk request: each an order of its own, read as strictly as a single one."""

from collections.abc import Hashable, Iterator
from typing import Annotated

import msgspec

from api import problems
from api.desk import COMMANDS, REGISTER, Order
from api.others import others_of
from api.parameters import parse_uuid
from api.problems import ProblemError
from api.roles import is_for_keys
from api.strict import MAX_BYTES, FieldError, Invalid, NotJson, decode
from domain.kernel import Code, Identifier, PersonalText, Value
from ledger.ids import command_id, read_tracking_number

_FOR_KEYS = frozenset(filter(is_for_keys, COMMANDS))
MAX_LINES = 10_000
MAX_BODY = 16 * 1024 * 1024

Key = Annotated[
    str,
    msgspec.Meta(
        pattern=r"^[\x21-\x7E]{1,200}(?!\n)$",
        description="1-200 visible ASCII characters; the same key with the same order is answered"
        " as the first time.",
    ),
]


class BulkAddress(Value, frozen=True, kw_only=True):
    """A complaint by its channel and outside reference, or by the key that registered it."""

    channel: Code | None = None
    external_ref: PersonalText | None = None
    registration_key: Key | None = None


class BulkLine(Value, frozen=True, kw_only=True):
    """One order of a bulk request; `complaint` is absent for RegisterComplaint alone."""

    command: Annotated[str, msgspec.Meta(description="As `AssessComplaint`.")]
    idempotency_key: Key
    complaint: (
        Annotated[
            str,
            msgspec.Meta(
                min_length=1,
                max_length=600,
                description="Its id, its tracking number, or `<channel>:<external_ref>`.",
            ),
        ]
        | BulkAddress
        | None
    ) = None
    if_match: Annotated[int, msgspec.Meta(ge=0, le=999_999_999)] | None = None
    on_behalf_of: Identifier | None = None
    body: Annotated[msgspec.Raw, msgspec.Meta(description="The command; none: `{}`.")] = (
        msgspec.field(default_factory=lambda: msgspec.Raw(b"{}"))
    )


Reference = tuple[str, str]
"""A channel and an outside reference."""


class Line(msgspec.Struct, kw_only=True):
    """A line as it was understood: an order and where it goes, or what is wrong with it."""

    number: int  # of the line in the body, from 1
    order: Order | None = None
    is_registration: bool = False  # it makes a complaint
    reference: Reference | None = None
    registration_key: str | None = None
    others: frozenset[Hashable] = frozenset()  # by whom it is decided beside its complaint
    failure: Exception | None = None

    @property
    def told(self) -> Reference | None:
        """What a registration may be addressed by; None where it tells no outside reference."""
        assert self.order is not None
        return _told(self.order.body)


def lines_of(body: bytes) -> list[tuple[int, bytes]]:
    """The lines that say something, with their numbers. Too many are refused before any is done."""
    if body.count(b"\n") + (not body.endswith(b"\n")) > MAX_LINES:
        raise ProblemError(problems.TOO_LARGE)
    return [(number, line) for number, line in enumerate(body.split(b"\n"), 1) if line.strip()]


def understood(number: int, text: bytes, principal: str, by: str | None, request_id: str) -> Line:
    """What a line of this client says; `by` is the person named for lines that name none."""
    try:
        if len(text) > MAX_BYTES:
            raise ProblemError(problems.TOO_LARGE)
        line = decode(BulkLine, text)
        _check(line)
    except (ProblemError, NotJson, Invalid) as error:
        return Line(number=number, failure=error)
    address = _address(line.complaint)
    body = bytes(line.body)
    return Line(
        number=number,
        order=Order(
            command=line.command,
            body=body,
            key=line.idempotency_key,
            address=address,
            expected_version=line.if_match,
            on_behalf_of=line.on_behalf_of or by,
            correlation_id=request_id or None,
            known_as=command_id(principal, line.idempotency_key),
            is_looked_through=True,
        ),
        is_registration=line.command == REGISTER,
        reference=_reference(line.complaint),
        registration_key=getattr(line.complaint, "registration_key", None),
        others=others_of(line.command, body),
    )


def _check(line: BulkLine) -> None:
    """What the shape alone does not say."""
    errors = tuple(_mistakes(line))
    if errors:
        raise Invalid(*errors)


def _mistakes(line: BulkLine) -> Iterator[FieldError]:
    where = line.complaint
    if line.command not in _FOR_KEYS:
        yield FieldError("/command", "invalid_value", "No such command.")
    elif line.command == REGISTER:
        for name in ("complaint", "if_match"):
            if getattr(line, name) is not None:
                yield FieldError(f"/{name}", "unknown_field", "A registration has none.")
    elif where is None:
        yield FieldError("/complaint", "missing_field", "This field is required.")
    elif isinstance(where, BulkAddress):
        by_reference = where.channel is not None and where.external_ref is not None
        by_any = where.channel is not None or where.external_ref is not None
        if by_any != by_reference or by_any == (where.registration_key is not None):
            told = "Either channel and external_ref, or registration_key."
            yield FieldError("/complaint", "invalid_value", told)


def _address(where: str | BulkAddress | None) -> str | None:
    """The address as the digest of the order holds it: as in a path, so that either way is one."""
    if isinstance(where, BulkAddress):
        if where.registration_key is not None:
            return f"={where.registration_key}"  # no channel begins like this
        return f"{where.channel}:{where.external_ref}"
    return where


def _reference(where: str | BulkAddress | None) -> Reference | None:
    if isinstance(where, BulkAddress):
        if where.channel is None or where.external_ref is None:
            return None
        return where.channel, where.external_ref
    if where is None or parse_uuid(where) is not None or read_tracking_number(where) is not None:
        return None
    channel, _, reference = where.partition(":")
    return (channel, reference) if channel and reference else None


class _Told(msgspec.Struct):
    """What of a registration tells how to address it; all else is looked at when it is its turn."""

    channel: str | None = None
    external_ref: str | None = None


_peek = msgspec.json.Decoder(_Told).decode


def _told(body: bytes) -> Reference | None:
    try:
        told = _peek(body)
    except msgspec.DecodeError:
        return None
    if told.channel is None or told.external_ref is None:
        return None
    return told.channel, told.external_ref
