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
from multiprocessing.reduction import recv_handle, send_handle
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
    large: list[memoryview] = []

    def small(buffer: pickle.PickleBuffer) -> bool:
        """Whether an array stays in the message; the others are kept for the file."""
        raw = buffer.raw()
        if raw.nbytes < _LARGE:
            return True
        large.append(raw)
        return False

    content = pickle.dumps(value, protocol=5, buffer_callback=small)
    cuts = [0]
    for raw in large:
        cuts.append(cuts[-1] + -(-raw.nbytes // _ALIGNED) * _ALIGNED)
    messages.send((content, cuts, [raw.nbytes for raw in large]))
    if large:
        with _nameless() as file:
            for raw, begin in zip(large, cuts, strict=False):
                file.seek(begin)
                file.write(raw)
            file.truncate(cuts[-1])
            file.flush()
            send_handle(messages, file.fileno(), None)  # type: ignore[arg-type]


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
    with os.fdopen(recv_handle(messages), "rb") as file:
        # A private copy of each page that is changed: arrays can be written to as before.
        whole = memoryview(mmap.mmap(file.fileno(), cuts[-1], access=mmap.ACCESS_COPY))
    parts = [whole[a : a + size] for (a, _), size in zip(pairwise(cuts), sizes, strict=True)]
    return _unpickled(content, parts)


def _unpickled(content: bytes, buffers: list[memoryview]) -> Any:
    # It comes from a process of ours by a connection that no other process has.
    return pickle.loads(content, buffers=buffers)  # noqa: S301


def _nameless() -> IO[bytes]:
    """A file in memory, or where the system has none a temporary one that is deleted already."""
    if hasattr(os, "memfd_create"):
        return os.fdopen(os.memfd_create("scnnbio"), "w+b")
    return tempfile.TemporaryFile()
