"""Keys: `cl_<id>_<secret>`, of which only the SHA-256 is kept; both ends of it leave an event."""

import asyncio
import hashlib
import hmac
import re
import secrets
import time
from typing import Any
from uuid import UUID

import msgspec

from api.client import Client, utc_now
from api.roles import ROLES
from domain.access import ACCESS, IssueKey, RevokeKey
from domain.kernel import Actor, ActorKind, Context
from domain.rules import Rules
from ledger.application import Ledger
from ledger.ids import command_id, digest

ACCESS_STREAM = UUID("0197f000-0000-7000-8000-00000000ac00")
_KEY = re.compile(r"^cl_([a-z0-9]{12})_([A-Za-z0-9_-]{43})$", re.ASCII)
_PRINCIPAL = re.compile(r"^[A-Za-z0-9._:-]{1,64}$", re.ASCII)
_REMEMBER_SECONDS = 1.0  # a revoked key stops opening within this time
_REMEMBER_KEYS = 10_000


class Key(msgspec.Struct, frozen=True, kw_only=True):
    """A key as it is listed; the secret is shown once, when it is issued."""

    key_id: str
    name: str
    principal: str
    role: str
    kind: str
    rate_per_minute: int | None
    created_at: str
    revoked_at: str | None = None


_INSERT = """
INSERT INTO ledger.keys (key_id, secret_sha256, name, principal, role, kind, unit_id,
                         rate_per_minute, created_at)
VALUES (%(key_id)s, %(secret_sha256)s, %(name)s, %(principal)s, %(role)s, %(kind)s, %(unit_id)s,
        %(rate_per_minute)s, ledger.clock())
RETURNING key_id"""
_SELECT = """
SELECT secret_sha256, principal, role, kind, unit_id, rate_per_minute FROM ledger.keys
WHERE key_id = %(key_id)s AND revoked_at IS NULL"""
_REVOKE = """
UPDATE ledger.keys SET revoked_at = coalesce(revoked_at, ledger.clock())
WHERE key_id = %(key_id)s RETURNING key_id"""
_LIST = """
SELECT key_id, name, principal, role, kind, rate_per_minute,
       to_char(created_at, 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
       to_char(revoked_at, 'YYYY-MM-DD"T"HH24:MI:SS"Z"')
FROM ledger.keys ORDER BY created_at, key_id LIMIT 1000"""


class Keys:
    """Issues, revokes and recognises keys."""

    def __init__(self, ledger: Ledger, rules: Rules) -> None:
        """Keep keys in the database of this ledger."""
        self._ledger = ledger
        self._rules = rules
        self._recognised: dict[bytes, tuple[float, Client | None]] = {}
        self._looking: dict[bytes, asyncio.Task[Client | None]] = {}  # one for all who ask at once

    async def issue(
        self,
        *,
        name: str,
        role: str,
        principal: str,
        kind: ActorKind = "person",
        unit_id: str | None = None,
        rate_per_minute: int | None = None,
    ) -> str:
        """Give out a new key and return it whole: the only time its secret is seen.

        With a rate, more requests a minute than that are refused.
        """
        if role not in ROLES:
            raise ValueError(f"no such role: {role}; there are {', '.join(ROLES)}")
        if _PRINCIPAL.match(principal) is None:
            raise ValueError("a principal is 1-64 of A-Z a-z 0-9 . _ : -, such as a staff id")
        key_id, secret = _random_id(), secrets.token_urlsafe(32)
        command = IssueKey(
            key_id=key_id,
            principal=principal,
            role=role,
            kind=kind,
            rate_per_minute=rate_per_minute,
        )
        # The event first: what was issued is in the history even if we die before it works.
        await self._record(command, key_id)
        await self._ledger.query(
            _INSERT,
            {
                "key_id": key_id,
                "secret_sha256": hashlib.sha256(secret.encode()).digest(),
                "name": name,
                "principal": principal,
                "role": role,
                "kind": kind,
                "unit_id": unit_id,
                "rate_per_minute": rate_per_minute,
            },
        )
        return f"cl_{key_id}_{secret}"

    async def revoke(self, key_id: str) -> None:
        """Take a key back: first it opens nothing, then the history says so."""
        await self._ledger.query(_REVOKE, {"key_id": key_id})
        await self._record(RevokeKey(key_id=key_id), key_id)

    async def listed(self) -> list[Key]:
        """The keys there are, oldest first."""
        return [
            Key(
                key_id=row[0],
                name=row[1],
                principal=row[2],
                role=row[3],
                kind=row[4],
                rate_per_minute=row[5],
                created_at=row[6],
                revoked_at=row[7],
            )
            for row in await self._ledger.query(_LIST, {})
        ]

    async def recognise(self, text: str) -> Client | None:
        """Whose key this is; None for one that is unknown, wrong or revoked."""
        match = _KEY.match(text)
        if match is None:
            return None
        sha = hashlib.sha256(match[2].encode()).digest()
        known_by = match[1].encode() + sha
        known = self._recognised.get(known_by)
        if known is not None and known[0] > time.monotonic():
            return known[1]
        looking = self._looking.get(known_by)
        if looking is None:
            looking = asyncio.create_task(self._look_up(match[1], sha))
            self._looking[known_by] = looking
            looking.add_done_callback(lambda done: self._found(known_by, done))
        return await asyncio.shield(looking)

    def _found(self, known_by: bytes, done: asyncio.Task[Client | None]) -> None:
        del self._looking[known_by]
        if not done.cancelled():
            done.exception()  # whoever asked may have gone: then nobody is to be told

    async def _look_up(self, key_id: str, sha: bytes) -> Client | None:
        asked_at = time.monotonic()
        rows = await self._ledger.query(_SELECT, {"key_id": key_id})
        client = _client(key_id, sha, rows[0]) if rows else None
        if len(self._recognised) >= _REMEMBER_KEYS:
            self._recognised.clear()
        self._recognised[key_id.encode() + sha] = (asked_at + _REMEMBER_SECONDS, client)
        return client

    async def _record(self, command: Any, key_id: str) -> None:
        known_as = command_id("closedloop", f"{type(command).__name__}:{key_id}")
        context = Context(
            now=utc_now(),
            actor=Actor(id="closedloop", kind="system", role="admin"),
            client_id="cli",
            command_id=known_as,
            rules=self._rules,
        )
        await self._ledger.execute(
            ACCESS, ACCESS_STREAM, command, context, digest=digest(msgspec.json.encode(command))
        )


def _client(key_id: str, sha: bytes, row: tuple[Any, ...]) -> Client | None:
    secret_sha256, principal, role, kind, unit_id, rate_per_minute = row
    if not hmac.compare_digest(bytes(secret_sha256), sha):
        return None
    return Client(
        principal=principal,
        client_id=f"key:{key_id}",
        role=role,
        kind=kind,
        unit_id=unit_id,
        rate_per_minute=rate_per_minute,
    )


def _random_id() -> str:
    return "".join(secrets.choice("abcdefghijkmnpqrstuvwxyz23456789") for _ in range(12))
