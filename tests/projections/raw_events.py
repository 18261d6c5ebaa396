"""Events as the ledger has them, for what is worked out a second time without our own code."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg


class Told:
    """An event as the ledger has it, without knowing what it means."""

    def __init__(self, kind: str, recorded_at: datetime, data: bytes, metadata: bytes) -> None:
        self.kind = kind
        self.data: dict[str, Any] = json.loads(data)
        self.metadata: dict[str, Any] = json.loads(metadata)
        self.recorded_us = microseconds(recorded_at)
        told = self.metadata.get("occurred_at")
        self.occurred_us = microseconds(datetime.fromisoformat(told)) if told else self.recorded_us

    @property
    def precision(self) -> str:
        """How exactly it was told when it happened."""
        return str(self.metadata.get("occurred_at_precision", "instant"))

    @property
    def is_exact(self) -> bool:
        """Whether a time of day was told, or none was needed."""
        return self.precision in ("instant", "minute") or "occurred_at" not in self.metadata

    @property
    def official_us(self) -> int:
        """The time that counts for the official verdict."""
        source = self.metadata.get("occurred_at_source", "system")
        return self.occurred_us if source in ("system", "provider") else self.recorded_us


def raw_events(uri: str) -> list[tuple[Any, ...]]:
    """Every event of the ledger: stream, type, time of recording, data, metadata."""
    with psycopg.connect(uri) as connection:
        return connection.execute(
            "SELECT stream_id, type, recorded_at, data, metadata FROM ledger.events"
            " ORDER BY partition, position"
        ).fetchall()


def microseconds(at: datetime) -> int:
    """A moment as a whole number."""
    return (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
