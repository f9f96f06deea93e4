"""What every output can do: take frames, and be closed or given up."""

from __future__ import annotations

from types import TracebackType
from typing import Protocol, Self

from realtime.frame import Frame


class Output(Protocol):
    """A place for frames, used as a context: left by an error, it leaves nothing half-written."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...

    def write(self, frame: Frame) -> None:
        """Takes one frame, picture and sound; may block, never drops."""
