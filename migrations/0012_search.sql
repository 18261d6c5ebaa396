-- The words by which complaints are found in lists.

CREATE TABLE views.complaint_search (
    partition    smallint NOT NULL,
    complaint_id uuid     NOT NULL,
    subjects     jsonb    NOT NULL,
    subject      text     NOT NULL,
    grams        text[]   NOT NULL,
    PRIMARY KEY (partition, complaint_id)
);
COMMENT ON TABLE views.complaint_search IS
    'Grain: one row per complaint: what it is about, in words that are not personal. Folded by projections/search.py.';
CREATE INDEX complaint_search_by_gram ON views.complaint_search USING gin (grams);
CREATE INDEX complaints_by_tracking_number ON views.complaints (tracking_number);
