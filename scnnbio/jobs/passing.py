"""Messages between processes, whose large arrays pass in memory that both map.

A pipe copies an array four times, 64 kilobytes at a time, while the receiver waits. Here the
sender writes it to a file without a name, whose descriptor the receiver gets. The system frees the
file when both have closed it, however they end.
"""

from __future__ import annotations

import mmap
import os
import pickle
import tempfile
from itertools import pairwise
from multiprocessing.connection import Connection
from multiprocessing.reduction import DupFd, recv_handle, send_handle
from typing import IO, Any

#: Bytes from which an array passes in a file.
_LARGE = 1 << 16
#: Arrays begin at multiples of so many bytes, as numpy's own do.
_ALIGNED = 64


def send(messages: Connection, value: Any) -> None:
    """Send a value to another process.

    Parameters
    ----------
    messages : Connection
        One of the two that ``Pipe()`` returns.
    value : object
    """
    content, large = _parts(value)
    messages.send((content, _cuts(large), [raw.nbytes for raw in large]))
    if large:
        with _filled(large) as file:
            send_handle(messages, file.fileno(), None)  # type: ignore[arg-type]


class Packed:
    """A value in memory that several processes map; a context that frees it.

    Sent as part of the arguments of a process, it arrives there as the value.

    Parameters
    ----------
    value : object
    """

    def __init__(self, value: Any) -> None:
        content, large = _parts(value)
        large.append(memoryview(content))
        self._file = _filled(large)
        self._cuts = _cuts(large)
        self._sizes = [raw.nbytes for raw in large]

    def __enter__(self) -> Packed:
        return self

    def __exit__(self, *error: object) -> None:
        self._file.close()

    def __reduce__(self) -> tuple[Any, ...]:
        return _unpacked, (DupFd(self._file.fileno()), self._cuts, self._sizes)


def _unpacked(handle: Any, cuts: list[int], sizes: list[int]) -> Any:
    *parts, content = _mapped(handle.detach(), cuts, sizes)
    return _unpickled(content, parts)


def _parts(value: Any) -> tuple[bytes, list[memoryview]]:
    """A value as a message, and the large arrays that it leaves out."""
    large: list[memoryview] = []

    def small(buffer: pickle.PickleBuffer) -> bool:
        """Whether an array stays in the message; the others are kept for the file."""
        raw = buffer.raw()
        if raw.nbytes < _LARGE:
            return True
        large.append(raw)
        return False

    return pickle.dumps(value, protocol=5, buffer_callback=small), large


def _cuts(large: list[memoryview]) -> list[int]:
    """Where arrays begin in the file, and where the last ends."""
    cuts = [0]
    for raw in large:
        cuts.append(cuts[-1] + -(-raw.nbytes // _ALIGNED) * _ALIGNED)
    return cuts


def _filled(large: list[memoryview]) -> IO[bytes]:
    """A file of arrays."""
    file, cuts = _nameless(), _cuts(large)
    for raw, begin in zip(large, cuts, strict=False):
        file.seek(begin)
        file.write(raw)
    file.truncate(cuts[-1])
    file.flush()
    return file


def _mapped(handle: int, cuts: list[int], sizes: list[int]) -> list[memoryview]:
    """Arrays of a file."""
    with os.fdopen(handle, "rb") as file:
        # A private copy of each page that is changed: arrays can be written to as before.
        whole = memoryview(mmap.mmap(file.fileno(), cuts[-1], access=mmap.ACCESS_COPY))
    return [whole[a : a + size] for (a, _), size in zip(pairwise(cuts), sizes, strict=True)]


def received(messages: Connection) -> Any:
    """Wait for a value that :func:`send` sends.

    Raises
    ------
    EOFError
        If the other process ended before.
    """
    content, cuts, sizes = messages.recv()
    if not sizes:
        return _unpickled(content, [])
    return _unpickled(content, _mapped(recv_handle(messages), cuts, sizes))


def _unpickled(content: bytes | memoryview, buffers: list[memoryview]) -> Any:
    # It comes from a process of ours by a connection that no other process has.
    return pickle.loads(content, buffers=buffers)  # noqa: S301


def _nameless() -> IO[bytes]:
    """A file in memory, or where the system has none a temporary one that is deleted already."""
    if hasattr(os, "memfd_create"):
        return os.fdopen(os.memfd_create("scnnbio"), "w+b")
    return tempfile.TemporaryFile()
