"""A ring of samples between a sound card's callback and the program."""

from __future__ import annotations

import threading

import numpy as np

from realtime.clock import Sound


class Ring:
    """Holds the newest `capacity` samples not yet read; the oldest are dropped and counted.

    One thread writes, one reads. Sound that waited too long is worthless in a call, so the oldest
    goes first. The lock is held for a copy only, which is what a sound card's callback can bear.
    """

    def __init__(self, capacity: int) -> None:
        if capacity <= 0:
            raise ValueError(f"a ring must hold at least one sample, found {capacity}")
        self._samples: Sound = np.zeros(capacity, np.int16)
        self._written = 0
        self._read = 0
        self._dropped = 0
        self._arrived = threading.Condition()

    @property
    def dropped(self) -> int:
        """Samples that were overwritten unread, as far as the last `read` found out."""
        return self._dropped

    @property
    def waiting(self) -> bool:
        """Whether there is anything to read."""
        with self._arrived:
            return self._written > self._read

    def write(self, samples: Sound) -> None:
        """Adds int16 [any]."""
        with self._arrived:
            kept = samples[-len(self._samples) :]
            start = (self._written + len(samples) - len(kept)) % len(self._samples)
            head = kept[: len(self._samples) - start]
            self._samples[start : start + len(head)] = head
            self._samples[: len(kept) - len(head)] = kept[len(head) :]
            self._written += len(samples)
            self._arrived.notify()

    def read(self) -> Sound:
        """Everything not yet read, int16 [0 to capacity], oldest first."""
        with self._arrived:
            oldest = max(self._read, self._written - len(self._samples))
            self._dropped += oldest - self._read
            self._read = self._written
            places = np.arange(oldest, self._written) % len(self._samples)
            return self._samples[places]

    def wait(self, timeout_s: float) -> None:
        """Returns as soon as there is something to read, after `timeout_s` at the latest."""
        with self._arrived:
            self._arrived.wait_for(lambda: self._written > self._read, timeout_s)
