"""A request that would be carried out, and the ways to spoil it."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

import msgspec
from msgspec.structs import replace

from api.http import Route
from tests.api.cases import Case

PERSON = "Wang Xiaoming 13800138000"
"""What may never be quoted, wherever it was sent."""


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """A request that would be carried out, if no mistake were made in it."""

    route: Route
    case: Case  # the complaint it is about
    elsewhere: Case  # a complaint at a stage that forbids the command
    keys: dict[str, str]  # by role, and a `revoked` one
    used: str  # an idempotency key that was used for something else
    path: str
    query: str = ""
    headers: dict[str, str | list[str]]
    body: dict[str, Any] | None = None
    content: bytes | Iterable[bytes] | None = None  # in place of the body

    def saying(self, **fields: Any) -> "Attempt":
        """The same with other fields in the body."""
        return replace(self, body={**(self.body or {}), **fields})

    def raw(self, content: bytes | str | Iterable[bytes]) -> "Attempt":
        """The same with this content for a body."""
        return replace(self, content=content.encode() if isinstance(content, str) else content)

    def told(self, **headers: str | list[str] | None) -> "Attempt":
        """The same with other headers; None takes one away."""
        changed = {name.replace("_", "-"): value for name, value in headers.items()}
        merged = {**self.headers, **changed}
        return replace(self, headers={k: v for k, v in merged.items() if v is not None})

    def to(self, address: str) -> "Attempt":
        """The same for another complaint."""
        return replace(self, path=self.path.replace(self.case.complaint_id, address))


class Wrong(NamedTuple):
    """A request with a mistake in it, and the place and code of the error it is told."""

    attempt: Attempt
    pointer: str | None = None
    error: str | None = None


class Mistake(NamedTuple):
    """A way to go wrong: at which routes, how, and the status and code of the answer."""

    name: str
    where: Callable[[Route], bool]
    status: int
    code: str
    make: Callable[[Attempt], Iterator[Wrong]]
