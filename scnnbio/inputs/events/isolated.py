"""Reading by libraries that a damaged file can crash, in a process of its own.

A damaged AEDAT4 file can abort the process that reads it, and so may a damaged HDF5 file. The
process sends packet by packet, so that what came before the damage is kept.
"""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

import numpy as np
from numpy.typing import NDArray

from scnnbio.inputs.events import worker

#: Longest time (s) without an answer. A library that hangs is ended.
PATIENCE = 60.0
_HEAD = 9


class Damaged(Exception):
    """Why reading ended before the end of the file."""


class Isolated:
    """A process that reads files, one after another; a context.

    It starts at the first file, and again after a crash.

    Parameters
    ----------
    patience : float
        Longest that one file may take (s).
    """

    def __init__(self, patience: float = PATIENCE) -> None:
        self._patience = patience
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._end(kill=kind is not None)

    def read(self, path: Path, kind: str) -> Iterator[Any]:
        """Size (rows, columns) of the sensor or None, then arrays of :data:`worker.EVENT`.

        Parameters
        ----------
        path : Path
        kind : {"aedat4", "hdf5"}

        Raises
        ------
        Damaged
            If the file ends early or is damaged; what came before was yielded.
        """
        process = self._started()
        request = json.dumps({"path": str(path.absolute()), "format": kind})
        ended = False
        try:
            _pipe(process.stdin).write(request.encode() + b"\n")
            _pipe(process.stdin).flush()
            while not ended:
                head = self._take(process, _HEAD)
                content = self._take(process, int.from_bytes(head[1:], "little"))
                ended = head[:1] in b"DX"
                if head[:1] == b"X":
                    raise Damaged(content.decode())
                if not ended:
                    yield _content(head[:1], content)
        except TimeoutError:
            raise Damaged(f"the library that reads it hung for {self._patience:g} s") from None
        except (OSError, EOFError):
            raise Damaged("the library that reads it crashed") from None
        finally:
            if not ended:
                self._end(kill=True)

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._process.poll() is not None:
            self._end(kill=True)
            threads = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
            self._process = subprocess.Popen(
                [sys.executable, "-P", worker.__file__],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env={**os.environ, **threads},
            )
        return self._process

    def _take(self, process: subprocess.Popen[bytes], n: int) -> bytes:
        """The next ``n`` bytes; EOFError if the process ended, TimeoutError if it hangs."""
        pipe, content = _pipe(process.stdout), bytearray()
        with selectors.DefaultSelector() as ready:
            ready.register(pipe, selectors.EVENT_READ)
            while len(content) < n:
                if not ready.select(self._patience):
                    raise TimeoutError
                part = os.read(pipe.fileno(), min(n - len(content), 2**20))
                if not part:
                    raise EOFError
                content += part
        return bytes(content)

    def _end(self, *, kill: bool) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        if kill:
            process.kill()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()
        process.wait()


def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
    if pipe is None:
        raise OSError("the process has no pipe")
    return pipe


def _content(letter: bytes, content: bytes) -> tuple[int, int] | NDArray[Any] | None:
    if letter == b"E":
        return np.frombuffer(content, worker.EVENT)
    size = json.loads(content)
    return None if size is None else (int(size[0]), int(size[1]))
