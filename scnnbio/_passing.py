"""Messages between processes, whose large arrays pass in memory that both map.

A pipe copies an array four times, 64 kilobytes at a time, while the receiver waits. Here the
sender writes it to a file without a name, whose descriptor the receiver gets. The system frees the
file when both have closed it, however they end.
"""

from __future__ import annotations

import copy
import io
import json
import mmap
import os
import pickle
import sys
import tempfile
import traceback
from itertools import pairwise
from multiprocessing.connection import Connection
from multiprocessing.reduction import DupFd, recv_handle, send_handle
from typing import IO, Any

from scnnbio.errors import ScnnbioError

#: Bytes from which an array passes in a file.
_LARGE = 1 << 16
#: Arrays begin at multiples of so many bytes, as numpy's own do.
_ALIGNED = 64


def send(messages: Connection, value: Any) -> None:
    """Send a value to another process; one thread at a time may send by one connection.

    Parameters
    ----------
    messages : Connection
        One of the two that ``Pipe()`` returns.
    value : object
    """
    content, large = _parts(value)
    head = json.dumps([_cuts(large), [raw.nbytes for raw in large]]).encode()
    messages.send_bytes(head + b"\n" + content)
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


def received(messages: Connection, kind: type[pickle.Unpickler] = pickle.Unpickler) -> Any:
    """Wait for a value that :func:`send` sends.

    Parameters
    ----------
    messages : Connection
    kind : type
        What makes the value of its bytes; :class:`Plain` where the other process reads files of
        strangers.

    Raises
    ------
    EOFError
        If the other process ended before.
    pickle.UnpicklingError
        If the value has parts that ``kind`` refuses.
    """
    head, _, content = messages.recv_bytes().partition(b"\n")
    cuts, sizes = json.loads(head)
    large = _mapped(recv_handle(messages), cuts, sizes) if sizes else []
    return _unpickled(content, large, kind)


def _unpickled(
    content: bytes | memoryview,
    buffers: list[memoryview],
    kind: type[pickle.Unpickler] = pickle.Unpickler,
) -> Any:
    # It comes from a process of ours by a connection that no other process has.
    return kind(io.BytesIO(content), buffers=buffers).load()


class Plain(pickle.Unpickler):
    """Makes values of scnnbio, arrays and errors, and calls no other function."""

    def find_class(self, module: str, name: str) -> Any:
        """A class or function by its name. See :class:`pickle.Unpickler`."""
        if not plain_class(module, name):
            raise pickle.UnpicklingError(f"{module}.{name} is refused")
        return super().find_class(module, name)


def plain_class(module: str, name: str) -> bool:
    """Whether :class:`Plain` takes what has this name."""
    if module.split(".")[0] == "numpy":
        return name in ("_frombuffer", "_reconstruct", "scalar", "ndarray", "dtype")
    found = getattr(sys.modules.get(module), name, None)
    if module == "builtins":
        return isinstance(found, type) and issubclass(found, Exception | str | bytes | complex)
    return module.split(".")[0] == "scnnbio" and isinstance(found, type)


def portable(error: Exception) -> Exception:
    """An error that can be sent to another process, with the place where it was raised."""
    if not isinstance(error, ScnnbioError):
        error.add_note("".join(traceback.format_tb(error.__traceback__)).rstrip())
    try:
        pickle.dumps(error)
        copy.copy(error)  # made anew from its arguments, as in the other process
    except Exception:
        lost = RuntimeError(f"{type(error).__name__}: {error}")
        for note in getattr(error, "__notes__", ()):
            lost.add_note(note)
        return lost
    return error


def _nameless() -> IO[bytes]:
    """A file in memory, or where the system has none a temporary one that is deleted already."""
    if hasattr(os, "memfd_create"):
        return os.fdopen(os.memfd_create("scnnbio"), "w+b")
    return tempfile.TemporaryFile()
