"""Entry point of the `memento` command: says what to install where the `cli` extra is missing, else runs it."""

import sys

from memento.extras import CLI_MODULES, missing_packages


def main() -> None:
    """Run the command line, or end with exit code 1 and one sentence."""
    if missing := missing_packages("cli", CLI_MODULES):
        sys.exit(f"memento: the command line is not installed: {missing}")
    from memento.cli.main import main as run

    run()
