"""Failures of conformance checks, and how several checks are run."""

from collections.abc import Callable, Mapping
from typing import TypeVar

T = TypeVar("T")


class ConformanceError(AssertionError):
    """One or more checks failed; the message lists them."""

    def __init__(self, failures: Mapping[str, str]) -> None:
        self.failures = dict(failures)
        """What was expected and found, by the name of the check."""
        lines = [f"- {name}: {told}" for name, told in self.failures.items()]
        super().__init__("\n".join([f"{len(lines)} of the conformance checks failed:", *lines]))


def expect(is_met: object, expected: str, found: object) -> None:
    """Fail the check that is running unless a condition is met.

    Raises:
        AssertionError: with what was expected and found.
    """
    if not is_met:
        raise AssertionError(f"expected {expected}; found {found}")


def run_checks(checks: Mapping[str, Callable[[T], None]], subject: T) -> None:
    """Run all checks.

    Raises:
        ConformanceError: at least one failed, or raised something else.
    """
    failures = {}
    for name, check in checks.items():
        try:
            check(subject)
        except AssertionError as failure:
            failures[name] = str(failure)
        except Exception as error:  # noqa: BLE001  whatever the code of others raises is a finding of this check
            failures[name] = f"expected no error; found {type(error).__name__}: {error}"
    if failures:
        raise ConformanceError(failures)
