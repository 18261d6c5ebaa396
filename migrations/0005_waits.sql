-- What a complaint waits for, and clocks stopped by a merge.

ALTER TABLE views.complaints ADD COLUMN waits jsonb;
COMMENT ON COLUMN views.complaints.waits IS
    'What is open: id of a task, a request or a referral to what is waited for; waiting_on follows.';

ALTER TABLE views.sla_complaints ADD COLUMN stops_while_merged jsonb;
COMMENT ON COLUMN views.sla_complaints.stops_while_merged IS
    'What would have stopped a clock that a merge had stopped, by clock: it counts if the merge is undone.';

COMMENT ON COLUMN bi.sla_clocks.stop_reason IS
    'The event that stopped it; closed, withdrawn, declined or merged where the complaint ended first; none while it runs.';
COMMENT ON COLUMN bi.sla_clocks.is_in_rates IS
    'Counts in rates: of a complaint that is not withdrawn, declined or a duplicate; what a duplicate had missed before stays in.';
