"""The waits before a restart."""

from hypothesis import given
from hypothesis import strategies as st

from lab.backoff import Backoff

FAILURES = st.integers(1, 10_000)
JITTER = st.floats(0, 1, exclude_max=True)


@given(FAILURES, JITTER)
def test_every_wait_is_between_first_and_limit(failures: int, jitter: float) -> None:
    """No wait is shorter than 0.2 s or longer than 5 s, after however many failures."""
    backoff = Backoff()
    assert backoff.first <= backoff.delay(failures, jitter) <= backoff.limit


def test_waits_double_until_the_limit() -> None:
    """Without jitter the waits are 0.2, 0.4, … and stay at 5 s."""
    waits = [Backoff().delay(failures, 0.0) for failures in range(1, 8)]
    assert waits == [0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0]


@given(FAILURES, JITTER, JITTER)
def test_jitter_takes_off_at_most_a_quarter(failures: int, one: float, other: float) -> None:
    """Two services that failed equally often wait for times within a quarter of each other."""
    backoff = Backoff()
    assert backoff.delay(failures, one) >= 0.75 * backoff.delay(failures, other)


@given(FAILURES)
def test_a_service_that_stayed_up_is_forgiven(failures: int) -> None:
    """Ten seconds of life make the next failure the first one; less does not."""
    backoff = Backoff()
    assert backoff.failures(failures, 10.0) == 1
    assert backoff.failures(failures, 9.9) == failures + 1
