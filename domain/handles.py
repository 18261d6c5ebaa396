"""Handles as they are compared: a telephone number or an e-mail address however it is written."""

import re
import unicodedata

from domain.kernel import Handle

_CHINA = re.compile(r"^(\+?86|0086)(?=1[3-9][0-9]{9}$)")


def known_as(handle: Handle) -> str:
    """The kind and the handle: `+86 138 …` is `138…`, and no e-mail address has capitals."""
    text = unicodedata.normalize("NFKC", handle.value).strip()
    match handle.kind:
        case "phone":
            text = _CHINA.sub("", re.sub(r"[\s().\-\u2010-\u2015]", "", text))
        case "email":
            text = text.casefold()
    return f"{handle.kind}\n{text}"
