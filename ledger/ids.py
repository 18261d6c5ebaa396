"""Ids: of streams (time-ordered), of commands (made from who sends what key), of places."""

import hashlib
import os
import re
import time
from uuid import UUID, uuid5

_COMMANDS = UUID("6f1c6c1e-8f3b-4b52-9d2e-0c5d3a1c7e11").bytes
_NAMED = UUID("1b5f0d3a-6c77-4a0e-8f4b-93d2a7c1e605")
_VERSION_7 = 0x7 << 76 | 0x2 << 62
_RANDOM = 0xFFF << 64 | (1 << 62) - 1  # the bits beside the time, the version and the variant


def new_stream_id(hint: str | UUID | None = None) -> UUID:
    """A UUIDv7-shaped id (random ones cost nine times the WAL).

    The last byte chooses the partition; a hint (the customer, else the command) puts streams of
    one customer into one partition, an optimisation on which no rule relies.
    """
    milliseconds = time.time_ns() // 1_000_000
    value = milliseconds << 80 | int.from_bytes(os.urandom(10), "big") & _RANDOM | _VERSION_7
    if hint is not None:
        byte = hint.int & 0xFF if isinstance(hint, UUID) else _byte_of(hint)
        value = value & ~0xFF | byte
    return UUID(int=value)


def named_stream_id(kind: str, name: str) -> UUID:
    """The stream of something that has a name of its own, such as a customer: always the same.

    Its partition is that of the streams made with the name as their hint.
    """
    raw = bytearray(uuid5(_NAMED, f"{kind}\n{name}").bytes)
    raw[15] = _byte_of(name)
    return UUID(bytes=bytes(raw))


def _byte_of(hint: str) -> int:
    return hashlib.blake2b(hint.encode(), digest_size=1).digest()[0]


def partition_of(stream_id: UUID, partitions: int) -> int:
    """The partition a stream lives in, for good."""
    return (stream_id.int & 0xFF) % partitions


def command_id(principal: str, key: str) -> UUID:
    """The id of a command: who sends it, and the idempotency key they gave it.

    A UUIDv5, in half the time of `uuid5`: every command has one.
    """
    said = hashlib.sha1(_COMMANDS + f"{principal}\n{key}".encode(), usedforsecurity=False)
    return UUID(int=int.from_bytes(said.digest()[:16], "big"), version=5)


def digest(*parts: bytes) -> bytes:
    """What a command said: a digest over its parts, each with its length."""
    sha = hashlib.sha256()
    for part in parts:
        sha.update(len(part).to_bytes(8, "big"))
        sha.update(part)
    return sha.digest()


# --- places in the ledger -------------------------------------------------------------------

_TOKEN = re.compile(r"(\d{1,5}):(\d{1,18})", re.ASCII)


def write_token(places: dict[int, int]) -> str:
    """Places in the ledger as clients see them: `0:1234`, several joined by commas."""
    return ",".join([f"{partition}:{position}" for partition, position in sorted(places.items())])


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
    return f"CL{partition}-{digits}-{_luhn(str(partition) + digits)}"


def read_tracking_number(text: str) -> tuple[int, int] | None:
    """The place a tracking number was made of; None where it is none, or mistyped."""
    match = _TRACKING.match(text.strip())
    if match is None or _luhn(match[1] + match[2]) != int(match[3]):
        return None
    return int(match[1]), int(match[2])


_DOUBLED = str.maketrans("0123456789", "0246813579")  # each digit twice, its own digits summed


def _luhn(digits: str) -> int:
    total = sum(map(int, digits[-1::-2].translate(_DOUBLED))) + sum(map(int, digits[-2::-2]))
    return -total % 10
