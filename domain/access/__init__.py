"""Access keys 密钥: who was given one, in which role, and when it was taken back."""

from collections.abc import Callable
from typing import Annotated, Any, ClassVar

import msgspec
from msgspec.structs import replace

from domain.kernel import (
    ActorKind,
    Code,
    Command,
    Context,
    Decider,
    Event,
    Identifier,
    Recorded,
    Rejected,
)

# --- commands and events --------------------------------------------------------------------

Rate = Annotated[
    int, msgspec.Meta(ge=1, le=1_000_000, description="Requests a minute; none: no limit.")
]


class IssueKey(Command, frozen=True, kw_only=True):
    """Give a principal a key with a role."""

    key_id: Identifier
    principal: Identifier
    role: Code
    kind: ActorKind = "person"
    rate_per_minute: Rate | None = None


class RevokeKey(Command, frozen=True, kw_only=True):
    """Take a key back; it opens nothing any more."""

    key_id: Identifier


class KeyIssued(Event, frozen=True, kw_only=True):
    """A principal was given a key with a role; the secret is nowhere recorded."""

    key_id: Identifier
    principal: Identifier
    role: Code
    kind: ActorKind = "person"
    rate_per_minute: Rate | None = None

    schema_version: ClassVar[int] = 2
    # Version 1 knew no rates; no key was limited then.
    upcasts: ClassVar[dict[int, Callable[[dict[str, Any]], dict[str, Any]]]] = {1: dict}


class KeyRevoked(Event, frozen=True, kw_only=True):
    """A key was taken back."""

    key_id: Identifier


# --- state, rejections, decide and evolve ---------------------------------------------------


class Access(msgspec.Struct, frozen=True, kw_only=True):
    """The keys there are and those that were taken back."""

    issued: frozenset[str] = frozenset()
    revoked: frozenset[str] = frozenset()


class UnknownKey(Rejected):
    """There is no such key."""

    status = 404
    title = "Unknown key"
    title_zh = "密钥不存在"
    detail = "There is no key {key_id}."
    detail_zh = "没有密钥 {key_id}。"


def decide(command: object, state: Access, context: Context) -> list[object]:
    """What follows from a command, or the rule that forbids it."""
    match command:
        case IssueKey():
            if command.key_id in state.issued:
                return []
            return [
                KeyIssued(
                    key_id=command.key_id,
                    principal=command.principal,
                    role=command.role,
                    kind=command.kind,
                    rate_per_minute=command.rate_per_minute,
                )
            ]
        case RevokeKey(key_id=key_id):
            if key_id not in state.issued:
                raise UnknownKey(key_id=key_id)
            return [] if key_id in state.revoked else [KeyRevoked(key_id=key_id)]
    raise TypeError(command)


def evolve(state: Access, recorded: Recorded[Any]) -> Access:
    """What an event leaves."""
    match recorded.event:
        case KeyIssued(key_id=key_id):
            return replace(state, issued=state.issued | {key_id})
        case KeyRevoked(key_id=key_id):
            return replace(state, revoked=state.revoked | {key_id})
    return state


ACCESS = Decider[Access](
    name="access",
    initial=Access(),
    decide=decide,
    evolve=evolve,
    commands=(IssueKey, RevokeKey),
    events=(KeyIssued, KeyRevoked),
)
