"""Several processes that MPI started together, and what they tell one another.

They work together in one of two ways. A *command* is carried out by the first process alone; the
others wait (:func:`command`), and take part only in what it tells them to: simulations of a backend
that spreads a network over processes. A *script* is run by all of them, and what it asks of such a
backend it asks in each.

Only bytes are exchanged: numbers, and documents as text.
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

#: What launchers put into the environment: of MPICH and its relatives, of Open MPI, of others.
_LAUNCHED = ("PMI_RANK", "OMPI_COMM_WORLD_RANK", "PMIX_RANK")
INSTALL = f"{install('mpi')}, which docs/how_to/mpi.md is about"
_ERRORS: dict[str, type[ScnnbioError]] = {
    error.__name__: error for error in (SpecError, DataError, BackendMissing)
}
# MPI waits by asking without a pause; who waits for a compiler leaves it the processor.
_PAUSE = 0.005


class Team:
    """The processes that work together; one alone is a team too, for which nothing is exchanged.

    Parameters
    ----------
    comm : mpi4py.MPI.Comm, optional
        None for one process.
    led : bool
        Whether the first one carries out a command, and the others take part.

    Attributes
    ----------
    rank, size : int
        Which process this is, and how many there are.
    broken : bool
        Whether this process failed where the others count on it: they cannot go on.
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
    def bound(self) -> Iterator[None]:
        """Where all count on one another: an error in here that is not everybody's ends all.

        The first process of a command is let go, so that it clears up; :func:`command` ends all.
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
        """End all processes, wherever they are."""
        sys.stdout.flush()
        sys.stderr.flush()
        self._comm.Abort(code)
        # MPI may take a moment, in which nothing more should happen here.
        os._exit(code)

    def together(self, make: Callable[[], T] | None) -> T | None:
        """Do this process's part, if it has one; an error of scnnbio's own in any is everybody's.

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
            That of the first process that had one.
        """
        made, told = None, ""
        if self._comm is None:
            return None if make is None else make()
        try:
            made = None if make is None else make()
        except tuple(_ERRORS.values()) as error:
            told = json.dumps([type(error).__name__, error.message, error.where])
        told = next(filter(None, self.everybody(told)), "")
        if told:
            name, message, where = json.loads(told)
            self._agreed = _ERRORS[name](message, where=where)
            raise self._agreed
        return made

    def in_turns(self, make: Callable[[], T]) -> T:
        """Do the same thing everywhere: the first process, then one of each machine, then all.

        Whatever is compiled is so once, where machines share a cache, and once a machine where
        they do not.
        """
        if self._comm is None:
            return make()
        leads = self._is_first_of_machine()
        mine = 0 if self.first else 1 if leads else 2
        made = [self.together(make if turn == mine else None) for turn in range(3)]
        return made[mine]  # type: ignore[return-value]

    def _is_first_of_machine(self) -> bool:
        # All have to ask.
        machine = self._comm.Split_type(_mpi().COMM_TYPE_SHARED)
        try:
            return bool(machine.rank == 0)
        finally:
            machine.Free()

    def everybody(self, text: str) -> list[str]:
        """What each process says, in their order."""
        if self._comm is None:
            return [text]
        # Somebody may be long in coming.
        self._wait(self._comm.Ibarrier())
        own = np.frombuffer(text.encode(), dtype=np.uint8)
        whole, sizes = self._joined(own, everywhere=True)
        ends = np.cumsum(sizes)
        return [bytes(part).decode() for part in np.split(whole, ends[:-1])]

    def gathered(self, values: NDArray[Any]) -> NDArray[Any]:
        """Arrays of all processes, one after another along their first axis.

        Where a command is carried out it is the first process that gets them; the others get none.
        """
        if self._comm is None:
            return values
        row = values.shape[1:]
        flat, _ = self._joined(np.ascontiguousarray(values).ravel(), everywhere=not self.led)
        return flat.reshape(-1, *row) if flat.size else np.zeros((0, *row), values.dtype)

    def _joined(
        self, own: NDArray[Any], everywhere: bool
    ) -> tuple[NDArray[Any], NDArray[np.int64]]:
        """Flat arrays in one, and how long each was."""
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
        """Sums over all processes, everywhere."""
        if self._comm is None:
            return numbers
        sums = np.zeros(len(numbers), dtype=np.int64)
        self._comm.Allreduce(np.array(numbers, dtype=np.int64), sums)
        return [int(value) for value in sums]

    def from_first(self, values: NDArray[Any] | None, dtype: Any) -> NDArray[Any]:
        """The first process's array (n,), everywhere.

        Parameters
        ----------
        values : ndarray (n,), optional
            Of the first process; None in the others.
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
        """Raise an error everywhere if processes differ in a value that JSON can hold."""
        found = self.everybody(json.dumps(value))

        def check() -> None:
            if len(set(found)) > 1:
                raise SpecError(
                    f"the {self.size} processes do not run the same {what}; let every process build"
                    " it alike, with the same seeds and options",
                    where="mpiexec",
                )

        self.together(check)

    def tell(self, order: Mapping[str, Any] | None) -> None:
        """Tell the others, who :meth:`follow`, what to take part in; None sends them home."""
        self.from_first(np.frombuffer(json.dumps(order).encode(), np.uint8), np.uint8)

    def follow(self, serve: Serve) -> None:
        """Take part in what the first process tells, until it is done."""
        # On Ctrl-C the first process clears up, and then ends all.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        warnings.simplefilter("ignore")
        while (order := json.loads(bytes(self.from_first(None, np.uint8)))) is not None:
            try:
                with self.bound():
                    serve(order)
            except ScnnbioError:
                # Everybody's error, which the first process tells; any other has ended all.
                continue

    def _wait(self, request: Any) -> None:
        while not request.Test():
            time.sleep(_PAUSE)


