"""Entry point of the `memento` command: says what to install where the `cli` extra is missing, else runs it."""

import gc
import sys

from memento.extras import CLI_MODULES, missing_packages
from memento.openmp import wait_without_spinning

_ALLOCATIONS_PER_COLLECTION = 50_000
"""Python's default of 700 searches the modules' own objects for cycles hundreds of times while they are imported."""


def main() -> None:
    """Run the command line, or end with exit code 1 and one sentence.

    The process is the command's own, so its garbage collection is set for a short life: seldom while modules are
    imported, and not once more over all their objects when the interpreter ends. Together these are a third of what
    a command costs.
    """
    if missing := missing_packages("cli", CLI_MODULES):
        sys.exit(f"memento: the command line is not installed: {missing}")
    wait_without_spinning()  # by now: a run loads torch, and with it OpenMP, before its local model
    gc.set_threshold(_ALLOCATIONS_PER_COLLECTION, *gc.get_threshold()[1:])
    from memento.cli.main import main as run

    try:
        run()
    finally:
        gc.freeze()
