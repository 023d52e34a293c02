"""Limits, on a clock that the test moves."""

from __future__ import annotations

import pytest

from config_api.errors import ApiError
from config_api.limits import AtOnce, ChangeLimit


class Clock:
    def __init__(self) -> None:
        self.secs = 1000.0

    def __call__(self) -> float:
        return self.secs


@pytest.fixture
def clock() -> Clock:
    return Clock()


def retry_after(limit: ChangeLimit, client: str) -> int:
    """What a client that is refused is told to wait."""
    with pytest.raises(ApiError) as refused:
        limit.take(client)
    assert refused.value.status == 429
    return int(refused.value.headers["Retry-After"])


def test_so_many_changes_at_once_and_then_one_after_the_other(clock: Clock) -> None:
    """Six a minute are one every ten seconds."""
    limit = ChangeLimit(6, clock)
    for _ in range(6):
        limit.take("a")
    assert retry_after(limit, "a") == 10
    clock.secs += 4
    assert retry_after(limit, "a") == 6
    clock.secs += 6
    limit.take("a")
    assert retry_after(limit, "a") == 10


def test_waiting_as_long_as_told_is_enough(clock: Clock) -> None:
    for per_minute in (1, 7, 60, 61, 1000):
        limit = ChangeLimit(per_minute, clock)
        for _ in range(per_minute):
            limit.take("a")
        clock.secs += retry_after(limit, "a")
        limit.take("a")


def test_each_client_has_its_own(clock: Clock) -> None:
    limit = ChangeLimit(1, clock)
    limit.take("a")
    limit.take("b")
    assert retry_after(limit, "a") == 60


def test_rest_is_not_saved_up(clock: Clock) -> None:
    limit = ChangeLimit(2, clock)
    limit.take("a")
    clock.secs += 100_000
    limit.take("a")
    limit.take("a")
    assert retry_after(limit, "a") == 30


def test_a_refused_change_costs_nothing(clock: Clock) -> None:
    limit = ChangeLimit(1, clock)
    limit.take("a")
    for _ in range(100):
        retry_after(limit, "a")
    clock.secs += 60
    limit.take("a")


def test_only_so_many_at_once() -> None:
    most = AtOnce(2)
    with most.one():
        with most.one(), pytest.raises(ApiError) as refused, most.one():
            pass
        assert (refused.value.status, refused.value.code) == (429, "busy")
        with most.one():
            pass


def test_one_that_fails_is_over() -> None:
    most = AtOnce(1)
    for _ in range(3):
        with pytest.raises(ZeroDivisionError), most.one():
            raise ZeroDivisionError
