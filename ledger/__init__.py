"""The event store: append-only, gapless, in commit order, idempotent (architecture 4)."""
