-- How many requests a minute a key may make; NULL: no limit.

ALTER TABLE ledger.keys ADD COLUMN rate_per_minute integer CHECK (rate_per_minute > 0);
