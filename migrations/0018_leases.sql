-- Who works on what (docs/operate.md): a worker holds a view in a partition, or a policy, by an
-- epoch that whoever takes over raises. Whatever an earlier holder still writes names the epoch it
-- had, and changes nothing. A beat that stands still tells a dead holder; no clock is compared.

ALTER TABLE views.positions
    ADD COLUMN epoch         bigint NOT NULL DEFAULT 0,
    ADD COLUMN holder        text,
    ADD COLUMN beat          bigint NOT NULL DEFAULT 0,
    ADD COLUMN halted_before text,
    ADD COLUMN halted_cause  text;
-- Every batch and every beat updates its row: room on the page for the next version (HOT).
ALTER TABLE views.positions SET (fillfactor = 30);

COMMENT ON COLUMN views.positions.epoch IS
    'Raised by whoever takes over, and whenever rows or position change in another way than by the next batch.';
COMMENT ON COLUMN views.positions.holder IS
    'The worker that has it in hand; none: nobody. Of a policy every partition has the same.';
COMMENT ON COLUMN views.positions.beat IS
    'Moves while the holder lives.';
COMMENT ON COLUMN views.positions.halted_before IS
    'The type of the event that follows the position, where the view could not take it in.';
COMMENT ON COLUMN views.positions.halted_cause IS
    'What went wrong there; nothing personal.';
