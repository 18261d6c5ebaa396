"""The digest of a view: what proves that rows kept live and rows rebuilt are the same."""

import hashlib

import msgspec

from projections.reader import Connection
from projections.view import View

_PAGE = 2000
_encode = msgspec.json.Encoder(order="sorted").encode


_POSITIONS = "SELECT partition, position FROM views.positions WHERE view = %(view)s ORDER BY 1"


class Digest(msgspec.Struct, frozen=True):
    """The content of a view, and how far it had come in each partition when it was that."""

    positions: dict[int, int]
    sha256: str


def digest_of(connection: Connection, view: View) -> Digest:
    """SHA-256 over all rows of all tables of a view, in the order of their primary keys.

    A row counts as canonical JSON: sorted names, times in UTC, bytes in base64, no floats.
    """
    sha = hashlib.sha256()
    with connection.transaction():
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        positions = dict(connection.execute(_POSITIONS, {"view": view.name}).fetchall())
        for table in view.tables:
            sha.update(b"%s\n" % table.name.encode())
            with connection.cursor(f"digest_{table.name}", binary=True) as cursor:
                cursor.itersize = _PAGE
                for row in cursor.execute(table.select_all):
                    sha.update(_encode(dict(zip(table.columns, row, strict=True))))
                    sha.update(b"\n")
    return Digest(positions, sha.hexdigest())
