"""What `make bench` runs: our figures beside a baseline of the same run, as ratios."""
