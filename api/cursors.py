"""Cursors: where a page of a list ended, sealed, so that a client can use but not make one."""

import base64
import hashlib
import hmac

import msgspec

_SEAL_BYTES = 16


class Cursors:
    """Writes and reads cursors; one made by anybody else, or for another list, is refused."""

    def __init__(self, secret: bytes) -> None:
        """Seal with the secret of the installation: cursors outlive the process."""
        self._secret = secret

    def write(self, bound_to: str, last: list[str]) -> str:
        """The cursor after a row, bound to the filters and the order of its list."""
        told = msgspec.json.encode(last)
        return base64.urlsafe_b64encode(self._seal(bound_to, told) + told).decode().rstrip("=")

    def read(self, cursor: str, bound_to: str) -> list[str]:
        """The row a cursor stands after; `ValueError` where it is not one of this list."""
        padded = cursor.encode() + b"=" * (-len(cursor) % 4)
        raw = base64.b64decode(padded, altchars=b"-_", validate=True)
        seal, told = raw[:_SEAL_BYTES], raw[_SEAL_BYTES:]
        if not hmac.compare_digest(seal, self._seal(bound_to, told)):
            raise ValueError("not a cursor of this list")
        return msgspec.json.decode(told, type=list[str])

    def _seal(self, bound_to: str, told: bytes) -> bytes:
        message = b"cursor\n" + bound_to.encode() + b"\n" + told
        return hmac.new(self._secret, message, hashlib.sha256).digest()[:_SEAL_BYTES]
