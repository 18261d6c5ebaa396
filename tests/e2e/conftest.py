"""The served database of the API's tests, for whole stories."""

from tests.api.conftest import api, spread

__all__ = ["api", "spread"]
