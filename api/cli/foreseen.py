"""The failures that can be foreseen: each is told in one line."""

import psycopg

from api.config import ConfigError
from ledger.database import DatabaseError
from ledger.embedded import EmbeddedError
from ledger.registry import UnknownEvent
from ledger.writer import Unavailable
from projections.halting import ViewHalted
from projections.reader import CorruptLedger

FORESEEN = (
    ConfigError,
    DatabaseError,
    EmbeddedError,
    Unavailable,
    ViewHalted,
    CorruptLedger,
    UnknownEvent,
    psycopg.Error,
    OSError,
)
