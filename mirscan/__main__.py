"""`python -m mirscan` is the `mirscan` command."""

from mirscan.cli.main import main

main()
