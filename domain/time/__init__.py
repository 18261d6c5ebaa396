"""Time as promises count it: pure arithmetic, no clock, no database."""
