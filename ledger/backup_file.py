"""The file of a backup: a dump as pg_dump writes it (custom format), and after it what it holds.

pg_restore reads such a file as it is: what follows the dump it never looks at. The last line says
how long the manifest before it is, so a file that was cut short is known by its end.
"""

import hashlib
import os
import re
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, NamedTuple

import msgspec

from ledger.database import DatabaseError

_DUMP = b"PGDMP"  # how every dump of the custom format begins
_LAST_LINE = re.compile(rb"\n# closedloop backup 1 (\d{10})\n")
_LAST_LINE_BYTES = len(b"\n# closedloop backup 1 0123456789\n")
_CHUNK = 1 << 20


class Grant(msgspec.Struct, frozen=True):
    """A privilege that tables made later in a schema give to a role by themselves."""

    schema: str
    kind: str  # r: tables, S: sequences, f: functions, T: types
    privilege: str
    role: str


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What a backup holds: nothing personal, no password, of the secret only its fingerprint."""

    made_at: datetime
    release: str
    postgresql: int
    format: str
    migrations: list[str]
    partitions: int
    zone: str
    secret: str | None
    heads: dict[int, int]
    recorded_at: datetime | None  # of the last event
    views: dict[str, dict[int, int]]
    roles: list[str]  # who were granted something
    defaults: list[Grant]
    tables: dict[str, int]  # how many pages, about, by which progress is told
    dump_bytes: int = 0
    dump_sha256: str = ""

    @property
    def events(self) -> int:
        """How many events there are, over all partitions."""
        return sum(self.heads.values())


class Backup(NamedTuple):
    """A backup that is whole as far as its length tells."""

    path: Path
    manifest: Manifest


def read(path: Path) -> Backup:
    """Read what a file holds; refuses what is no backup, or not all of one."""
    with open(path, "rb") as file:
        if file.read(len(_DUMP)) != _DUMP:
            raise DatabaseError(f"{path} is no backup made by `closedloop backup`")
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - _LAST_LINE_BYTES))
        last = _LAST_LINE.fullmatch(file.read())
        if last is None:
            raise DatabaseError(
                f"{path} is not whole: it was cut short, or not made by `closedloop backup`"
            )
        begin = size - _LAST_LINE_BYTES - int(last[1])
        file.seek(max(0, begin))
        try:
            manifest = msgspec.json.decode(file.read(int(last[1])), type=Manifest)
        except msgspec.MsgspecError:
            raise DatabaseError(f"{path} is damaged, or of a later release") from None
    if manifest.dump_bytes != begin:
        raise DatabaseError(f"{path} is damaged: its dump is not as long as it was")
    return Backup(path, manifest)


def verify(backup: Backup) -> None:
    """Read all of the dump and make sure that not a bit of it has changed."""
    with open(backup.path, "rb") as file:
        if _sha256(file, backup.manifest.dump_bytes) != backup.manifest.dump_sha256:
            raise DatabaseError(f"{backup.path} is damaged: its content has changed")


def seal(path: Path, manifest: Manifest) -> Manifest:
    """Write the manifest behind a dump that is complete, and see both safely on the disk."""
    with open(path, "r+b") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(0)
        sealed = msgspec.structs.replace(manifest, dump_bytes=size, dump_sha256=_sha256(file, size))
        told = msgspec.json.encode(sealed)
        file.seek(size)
        file.write(told + b"\n# closedloop backup 1 %010d\n" % len(told))
        file.flush()
        os.fsync(file.fileno())
    return sealed


def _sha256(file: BinaryIO, size: int) -> str:
    sha, left = hashlib.sha256(), size
    while left and (chunk := file.read(min(_CHUNK, left))):
        sha.update(chunk)
        left -= len(chunk)
    return sha.hexdigest()
