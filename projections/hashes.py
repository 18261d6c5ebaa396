"""Keyed hashes by which outside references and handles are looked up; neither stands in a view."""

import hashlib
import hmac

from domain.handles import known_as
from domain.kernel import Handle


def external_ref_hash(secret: bytes, external_ref: str) -> bytes:
    """The keyed hash by which an outside reference is looked up, beside the channel."""
    return hmac.new(secret, external_ref.encode(), hashlib.sha256).digest()


def handle_hash(secret: bytes, handle: Handle) -> bytes:
    """The keyed hash by which a handle is known again, however it was written."""
    return hmac.new(secret, f"handle\n{known_as(handle)}".encode(), hashlib.sha256).digest()
