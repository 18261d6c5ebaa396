"""Ids: of streams (time-ordered), of commands (made from who sends what key), of places."""

import hashlib
import os
import re
import time
from uuid import UUID, uuid5

import msgspec

_COMMANDS = UUID("6f1c6c1e-8f3b-4b52-9d2e-0c5d3a1c7e11").bytes
_NAMED = UUID("1b5f0d3a-6c77-4a0e-8f4b-93d2a7c1e605")
_VERSION_5, _VERSION_7 = 0x5 << 76 | 0x2 << 62, 0x7 << 76 | 0x2 << 62
_BESIDE = ~(0xF << 76 | 0x3 << 62)  # all bits but those of the version and the variant
_RANDOM = _BESIDE & (1 << 80) - 1
_drawn: list[bytes] = []  # random bytes for the ids to come: drawing is costly, be it few or many
os.register_at_fork(after_in_child=_drawn.clear)


def new_stream_id(hint: str | UUID | None = None) -> UUID:
    """A UUIDv7-shaped id (random ones cost nine times the WAL).

    The last byte chooses the partition; a hint (the customer, else the command) puts streams of
    one customer into one partition, an optimisation on which no rule relies.
    """
    milliseconds = time.time_ns() // 1_000_000
    value = milliseconds << 80 | int.from_bytes(_ten_bytes(), "big") & _RANDOM | _VERSION_7
    if hint is not None:
        byte = hint.int & 0xFF if isinstance(hint, UUID) else _byte_of(hint)
        value = value & ~0xFF | byte
    return _uuid_of(value)


def _ten_bytes() -> bytes:
    try:
        return _drawn.pop()
    except IndexError:
        many = os.urandom(10 * 64)
        _drawn.extend(many[start : start + 10] for start in range(10, len(many), 10))
        return many[:10]


def named_stream_id(kind: str, name: str) -> UUID:
    """The stream of something that has a name of its own, such as a customer: always the same.

    Its partition is that of the streams made with the name as their hint.
    """
    raw = bytearray(uuid5(_NAMED, f"{kind}\n{name}").bytes)
    raw[15] = _byte_of(name)
    return UUID(bytes=bytes(raw))


def _uuid_of(value: int) -> UUID:
    """In a third of the time that the class takes to make one."""
    return msgspec.convert(value.to_bytes(16, "big"), UUID)


def _byte_of(hint: str) -> int:
    return hashlib.blake2b(hint.encode(), digest_size=1).digest()[0]


def partition_of(stream_id: UUID, partitions: int) -> int:
    """The partition a stream lives in, for good."""
    return (stream_id.int & 0xFF) % partitions


def command_id(principal: str, key: str) -> UUID:
    """The id of a command: who sends it, and the idempotency key they gave it.

    A UUIDv5, in a third of the time of `uuid5`: every command has one.
    """
    said = hashlib.sha1(_COMMANDS + f"{principal}\n{key}".encode(), usedforsecurity=False)
    value = int.from_bytes(said.digest()[:16], "big") & _BESIDE | _VERSION_5
    return _uuid_of(value)


def digest(*parts: bytes) -> bytes:
    """What a command said: a digest over its parts, each with its length."""
    sha = hashlib.sha256()
    for part in parts:
        sha.update(len(part).to_bytes(8, "big"))
        sha.update(part)
    return sha.digest()


# --- places in the ledger -------------------------------------------------------------------

_TOKEN = re.compile(r"(\d{1,5}):(\d{1,18})", re.ASCII)


def write_place(partition: int, position: int) -> str:
    """A place in the ledger as clients see it: `0:1234`."""
    return f"{partition}:{position}"


def write_token(places: dict[int, int]) -> str:
    """Places in the ledger as clients see them, joined by commas."""
    return ",".join([write_place(*place) for place in sorted(places.items())])


def read_token(text: str) -> dict[int, int]:
    """The places a token names; `ValueError` where it is none."""
    places: dict[int, int] = {}
    for part in text.split(","):
        match = _TOKEN.fullmatch(part)
        if match is None or int(match[1]) in places:
            raise ValueError("not a place in the ledger: expected <partition>:<position>")
        places[int(match[1])] = int(match[2])
    return places


# --- tracking numbers -----------------------------------------------------------------------

_TRACKING = re.compile(r"^CL(\d{1,3})-(\d{6,18})-(\d)$", re.ASCII | re.IGNORECASE)


def tracking_number(partition: int, position: int) -> str:
    """追踪编号: the number people use, made of the place of the registration, with a check digit.

    A place is unique and never changes, so no counter and no table is needed.
    """
    digits = f"{position:06d}"
    return f"CL{partition}-{digits}-{_luhn(f'{partition}{digits}')}"


def read_tracking_number(text: str) -> tuple[int, int] | None:
    """The place a tracking number was made of; None where it is none, or mistyped."""
    match = _TRACKING.match(text.strip())
    if match is None or _luhn(match[1] + match[2]) != int(match[3]):
        return None
    return int(match[1]), int(match[2])


def _luhn_sum(number: int) -> int:
    """What four digits add to the sum of Luhn: each second one, the last included, twice."""
    digits = [int(digit) for digit in f"{number:04d}"]
    return sum((0, 2, 4, 6, 8, 1, 3, 5, 7, 9)[digit] for digit in digits[1::2]) + sum(digits[::2])


_LUHN_SUMS = tuple(map(_luhn_sum, range(10_000)))


def _luhn(digits: str) -> int:
    """The check digit of a number, which is taken apart four digits at a time."""
    number, total = int(digits), 0
    while number:
        number, last = divmod(number, 10_000)
        total += _LUHN_SUMS[last]
    return -total % 10
