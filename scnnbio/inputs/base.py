"""Base classes of inputs, which drive populations trial by trial."""

from __future__ import annotations

import reprlib
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from scnnbio.errors import SpecError
from scnnbio.stimuli.base import Files
from scnnbio.units import Milliseconds, plain, without_unit
from scnnbio.values import Value

Shape = tuple[int, int, int]
#: Spike times in steps since the trial began, and neurons.
Trial = tuple[NDArray[np.int32], NDArray[np.int32]]

#: Columns of the trial table that the experiment adds itself.
RESERVED = ("stage", "start", "duration")


@dataclass(frozen=True)
class Draw:
    """Shape, grid and random generators for the spikes of one trial.

    Parameters
    ----------
    shape : tuple of int
        (channel, row, column) of the source population.
    dt : float
        Step in ms of the grid of spike times.
    scene : numpy.random.Generator
        Random generator of the frames. Sources that show equal stimuli have equal generators.
    rng : numpy.random.Generator
        Random generator of the spikes. For the first source that shows a stimulus it is the same
        object as ``scene``, and continues after the frames.
    """

    shape: Shape
    dt: Milliseconds
    scene: np.random.Generator
    rng: np.random.Generator

    def __post_init__(self) -> None:
        object.__setattr__(self, "dt", plain(self.dt, "ms", where="dt"))


class Input(Value, ABC):
    """Input of one source population, trial by trial.

    A subclass is a frozen, final dataclass with ``eq=False``. Spikes are drawn above the backends,
    trial by trial, so that they are the same on every backend and memory does not grow with the
    number of trials.
    """

    #: Keys of its table in a document that hold the path of a file or folder.
    paths: ClassVar[tuple[str, ...]] = ()
    #: Values of these keys that are keywords instead of paths.
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
        """Required shape (channel, row, column) of the source; None for any length."""

    @abstractmethod
    def spikes(self, trial: int, draw: Draw) -> Trial:
        """Spikes of one trial.

        Parameters
        ----------
        trial : int
            From 0 to ``n_trials - 1``; any order, any number of times.
        draw : Draw
            Shape, grid and random generators.

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

    @property
    def at_once(self) -> int:
        """Number of trials that are best drawn together; 1 where that gains nothing."""
        return 1

    def spikes_of(self, trials: Sequence[int], draws: Sequence[Draw]) -> list[Trial]:
        """Spikes of several trials, each as :meth:`spikes` gives them.

        Parameters
        ----------
        trials : sequence of int
        draws : sequence of Draw
            One per trial.

        Returns
        -------
        list of (step, unit)
        """
        return [self.spikes(trial, draw) for trial, draw in zip(trials, draws, strict=True)]

    @abstractmethod
    def table(self) -> dict[str, NDArray[Any]]:
        """Parameters that differ between trials: one column per parameter, one row per trial."""

    @property
    def files(self) -> Files:
        """The files that were read: none, unless a subclass reads any."""
        return Files()

    def check_grid(self, dt: Milliseconds) -> None:
        """Raise if it is known without drawing that spikes do not fit a grid.

        Parameters
        ----------
        dt : float
            Step of the grid (ms).

        Raises
        ------
        SpecError
            If they do not fit. Drawn spikes always fit.
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
    """Input of a population by values that are piecewise constant in time.

    It drives a source of values, or injects a current into neurons. Values are computed above
    the backends, trial by trial and interval by interval.
    """

    #: Whether values are drawn; if not, no generator is seeded for each trial.
    is_random: ClassVar[bool] = True

    @property
    def repeats(self) -> bool:
        """Whether all trials are known to have the same values, which are then computed once."""
        return False

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
        """Values of one trial, one interval after another.

        Parameters
        ----------
        trial : int
            From 0 to ``n_trials - 1``; any order, any number of times.
        draw : Draw
            Shape, grid and random generators.

        Yields
        ------
        step : int
            Steps of ``draw.dt`` from the beginning of the trial to that of the interval: first 0,
            then increasing.
        values : numpy.ndarray (neurons,)
            In the flattened (channel, row, column).
        """

    def spikes(self, trial: int, draw: Draw) -> Trial:
        """Raise: this input has no spikes.

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
    """Raise unless the trial exists."""
    if not 0 <= trial < n_trials:
        raise SpecError(f"there is no trial {trial}; ask for 0 to {n_trials - 1}", where=where)


def check_columns(columns: Any, where: str) -> None:
    """Raise unless columns are a mapping by name."""
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
    # One dtype per kind, so that equal columns are equal independent of their source.
    kinds: dict[str, Any] = {"i": np.int64, "u": np.int64, "f": np.float64}
    found = np.array(found.tolist(), dtype=kinds.get(found.dtype.kind))
    found.setflags(write=False)
    return found
