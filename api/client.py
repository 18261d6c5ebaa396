"""Who asks, and when: known before there is anything to order."""

from datetime import UTC, datetime

import msgspec

from domain.kernel import ActorKind


class Client(msgspec.Struct, frozen=True, kw_only=True):
    """Who is logged in: a principal through a key or one of our own programs."""

    principal: str
    client_id: str
    role: str
    kind: ActorKind = "person"
    unit_id: str | None = None
    rate_per_minute: int | None = None


def utc_now() -> datetime:
    """The process's clock; tests give their own."""
    return datetime.now(UTC)
