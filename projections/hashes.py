"""Keyed hashes by which outside references and handles are looked up; neither stands in a view."""

import hashlib
import hmac
import re
import unicodedata

from domain.kernel import Handle

_CHINA = re.compile(r"^(\+?86|0086)(?=1[3-9][0-9]{9}$)")


def external_ref_hash(secret: bytes, external_ref: str) -> bytes:
    """The keyed hash by which an outside reference is looked up, beside the channel."""
    return hmac.new(secret, external_ref.encode(), hashlib.sha256).digest()


def handle_hash(secret: bytes, handle: Handle) -> bytes:
    """The keyed hash by which a handle is known again, however it was written."""
    text = f"handle\n{handle.kind}\n{_plain(handle)}"
    return hmac.new(secret, text.encode(), hashlib.sha256).digest()


def _plain(handle: Handle) -> str:
    """The handle as it is compared: `+86 138 …` is `138…`, and no e-mail address has capitals."""
    text = unicodedata.normalize("NFKC", handle.value).strip()
    match handle.kind:
        case "phone":
            return _CHINA.sub("", re.sub(r"[\s().\-\u2010-\u2015]", "", text))
        case "email":
            return text.casefold()
    return text