ALONE = Team()
_commanded = ContextVar("_commanded", default=ALONE)


def commanded() -> Team:
    """The team that carries out a command; one process alone where a script runs."""
    return _commanded.get()


def team(simulator: str, size: int) -> Team:
    """The processes that a simulator spreads a network over.

    Parameters
    ----------
    simulator : str
        Its name, for messages.
    size : int
        How many processes it counts.

    Returns
    -------
    Team

    Raises
    ------
    BackendMissing
        If there are several, and mpi4py is missing or counts others.
    """
    if size == 1:
        return ALONE
    found = commanded() if commanded().led else Team(_mpi().COMM_WORLD)
    if found.size != size:
        raise BackendMissing(
            f"{simulator} counts {size} processes and mpi4py {found.size}: they were built for"
            " different MPI libraries; pip install --force-reinstall --no-binary mpi4py mpi4py,"
            " with the MPI of the simulator in PATH",
            where="mpi4py",
        )
    return found


def missing(size: int) -> str:
    """What has to be installed for a simulator that counts ``size`` processes; empty if nothing."""
    if size > 1:
        try:
            _mpi()
        except BackendMissing as error:
            return f"there are {size} processes; {error.message}"
    return ""


@contextmanager
def command(serve: Serve) -> Iterator[bool]:
    """Carry out a command once, however many processes it was started in.

    Processes that were told different words, or have no mpi4py, each carry out their own.

    Parameters
    ----------
    serve : callable
        Called in the other processes with what the first one tells them to take part in.

    Yields
    ------
    bool
        Whether this process carries it out; the others have taken part by then.
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
        found.tell(None)
        _commanded.reset(before)


def _started_together() -> Team | None:
    """The processes that were started with this one for the same command; None if it is alone."""
    if not any(name in os.environ for name in _LAUNCHED):
        return None
    try:
        found = Team(_mpi().COMM_WORLD, led=True)
    except BackendMissing:
        # They cannot hear one another. What needs that says so itself.
        return None
    # Where each was told something else, each has a command of its own.
    alike = found.size > 1 and len(set(found.everybody(json.dumps(sys.argv)))) == 1
    return found if alike else None


def _mpi() -> Any:
    try:
        return importlib.import_module("mpi4py.MPI")
    except ModuleNotFoundError:
        reason = "mpi4py, which gathers what several processes record, is missing"
    except (ImportError, RuntimeError) as error:
        reason = f"mpi4py does not load ({error})"
    raise BackendMissing(f"{reason}: {INSTALL}", where="mpiexec")
