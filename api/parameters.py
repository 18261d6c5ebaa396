"""The parameters and problems that many routes share, and how the values are read."""

import re
from typing import get_args
from uuid import UUID

from api import problems
from api.http import Asked, Parameter
from api.problems import ProblemError
from domain.kernel import Identifier

_IDENTIFIER: str = get_args(Identifier)[1].pattern

ADDRESS = Parameter(
    name="address",
    place="path",
    description="The complaint: its id, its tracking number, or `<channel>:<external_ref>`.",
    schema={"type": "string", "minLength": 1, "maxLength": 600},
    is_required=True,
)
IDEMPOTENCY_KEY = Parameter(
    name="Idempotency-Key",
    place="header",
    description="1-200 visible ASCII characters; the same key with the same command is answered"
    " as the first time.",
    schema={"type": "string", "pattern": r"^[\x21-\x7E]{1,200}$"},
    is_required=True,
    example="7f1d2c9e-1",
)
IF_MATCH = Parameter(
    name="If-Match",
    place="header",
    description='The version the command was decided on, as an ETag: `"3"`.',
    schema={"type": "string", "pattern": r'^"[0-9]{1,9}"$'},
    example='"3"',
)
ON_BEHALF_OF = Parameter(
    name="On-Behalf-Of",
    place="header",
    description="The staff id of the person who gives the order through this client.",
    schema={"type": "string", "pattern": _IDENTIFIER},
)
ACCEPT_LANGUAGE = Parameter(
    name="Accept-Language",
    place="header",
    description="`en` or `zh-CN`: the language of titles and details of problems.",
    schema={"type": "string"},
)
TOKEN = {"type": "string", "pattern": r"^[0-9]{1,5}:[0-9]{1,18}(,[0-9]{1,5}:[0-9]{1,18})*$"}

AT_LEAST = Parameter(
    name="at_least",
    place="query",
    description="A `Ledger-Position`: wait until the view has reached it (at most 5 s, then 503).",
    schema=TOKEN,
)


DRY_RUN = Parameter(
    name="dry_run",
    place="query",
    description="`true`: say what would follow, or what forbids it; nothing is recorded, and the"
    " `Idempotency-Key` stays as it was.",
    schema={"type": "boolean", "default": False},
)


class ErrorsOf:
    """The problems that groups of routes share."""

    KEYED = (
        problems.UNAUTHENTICATED,
        problems.FORBIDDEN,
        problems.RATE_LIMITED,
        problems.UNAVAILABLE,
        problems.INTERNAL,
    )
    BODY = (
        problems.NOT_JSON,
        problems.TOO_LARGE,
        problems.UNSUPPORTED_MEDIA_TYPE,
        problems.INVALID,
    )


def idempotency_key(asked: Asked) -> str:
    """The key that makes the order safe to repeat."""
    key = asked.header("Idempotency-Key", r"[\x21-\x7e]{1,200}", "1-200 visible ASCII characters")
    if key is None:
        raise ProblemError(
            problems.BAD_HEADER, name="Idempotency-Key", expected="required on writes"
        )
    return key


def if_match(asked: Asked) -> int | None:
    """The version the caller decided on."""
    value = asked.header("If-Match", r'"[0-9]{1,9}"', 'a version in quotes, as in "3"')
    return int(value.strip('"')) if value is not None else None


def on_behalf_of(asked: Asked) -> str | None:
    """The person who gives the order through this client."""
    return asked.header("On-Behalf-Of", _IDENTIFIER, "a staff id, never a phone number or a name")


def whole_number(asked: Asked, name: str, default: int, low: int, high: int) -> int:
    """A whole number of the query."""
    text = asked.query(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and len(text) <= 10 and low <= int(text) <= high):
        raise ProblemError(problems.BAD_QUERY, name=name, expected=f"{low} to {high}")
    return int(text)


def is_wanted(asked: Asked, name: str) -> bool:
    """A yes or no of the query; unsaid is no."""
    text = asked.query(name)
    if text not in (None, "true", "false"):
        raise ProblemError(problems.BAD_QUERY, name=name, expected="true or false")
    return text == "true"


def parse_uuid(text: str) -> UUID | None:
    """The id that a text is; None where it is none."""
    if re.fullmatch(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", text, re.ASCII) is None:
        return None
    return UUID(text)
