# SPDX-License-Identifier: Apache-2.0
"""Times that a requirement names, taken on a machine that may be busy with other things; used by every Python test that does so.

A bound that no requirement names only guards against hanging: it is WAIT_S, and no test measures it."""
import time

WAIT_S = 60  # a test that waits this long for an event has failed; one that comes costs nothing
TRIES = 3


class Failed(AssertionError):
    pass


class Watch:
    """Measures the stretches that run under `with watch:`; the longest of them counts."""

    def __init__(self) -> None:
        self.longest, self.used, self._began = 0.0, False, 0.0

    def __enter__(self):
        self._began = time.monotonic()
        return self

    def __exit__(self, *_):
        self.count(self._began)

    def count(self, began: float) -> None:
        """A stretch that began then, by time.monotonic(), and ends now."""
        self.used = True
        self.longest = max(self.longest, time.monotonic() - began)


def within(seconds: float, attempt, tries: int = TRIES):
    """Calls attempt(watch) until it was done in time once, and gives what that returned; it fails where none of the tries was.

    A product that is too slow is so each time; a machine that was busy is not. What an attempt leaves behind must not make the
    next one faster. All of it is measured, or what it puts under `with watch:`. An attempt that fails otherwise is not repeated."""
    took = []
    for _ in range(tries):
        watch, whole = Watch(), Watch()
        with whole:
            value = attempt(watch)
        took.append((watch if watch.used else whole).longest)
        if took[-1] <= seconds:
            return value
    raise Failed(f"{' and '.join(f'{t:.2f}' for t in took)} s, where {seconds} s are allowed")
