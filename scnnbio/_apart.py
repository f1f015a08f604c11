"""Reading by a library that a damaged file can crash or keep for ever, in a process of its own.

The HDF5 library can loop without end on a damaged file. It does so in compiled code, where no
signal reaches Python: only the end of the process ends it. So that process is another one, which
gets CPU time and memory in proportion to the size of the file. It starts when the first file is
read, and stays for the next ones.
"""

from __future__ import annotations

import atexit
import contextlib
import importlib
import multiprocessing
import os
import pickle
import resource
import signal
import subprocess
import sys
import tempfile
import threading
import warnings
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, TypeVar

from scnnbio._passing import Plain, portable, received, send
from scnnbio.errors import DataError

T = TypeVar("T")

#: CPU time for a file of no size (s), and per byte. An object of HDF5 takes some 300 bytes of a
#: file, and 0.1 ms to read; gzip makes up to 1032 bytes of one, at some 500 MB/s.
_SECONDS, _SECONDS_PER_BYTE = 0.8, 5e-6
#: Memory beyond what the process has, for a file of no size (bytes), and per byte.
_MEMORY, _MEMORY_PER_BYTE = 2**30, 1100
#: Time by the clock for an answer (s), and per second of CPU time: a process that waits for what
#: never comes uses none.
_PATIENCE, _PATIENCE_PER_SECOND = 60.0, 30.0
_PROGRAM = """
import sys
sys.path[:] = sys.argv[2:]
from scnnbio._apart import serve
serve(int(sys.argv[1]))
"""


def read_apart(
    read: Callable[..., T],
    path: str | os.PathLike[str],
    *args: Any,
    needs: Sequence[str] = ("h5py",),
) -> T:
    """What ``read(path, *args)`` returns, called in a process of its own.

    Parameters
    ----------
    read : callable
        A function of a module. It returns what can be pickled.
    path : path
        The file that it reads.
    *args : object
        Further arguments.
    needs : sequence of str
        Modules that it imports. Their import takes nothing of the time for the file.

    Raises
    ------
    DataError
        If reading needs more CPU time or memory than a file of this size can, or crashes.
    Exception
        What ``read`` raises.
    """
    # It registers filters with the HDF5 library of the process that imports it.
    modules = [*needs, *(name for name in ("hdf5plugin",) if name in sys.modules)]
    try:
        place = os.getcwd()
    except OSError:  # a folder that was removed; absolute paths can be read all the same
        place = "/"
    with _one_at_a_time:
        return _Reader.current().answer((place, modules, read, path, args))  # type: ignore[no-any-return]


def limits(path: str | os.PathLike[str]) -> tuple[float, int]:
    """CPU time (s) and memory (bytes) for reading a file."""
    try:
        size = os.stat(path).st_size
    except (OSError, ValueError):  # what reads it says so
        size = 0
    return _SECONDS + _SECONDS_PER_BYTE * size, _MEMORY + _MEMORY_PER_BYTE * size


_Request = tuple[str, Sequence[str], Callable[..., Any], str | os.PathLike[str], Sequence[Any]]


