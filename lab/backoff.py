"""How long to wait before a service that ended is started again."""

import attrs


@attrs.frozen
class Backoff:
    """Doubling waits with jitter; all durations in seconds.

    A service that stayed up for `forgiven_after` starts again from `first`.
    """

    first: float = 0.2
    limit: float = 5.0
    forgiven_after: float = 10.0

    def failures(self, before: int, uptime: float) -> int:
        """Return the number of failures in a row, after an end with this uptime."""
        return 1 if uptime >= self.forgiven_after else before + 1

    def delay(self, failures: int, jitter: float) -> float:
        """Return the wait after the n-th failure in a row, n from 1; `jitter` is in [0, 1).

        Up to a quarter is taken off, so that services that fell together do not rise together;
        no wait is shorter than `first` or longer than `limit`.
        """
        doublings = min(failures - 1, 64)
        full: float = min(self.limit, self.first * 2**doublings)
        return max(self.first, full * (1 - jitter / 4))
