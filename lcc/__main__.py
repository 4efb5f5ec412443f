"""`python -m lcc`: the launcher, where no script is installed (the images)."""

from lcc.cli.main import main

main()
