"""A circuit breaker: a dead service costs its callers nothing after the third time."""

import time
from collections.abc import Callable


class Breaker:
    """Circuit breaker: closed while calls succeed; after `max_failures` in a row open for `pause_s`, then one probe."""

    def __init__(
        self, *, max_failures: int = 3, pause_s: float = 30.0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Start closed.

        Args:
            max_failures: failures in a row that open it.
            pause_s: seconds it stays open.
            clock: monotonic seconds.
        """
        self._max_failures = max_failures
        self._pause_s = pause_s
        self._clock = clock
        self._n_failures = 0
        self._open_until = 0.0

    def allows(self) -> bool:
        """Whether a call may be made now. The first call after a pause is the probe; others wait for its result."""
        if self._n_failures < self._max_failures:
            return True
        if self._clock() < self._open_until:
            return False
        self._open_until = self._clock() + self._pause_s
        return True

    def succeeded(self) -> None:
        """The call went well: close."""
        self._n_failures = 0

    def failed(self, *, pause_s: float | None = None) -> None:
        """The call failed; the pause may be longer when the service asked for one."""
        self._n_failures += 1
        if self._n_failures >= self._max_failures:
            self._open_until = self._clock() + max(self._pause_s, pause_s or 0.0)
