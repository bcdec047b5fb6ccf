"""The breaker: three failures open it, one probe may try, a success closes it."""

from memento.memory.index.breaker import Breaker


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def opened(clock: Clock) -> Breaker:
    breaker = Breaker(max_failures=3, pause_s=30, clock=clock)
    for _ in range(3):
        assert breaker.allows()
        breaker.failed()
    return breaker


def test_closed_when_failures_do_not_follow_each_other() -> None:
    breaker = Breaker(clock=Clock())
    for _ in range(9):
        breaker.failed()
        breaker.failed()
        assert breaker.allows()
        breaker.succeeded()


def test_one_probe_is_let_through_when_the_pause_is_over() -> None:
    clock = Clock()
    breaker = opened(clock)
    assert not breaker.allows()
    clock.now += 30
    assert [breaker.allows() for _ in range(3)] == [True, False, False]
    breaker.failed()
    clock.now += 29
    assert not breaker.allows()
    clock.now += 1
    assert breaker.allows()
    breaker.succeeded()
    assert all(breaker.allows() for _ in range(3))


def test_next_probe_comes_when_one_never_reported_back() -> None:
    clock = Clock()
    breaker = opened(clock)
    clock.now += 30
    assert breaker.allows()
    clock.now += 30
    assert breaker.allows()


def test_pause_is_longer_when_the_service_asked_for_it() -> None:
    clock = Clock()
    breaker = opened(clock)
    breaker.failed(pause_s=90)
    clock.now += 89
    assert not breaker.allows()
    clock.now += 1
    assert breaker.allows()
