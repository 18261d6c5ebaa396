"""`python -m api.cli`, the same as `closedloop`."""

from api.cli import main

main()
