-- What a view passes over is not read any more, so a slice no longer tells how many events it held.

COMMENT ON COLUMN views.rebuild_slices.events IS
    'How many events the view took in of it, once its rows are written.';
