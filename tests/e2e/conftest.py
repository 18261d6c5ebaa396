"""The served database of the API's tests, for whole stories."""

from tests.api.conftest import api

__all__ = ["api"]
