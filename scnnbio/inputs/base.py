"""What drives a source population, one trial after another."""

from __future__ import annotations

import reprlib
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from scnnbio.errors import SpecError
from scnnbio.stimuli.base import Files
from scnnbio.units import Milliseconds, plain, without_unit
from scnnbio.values import Value

Shape = tuple[int, int, int]
#: Stamps in steps since the trial began, and neurons.
Trial = tuple[NDArray[np.int32], NDArray[np.int32]]

#: Columns of the trial table that an experiment fills in itself.
RESERVED = ("stage", "start", "duration")


@dataclass(frozen=True)
class Draw:
    """How the spikes of one trial are drawn.

    Parameters
    ----------
    shape : tuple of int
        (channel, row, column) of the source population.
    dt : float
        Step in ms of the grid on which the spikes are.
    scene : numpy.random.Generator
        The source of chance for what is shown. Sources that show equal stimuli have equal ones.
    rng : numpy.random.Generator
        The source of chance for the spikes. It is the same object as ``scene`` for the first
        source that shows a stimulus, and continues where the scene left it.
    """

    shape: Shape
    dt: Milliseconds
    scene: np.random.Generator
    rng: np.random.Generator

    def __post_init__(self) -> None:
        object.__setattr__(self, "dt", plain(self.dt, "ms", where="dt"))


class Input(Value, ABC):
    """What drives one source population, one trial after another.

    A subclass is a frozen, final dataclass with ``eq=False``. Spikes are drawn above the backends,
    trial by trial, so that they are the same on every backend and memory does not grow with the
    number of trials.
    """

    #: Keys of its table in a document that hold the path of a file or folder.
    paths: ClassVar[tuple[str, ...]] = ()
    #: Values of these keys that are words instead.
    no_paths: ClassVar[tuple[str, ...]] = ()

    @property
    @abstractmethod
    def n_trials(self) -> int:
        """Number of trials."""

    @property
    @abstractmethod
    def duration(self) -> float:
        """Duration of one trial (ms)."""

    @property
    @abstractmethod
    def shape(self) -> tuple[int | None, int | None, int | None]:
        """Shape (channel, row, column) that the source must have; None where any length fits."""

    @abstractmethod
    def spikes(self, trial: int, draw: Draw) -> Trial:
        """Spikes of one trial.

        Parameters
        ----------
        trial : int
            From 0 to ``n_trials - 1``; any order, any number of times.
        draw : Draw
            Shape, grid and chance.

        Returns
        -------
        step : numpy.ndarray of int32 (spikes,)
            Stamps in steps of ``draw.dt``, 1 for the first step of the trial.
        unit : numpy.ndarray of int32 (spikes,)
            Neurons of the flattened (channel, row, column). Sorted by step, then unit; no pair
            occurs twice.

        Raises
        ------
        SpecError
            If there is no such trial, or the spikes do not fit the grid.
        """

    @abstractmethod
    def table(self) -> dict[str, NDArray[Any]]:
        """What differs between trials: one column per parameter, one row per trial."""

    @property
    def files(self) -> Files:
        """The files that were read: none, unless a subclass reads any."""
        return Files()

    def check_grid(self, dt: Milliseconds) -> None:
        """Raise unless the spikes of all trials fit a grid, where that is known without drawing.

        Parameters
        ----------
        dt : float
            Step of the grid (ms).

        Raises
        ------
        SpecError
            If it is known that they do not. What is drawn always fits.
        """
        plain(dt, "ms", where="dt")

    def check_shape(self, name: str, shape: Shape) -> None:
        """Raise unless a source of that shape can be driven.

        Parameters
        ----------
        name : str
            The source population.
        shape : tuple of int
            (channel, row, column) of the source.

        Raises
        ------
        SpecError
        """
        if all(need in (None, have) for need, have in zip(self.shape, shape, strict=True)):
            return
        needed = ", ".join("any" if length is None else str(length) for length in self.shape)
        raise SpecError(
            f"the source is of shape {shape}, and {type(self).__name__} drives one of"
            f" ({needed}); change the shape of the population",
            where=f"population {name!r}",
        )


class CurrentInput(Input):
    """What drives a population by values that are constant in pieces of time.

    It drives a source of values, or injects a current into neurons. What it gives is computed above
    the backends, trial by trial and piece by piece.
    """

    @property
    @abstractmethod
    def unit(self) -> str:
        """Unit of the values: "1" for a source of values, that of the port for neurons."""

    @property
    @abstractmethod
    def port(self) -> str:
        """The parameter of the neurons to which the values are added."""

    @abstractmethod
    def currents(self, trial: int, draw: Draw) -> Iterator[tuple[int, NDArray[np.float64]]]:
        """Values of one trial, one piece after another.

        Parameters
        ----------
        trial : int
            From 0 to ``n_trials - 1``; any order, any number of times.
        draw : Draw
            Shape, grid and chance.

        Yields
        ------
        step : int
            Steps of ``draw.dt`` from the beginning of the trial to that of the piece: first 0, then
            increasing.
        values : numpy.ndarray (neurons,)
            In the flattened (channel, row, column).
        """

    def spikes(self, trial: int, draw: Draw) -> Trial:
        """There are none.

        Raises
        ------
        SpecError
            Always.
        """
        raise SpecError(
            f"{type(self).__name__} gives values and no spikes; drive a spike source by FromSpikes,"
            " FromImages or FromFrames",
            where=type(self).__name__,
        )


def check_trial(trial: int, n_trials: int, where: str) -> None:
    """Raise unless there is such a trial."""
    if not 0 <= trial < n_trials:
        raise SpecError(f"there is no trial {trial}; ask for 0 to {n_trials - 1}", where=where)


def check_columns(columns: Any, where: str) -> None:
    """Raise unless columns are a table by name."""
    if not isinstance(columns, Mapping) or not all(isinstance(name, str) for name in columns):
        raise SpecError(f"{reprlib.repr(columns)} is not a table of columns by name", where=where)


def column(name: str, values: Any, n_trials: int, where: str) -> NDArray[Any]:
    """A read-only column of the trial table: numbers, text or truth values, one per trial.

    Raises
    ------
    SpecError
        If the name is taken, or the values are of another kind or number.
    """
    where = f"{where}[{name!r}]"
    if not name or "/" in name or "\0" in name or name == ".":
        raise SpecError("is not a name of a column; leave out '/'", where=where)
    if name in RESERVED:
        raise SpecError("the experiment fills this column in itself; rename it", where=where)
    try:
        found = np.array(without_unit(values, where=where))
    except ValueError:
        found = np.zeros((), dtype=object)  # rows of different lengths
    if found.dtype.kind not in "biufU" or found.shape != (n_trials,):
        raise SpecError(
            f"an array of {found.dtype} of shape {found.shape} is not a column of {n_trials}"
            " numbers or texts, one per trial",
            where=where,
        )
    if found.dtype.kind in "iu" and (found.astype(np.int64) != found).any():
        raise SpecError("a number is above 2**63 - 1", where=where)
    # One type of each kind, so that equal columns are equal wherever they were read.
    kinds: dict[str, Any] = {"i": np.int64, "u": np.int64, "f": np.float64}
    found = np.array(found.tolist(), dtype=kinds.get(found.dtype.kind))
    found.setflags(write=False)
    return found
