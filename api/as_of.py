"""As of when a complaint is read: how much of its history counts.

`as_of` cuts by what was recorded (a time, a version or a place in the ledger): always a prefix,
because recording times never fall. `occurred_by` leaves out what had not occurred by then,
whenever it was recorded. The API and the command line read both here.
"""

import re
from datetime import datetime
from typing import Any

import msgspec

from api import problems
from api.http import Asked, Parameter
from api.moments import IN_A_QUERY, MOMENT_SCHEMA, asked_moment, read_moment
from api.problems import ProblemError
from api.roles import READ_HISTORY
from domain.kernel import Moment, Recorded, Rejected
from ledger.ids import read_token, write_token

EXPECTED = "a version (v12), a place (0:1234) or a time with an offset"

AS_OF = Parameter(
    name="as_of",
    place="query",
    description="As it was known then: what had been recorded by a time (RFC 3339), up to a"
    " version (`v12`) or up to a place in the ledger (`0:1234`). A time to come is now. For roles"
    " that read histories.",
    schema={
        "type": "string",
        "pattern": r"^(v[1-9][0-9]{0,8}|[0-9]{1,5}:[0-9]{1,18}(,[0-9]{1,5}:[0-9]{1,18})*"
        r"|[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9:.]{5,30}([Zz]|[+-][0-9]{2}:[0-9]{2}))$",
    },
)
OCCURRED_BY = Parameter(
    name="occurred_by",
    place="query",
    description="Only what had occurred by this time, whenever it was recorded; with `as_of`, both"
    " hold. For roles that read histories.",
    schema=MOMENT_SCHEMA,
)


class NotReceivedByThen(Rejected):
    """The complaint is there now, but by then nothing of it was known or had occurred."""

    status = 404
    title = "Not received by then"
    title_zh = "当时尚未收到该投诉"
    detail = "This complaint was received later than as_of or occurred_by say."
    detail_zh = "该投诉的接收晚于 as_of 或 occurred_by 所指的时点。"


class AsOf(msgspec.Struct, frozen=True, kw_only=True):
    """How much of a history counts; what is absent does not limit it."""

    version: int | None = None
    recorded_by: datetime | None = None
    places: dict[int, int] | None = None
    occurred_by: datetime | None = None

    def counts(self, recorded: Recorded[Any]) -> bool:
        """Whether an event belongs to the part that counts."""
        return (
            (self.version is None or recorded.version <= self.version)
            and (self.recorded_by is None or recorded.recorded_at <= self.recorded_by)
            and (self.places is None or recorded.position <= self.places[recorded.partition])
            and (self.occurred_by is None or recorded.occurred_at <= self.occurred_by)
        )


class AsOfAnswer(msgspec.Struct, kw_only=True):
    """What an answer about the past counts: up to which event, and by when it had occurred."""

    version: int
    position: str
    recorded_at: Moment
    occurred_by: Moment | None = None


def read_as_of(text: str) -> AsOf:
    """What an as-of says; `ValueError` tells what was expected."""
    if re.fullmatch(r"v[1-9]\d{0,8}", text, re.ASCII):
        return AsOf(version=int(text[1:]))
    if ":" in text and text[0].isdigit() and "-" not in text:
        try:
            return AsOf(places=read_token(text))
        except ValueError:
            raise ValueError(EXPECTED) from None
    try:
        return AsOf(recorded_by=read_moment(text))
    except ValueError:
        raise ValueError(EXPECTED) from None


def asked_as_of(asked: Asked) -> AsOf | None:
    """The past that a request asks about; None where it asks about the present."""
    text, occurred_by = asked.query("as_of"), asked_moment(asked, "occurred_by")
    if text is None and occurred_by is None:
        return None
    if asked.who.role not in READ_HISTORY:
        raise ProblemError(problems.FORBIDDEN, role=asked.who.role)
    try:
        found = AsOf() if text is None else read_as_of(text)
    except ValueError as error:
        expected = f"{error}{IN_A_QUERY}"
        raise ProblemError(problems.BAD_QUERY, name="as_of", expected=expected) from None
    return msgspec.structs.replace(found, occurred_by=occurred_by)


def part_of(history: list[Recorded[Any]], as_of: AsOf | None) -> list[Recorded[Any]]:
    """The part of a history that counts; `ValueError` where the place is of another partition."""
    if as_of is None or not history:
        return history
    partition = history[0].partition
    if as_of.places is not None and partition not in as_of.places:
        raise ValueError(f"a place in partition {partition}, where this complaint is")
    counted = [recorded for recorded in history if as_of.counts(recorded)]
    # The receipt may have occurred later than what is told of the time before it.
    if not counted or counted[0].version != 1:
        raise NotReceivedByThen
    return counted


def answer_of(history: list[Recorded[Any]], as_of: AsOf | None) -> AsOfAnswer | None:
    """What an answer counts; None where it is about the present."""
    if as_of is None:
        return None
    last = history[-1]
    return AsOfAnswer(
        version=last.version,
        position=write_token({last.partition: last.position}),
        recorded_at=last.recorded_at,
        occurred_by=as_of.occurred_by,
    )
