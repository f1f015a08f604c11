"""Several processes that MPI started together, and the messages between them.

They work together in one of two ways. A *command* is carried out by the first process only; the
others wait (:func:`command`), and take part only in simulations that it requests, on a backend that
distributes a network over processes. A *script* runs in all processes, each of which calls such a
backend.

Messages are numbers, and documents as text.
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import sys
import time
import traceback
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, NoReturn, TypeVar

import numpy as np
from numpy.typing import NDArray

from scnnbio.errors import BackendMissing, DataError, ScnnbioError, SpecError, install

T = TypeVar("T")
Serve = Callable[[Mapping[str, Any]], None]

#: Environment variables that launchers set: MPICH and its relatives, Open MPI, others.
_LAUNCHED = ("PMI_RANK", "OMPI_COMM_WORLD_RANK", "PMIX_RANK")
INSTALL = f"{install('mpi')}; see docs/how_to/mpi.md"
_ERRORS: dict[str, type[ScnnbioError]] = {
    error.__name__: error for error in (SpecError, DataError, BackendMissing)
}
# MPI waits in a busy loop; while another process compiles, we poll with this pause (s) instead.
_PAUSE = 0.005


class Team:
    """The processes that work together; a single process is a team without communication.

    Parameters
    ----------
    comm : mpi4py.MPI.Comm, optional
        None for one process.
    led : bool
        Whether the first process carries out a command, and the others take part.

    Attributes
    ----------
    rank, size : int
        Index of this process, and number of processes.
    broken : bool
        Whether this process failed in joint work, so that the others cannot continue.
    """

    def __init__(self, comm: Any = None, led: bool = False) -> None:
        self._comm = comm
        self.led = led
        self.rank: int = 0 if comm is None else comm.rank
        self.size: int = 1 if comm is None else comm.size
        self.broken = False
        self._agreed: ScnnbioError | None = None

    @property
    def first(self) -> bool:
        """Whether this is the first process."""
        return self.rank == 0

    @contextmanager
    def joint_work(self) -> Iterator[None]:
        """Joint work of all processes: an error that not all of them raise ends all of them.

        The first process of a command continues, to clean up; :func:`command` then ends all.
        """
        try:
            yield
        except BaseException as error:
            if self.size > 1 and error is not self._agreed:
                self.broken = True
                if not (self.led and self.first):
                    self._abort(error)
            raise

    def _abort(self, error: BaseException) -> None:
        where = f"process {self.rank} of {self.size}"
        if isinstance(error, ScnnbioError):
            print(f"error: {where}: {error}", file=sys.stderr)
        else:
            print(f"error: {where}:", file=sys.stderr)
            traceback.print_exception(error)
        self.end(getattr(error, "exit_code", 1))

    def end(self, code: int) -> NoReturn:
        """End all processes immediately."""
        sys.stdout.flush()
        sys.stderr.flush()
        self._comm.Abort(code)
        # MPI may need a moment to end this process, which must not continue meanwhile.
        os._exit(code)

    def together(self, make: Callable[[], T] | None) -> T | None:
        """Call ``make``; an scnnbio error in any process is raised in all of them.

        Parameters
        ----------
        make : callable, optional

        Returns
        -------
        object
            What ``make`` returned; None without it.

        Raises
        ------
        ScnnbioError
            The error of the first process that raised one.
        """
        made, failure = None, ""
        if self._comm is None:
            return None if make is None else make()
        try:
            made = None if make is None else make()
        except tuple(_ERRORS.values()) as error:
            failure = json.dumps([type(error).__name__, error.message, error.where])
        failure = next(filter(None, self.allgather_text(failure)), "")
        if failure:
            name, message, where = json.loads(failure)
            self._agreed = _ERRORS[name](message, where=where)
            raise self._agreed
        return made

    def in_turns(self, make: Callable[[], T]) -> T:
        """Call ``make`` in the first process, then in one per machine, then in all others.

        So code is compiled once if machines share a cache, else once per machine.
        """
        if self._comm is None:
            return make()
        leads = self._is_first_of_machine()
        mine = 0 if self.first else 1 if leads else 2
        made = [self.together(make if turn == mine else None) for turn in range(3)]
        return made[mine]  # type: ignore[return-value]

    def _is_first_of_machine(self) -> bool:
        # A collective call: all processes must make it.
        machine = self._comm.Split_type(_mpi().COMM_TYPE_SHARED)
        try:
            return bool(machine.rank == 0)
        finally:
            machine.Free()

    def allgather_text(self, text: str) -> list[str]:
        """Texts of all processes, in order."""
        if self._comm is None:
            return [text]
        # Some processes may arrive much later.
        self._wait(self._comm.Ibarrier())
        own = np.frombuffer(text.encode(), dtype=np.uint8)
        whole, sizes = self._joined(own, everywhere=True)
        ends = np.cumsum(sizes)
        return [bytes(part).decode() for part in np.split(whole, ends[:-1])]

    def gathered(self, values: NDArray[Any]) -> NDArray[Any]:
        """Arrays of all processes, one after another along their first axis.

        In a command only the first process gets them; the others get an empty array.
        """
        if self._comm is None:
            return values
        row = values.shape[1:]
        flat, _ = self._joined(np.ascontiguousarray(values).ravel(), everywhere=not self.led)
        return flat.reshape(-1, *row) if flat.size else np.zeros((0, *row), values.dtype)

    def _joined(
        self, own: NDArray[Any], everywhere: bool
    ) -> tuple[NDArray[Any], NDArray[np.int64]]:
        """Flat arrays of all processes concatenated, and their lengths."""
        sizes = np.zeros(self.size, dtype=np.int64)
        self._comm.Allgather(np.array([own.size], dtype=np.int64), sizes)
        takes = everywhere or self.first
        whole = np.empty(int(sizes.sum()) if takes else 0, dtype=own.dtype)
        into = [whole, sizes.tolist()]
        if everywhere:
            self._comm.Allgatherv(own, into)
        else:
            self._comm.Gatherv(own, into if takes else None)
        return whole, sizes

    def total(self, numbers: list[int]) -> list[int]:
        """Sums over all processes, in all processes."""
        if self._comm is None:
            return numbers
        sums = np.zeros(len(numbers), dtype=np.int64)
        self._comm.Allreduce(np.array(numbers, dtype=np.int64), sums)
        return [int(value) for value in sums]

    def from_first(self, values: NDArray[Any] | None, dtype: Any) -> NDArray[Any]:
        """The first process's array (n,), in all processes.

        Parameters
        ----------
        values : ndarray (n,), optional
            The array in the first process; None in the others.
        dtype : dtype
        """
        if self._comm is None and values is not None:
            return values
        size = np.array([0 if values is None else len(values)], dtype=np.int64)
        self._wait(self._comm.Ibcast(size))
        found = np.empty(size[0], dtype=dtype) if values is None else values.astype(dtype)
        self._comm.Bcast(found)
        return found

    def agree(self, value: Any, what: str) -> None:
        """Raise an error in all processes if they differ in a value that JSON can represent."""
        found = self.allgather_text(json.dumps(value))

        def check() -> None:
            if len(set(found)) > 1:
                raise SpecError(
                    f"the {self.size} processes do not run the same {what}; build it equally in"
                    " every process, with the same seeds and options",
                    where="mpiexec",
                )

        self.together(check)

    def send_order(self, order: Mapping[str, Any] | None) -> None:
        """Send an order to the other processes, which :meth:`follow`; None releases them."""
        self.from_first(np.frombuffer(json.dumps(order).encode(), np.uint8), np.uint8)

    def follow(self, serve: Serve) -> None:
        """Carry out orders of the first process, until it releases this one."""
        # On Ctrl-C the first process cleans up, and then ends all.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        warnings.simplefilter("ignore")
        while (order := json.loads(bytes(self.from_first(None, np.uint8)))) is not None:
            try:
                with self.joint_work():
                    serve(order)
            except ScnnbioError:
                # All processes raised this error, and the first one reports it.
                continue

    def _wait(self, request: Any) -> None:
        while not request.Test():
            time.sleep(_PAUSE)


ALONE = Team()
_commanded = ContextVar("_commanded", default=ALONE)


def commanded() -> Team:
    """The team that carries out a command; a single process in a script."""
    return _commanded.get()


def team(simulator: str, size: int) -> Team:
    """The processes over which a simulator distributes a network.

    Parameters
    ----------
    simulator : str
        Its name, for messages.
    size : int
        Number of processes that it reports.

    Returns
    -------
    Team

    Raises
    ------
    BackendMissing
        If there are several, and mpi4py is missing or reports another number.
    """
    if size == 1:
        return ALONE
    found = commanded() if commanded().led else Team(_mpi().COMM_WORLD)
    if found.size != size:
        raise BackendMissing(
            f"{simulator} reports {size} processes and mpi4py {found.size}: they were built for"
            " different MPI libraries; pip install --force-reinstall --no-binary mpi4py mpi4py,"
            " with the MPI of the simulator in PATH",
            where="mpi4py",
        )
    return found


def missing(size: int) -> str:
    """What must be installed for a simulator in ``size`` processes; empty if nothing."""
    if size > 1:
        try:
            _mpi()
        except BackendMissing as error:
            return f"there are {size} processes; {error.message}"
    return ""


@contextmanager
def command(serve: Serve) -> Iterator[bool]:
    """Carry out a command once, whatever the number of processes that MPI started.

    Processes started with different arguments, or without mpi4py, run independently.

    Parameters
    ----------
    serve : callable
        Called in the other processes with each order of the first one.

    Yields
    ------
    bool
        Whether this process carries out the command; in the others, all orders are done by then.
    """
    found = _started_together()
    if found is None:
        yield True
        return
    if not found.first:
        _commanded.set(found)
        found.follow(serve)
        yield False
        return
    code, before = 1, _commanded.set(found)
    try:
        yield True
    except BaseException as error:
        code = error.code if isinstance(error, SystemExit) and isinstance(error.code, int) else 1
        if found.broken and not isinstance(error, SystemExit):
            traceback.print_exception(error)
        raise
    finally:
        if found.broken:
            found.end(code)
        found.send_order(None)
        _commanded.reset(before)


def _started_together() -> Team | None:
    """The processes that were started together for the same command; None for a single one."""
    if not any(name in os.environ for name in _LAUNCHED):
        return None
    try:
        found = Team(_mpi().COMM_WORLD, led=True)
    except BackendMissing:
        # Without mpi4py they cannot communicate; a backend that needs it raises an error.
        return None
    # Processes with different arguments have different commands.
    alike = found.size > 1 and len(set(found.allgather_text(json.dumps(sys.argv)))) == 1
    return found if alike else None


def _mpi() -> Any:
    try:
        return importlib.import_module("mpi4py.MPI")
    except ModuleNotFoundError:
        reason = "mpi4py, which gathers the recordings of several processes, is missing"
    except (ImportError, RuntimeError) as error:
        reason = f"mpi4py does not load ({error})"
    raise BackendMissing(f"{reason}: {INSTALL}", where="mpiexec")