class _Reader:
    """The process, as the one that asks it sees it."""

    running: _Reader | None = None

    def __init__(self) -> None:
        self._messages, theirs = multiprocessing.Pipe()
        threads = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        self._said = tempfile.TemporaryFile()  # noqa: SIM115 (closed with the process)
        self._last = ""
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-c", _PROGRAM, str(theirs.fileno()), *sys.path],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=self._said,
                env={**os.environ, **threads},
            )

    @classmethod
    def current(cls) -> _Reader:
        """The process that runs, or a new one."""
        if cls.running is not None and cls.running._process.poll() is not None:
            cls.running.end()
        if cls.running is None:
            cls.running = cls()
        return cls.running

    def answer(self, request: _Request) -> Any:
        """Ask for a file, and wait for what it holds."""
        path, seconds = request[3], limits(request[3])[0]
        try:
            send(self._messages, request)
            if not self._messages.poll(_PATIENCE + _PATIENCE_PER_SECOND * seconds):
                raise DataError(
                    "reading it waits for something that does not come", where=str(path)
                )
            kind, content, warned = received(self._messages, Plain)
        except BaseException as error:  # an interrupt, too: what it would answer next is old
            self.end()
            if isinstance(error, EOFError | ConnectionError):
                raise DataError(self._why(seconds), where=str(path)) from None
            if isinstance(error, pickle.UnpicklingError):
                raise DataError(f"holds what cannot be read ({error})", where=str(path)) from None
            raise
        for one in warned:
            warnings.warn_explicit(*one)
        if kind == "error":
            raise content
        return content

    def _why(self, seconds: float) -> str:
        """Why the process ended by itself."""
        status = self._process.returncode
        if status == -signal.SIGPROF:
            return (
                f"is damaged: reading a file of its size cannot take more than {seconds:.3g} s of"
                " CPU time; create it again"
            )
        if status == -signal.SIGKILL:
            return "the process that reads it was killed; if memory is short, free some"
        if status < 0:
            return f"is damaged: reading it crashed (signal {-status}); create it again"
        return f"the process that reads it ended with status {status} ({self._last})"

    def end(self) -> None:
        """End the process: it has ended by itself, or does not answer."""
        _Reader.running = None
        self._messages.close()
        try:  # one that ends by itself says why
            self._process.wait(timeout=0.5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        with self._said:
            self._said.seek(0)
            lines = self._said.read().decode(errors="replace").splitlines()
        self._last = lines[-1] if lines else ""

    def forget(self) -> None:
        """Leave the process to the one that started it, of which this one is a copy."""
        _Reader.running = None
        self._messages.close()
        self._said.close()
        self._process.returncode = 0  # or it would be waited for here


_one_at_a_time = threading.Lock()


@atexit.register
def _end() -> None:
    if _Reader.running is not None:
        _Reader.running.end()


def _after_fork() -> None:
    global _one_at_a_time  # noqa: PLW0603 (another thread may have held it)
    _one_at_a_time = threading.Lock()
    if _Reader.running is not None:
        _Reader.running.forget()


os.register_at_fork(after_in_child=_after_fork)

# ----------------------------------------------------------------------------------- in the process


def serve(handle: int) -> None:
    """Answer requests until the process that makes them is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the terminal interrupts both
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGPROF])
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with Connection(handle) as messages, contextlib.suppress(EOFError, ConnectionError):
        while True:
            place, modules, read, path, args = received(messages)
            with contextlib.suppress(OSError):
                os.chdir(place)
            for name in modules:
                with contextlib.suppress(ImportError):  # what reads the file says what is missing
                    importlib.import_module(name)
            with _limited(*limits(path)):
                _answer(messages, read, path, args)


def _answer(
    messages: Connection,
    read: Callable[..., Any],
    path: str | os.PathLike[str],
    args: Sequence[Any],
) -> None:
    """Send what a file holds, or the error of reading it, and warnings."""
    found: tuple[str, Any]
    with warnings.catch_warnings(record=True) as caught:
        try:
            found = "found", read(path, *args)
        except MemoryError:
            found = "error", _too_large(path)
        except Exception as error:
            found = "error", portable(error)
    warned = [
        (str(one.message), _built_in(one.category), one.filename, one.lineno) for one in caught
    ]
    try:
        send(messages, (*found, warned))
    except MemoryError:
        send(messages, ("error", _too_large(path), warned))
    except (TypeError, ValueError, AttributeError) as error:  # of pickle, before anything is sent
        said = DataError(f"holds what cannot be read ({error})", where=str(path))
        send(messages, ("error", said, warned))


def _built_in(category: type[Warning]) -> type[Warning]:
    """The nearest kind of warning that every process has."""
    return next(kind for kind in category.__mro__ if kind.__module__ == "builtins")


def _too_large(path: str | os.PathLike[str]) -> DataError:
    most = limits(path)[1]
    return DataError(
        f"is damaged: reading a file of its size cannot take {most:,} bytes of memory; create it"
        " again",
        where=str(path),
    )


@contextlib.contextmanager
def _limited(seconds: float, memory: int) -> Iterator[None]:
    """The system ends the process that uses more CPU time, and refuses it more memory."""
    before = resource.getrlimit(resource.RLIMIT_AS)
    used = Path("/proc/self/statm")
    if used.exists():  # elsewhere there is no such limit
        most = int(used.read_text().split()[0]) * resource.getpagesize() + memory
        hard = before[1]
        soft = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        resource.setrlimit(resource.RLIMIT_AS, before)
