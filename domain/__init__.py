"""The business: pure deciders over events, without clock, randomness, I/O or database."""
