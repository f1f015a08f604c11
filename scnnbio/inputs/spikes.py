"""Explicit spikes: from another program, a recording, or a laboratory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Annotated, Any, ClassVar, Literal, Protocol, final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from scnnbio.errors import SpecError, not_one_of
from scnnbio.inputs.base import (
    RESERVED,
    Draw,
    Input,
    Shape,
    Trial,
    check_columns,
    check_trial,
    column,
)
from scnnbio.stimuli.base import Files, count, positive
from scnnbio.units import In, Milliseconds, plain, plain_array, whole_numbers
from scnnbio.values import FrozenTable

#: Tolerance, in steps, for times on the grid, since k * dt is rounded.
_ROUNDING = 1e-6
_OFF_GRID = ("refuse", "up")


class Recorded(Protocol):
    """The part of a :class:`~scnnbio.recording.Recording` that this module uses."""

    @property
    def shapes(self) -> Mapping[str, Shape]:
        """Shape of each population."""

    @property
    def trials(self) -> Mapping[str, NDArray[Any]]:
        """The trial table."""

    def spikes_of(self, population: str) -> Any:
        """Spikes of a population: ``time`` in ms, ``unit`` and ``trial``."""


@final
@dataclass(frozen=True, eq=False)
class FromSpikes(Input):
    """Explicit spikes.

    Parameters
    ----------
    time : array of shape (spikes,)
        Times in ms since the trial began: above 0, and at most the duration. Any order.
    unit : array of int of shape (spikes,)
        Neurons of the flattened (channel, row, column).
    trial : array of int of shape (spikes,)
        Trials, from 0.
    size : tuple of int
        Shape (channel, row, column) of the source.
    n_trials : int
        Number of trials.
    duration : float
        Duration of each trial (ms); required.
    trials : mapping of str to array of shape (n_trials,), optional
        Columns of the trial table.
    off_grid : {"refuse", "up"}
        Treatment of a time between two steps: an error, or it is moved to the end of its step, as a
        simulator on that grid would do. Two spikes of a neuron in one step are an error
        in either case.
    files : Files, optional
        The files that were read. The input is identified by its spikes, not by its files.

    Raises
    ------
    SpecError
        If lengths differ, or a time, neuron or trial is out of range.

    See Also
    --------
    from_recording : the same from a population of a recording, or from a Neo block through
        :meth:`Recording.from_neo <scnnbio.recording.Recording.from_neo>`.

    Examples
    --------
    >>> given = FromSpikes([3.0, 1.0], unit=[0, 4], trial=[0, 0], size=(1, 1, 5), n_trials=1,
    ...                    duration=10.0)
    >>> given.time, given.unit
    (array([1., 3.]), array([4, 0], dtype=int32))
    """

    time: Annotated[ArrayLike, In("ms")]
    unit: ArrayLike
    trial: ArrayLike
    size: Shape
    n_trials: int = 1
    # 0 is refused: a duration is required, but a field that overrides a property needs a default.
    duration: Milliseconds = 0.0
    trials: Mapping[str, ArrayLike] = field(default_factory=dict)
    off_grid: Literal["refuse", "up"] = "refuse"
    files: Files = field(default=Files())

    paths: ClassVar[tuple[str, ...]] = ("file",)

    def __post_init__(self) -> None:
        where = "FromSpikes"
        object.__setattr__(self, "size", _shape(self.size, f"{where}.size"))
        object.__setattr__(self, "n_trials", count(self.n_trials, f"{where}.n_trials"))
        object.__setattr__(self, "duration", positive(self.duration, "ms", f"{where}.duration"))
        if self.off_grid not in _OFF_GRID:
            raise SpecError(not_one_of(self.off_grid, _OFF_GRID), where=f"{where}.off_grid")
        time = plain_array(self.time, "ms", where=f"{where}.time")
        unit = whole_numbers(self.unit, where=f"{where}.unit")
        trial = whole_numbers(self.trial, where=f"{where}.trial")
        if not time.shape == unit.shape == trial.shape == (time.size,):
            raise SpecError(
                f"times, units and trials of shapes {time.shape}, {unit.shape} and {trial.shape};"
                " give three flat arrays of equal length",
                where=where,
            )
        _check_below("unit", unit, int(np.prod(self.size)), where)
        _check_below("trial", trial, self.n_trials, where)
        outside = np.flatnonzero((time <= 0) | (time > self.duration * (1 + 1e-12)))
        if outside.size:
            k = outside[0]
            raise SpecError(
                f"a spike at {time[k]:g} ms is outside trial {trial[k]}: times are above 0 and at"
                f" most {self.duration:g} ms, and count from the beginning of the trial",
                where=f"{where}.time",
            )
        order = np.lexsort((unit, time, trial))
        for name, values, kind in (
            ("time", time, np.float64),
            ("unit", unit, np.int32),
            ("trial", trial, np.int32),
        ):
            sorted_ = values[order].astype(kind)
            sorted_.setflags(write=False)
            object.__setattr__(self, name, sorted_)
        check_columns(self.trials, f"{where}.trials")
        if not isinstance(self.files, Files):
            raise SpecError(f"{self.files!r} is not of the type Files", where=f"{where}.files")
        columns = {
            name: column(name, values, self.n_trials, f"{where}.trials")
            for name, values in self.trials.items()
        }
        object.__setattr__(self, "trials", FrozenTable(columns))

    @classmethod
    def from_recording(
        cls,
        recording: Recorded,
        population: str,
        off_grid: Literal["refuse", "up"] = "refuse",
        files: Files = Files(),  # noqa: B008  (it is immutable)
    ) -> FromSpikes:
        """The spikes of a population, with the recording's trials.

        Parameters
        ----------
        recording : Recording
            A Neo block becomes one by ``Recording.from_neo``.
        population : str
        off_grid : {"refuse", "up"}
        files : Files, optional
            What the recording was read from.

        Returns
        -------
        FromSpikes

        Raises
        ------
        SpecError
            If there is no such population, or trials differ in length.
        """
        spikes = recording.spikes_of(population)
        durations = recording.trials["duration"]
        if not len(durations):
            raise SpecError("the recording has no trials", where="FromSpikes")
        if (durations != durations[0]).any():
            raise SpecError(
                f"trials last from {durations.min():g} to {durations.max():g} ms, and all trials"
                " of an experiment are of one length; take those of one length, by"
                " recording.select(duration=...)",
                where="FromSpikes",
            )
        return cls(
            time=spikes.time,
            unit=spikes.unit,
            trial=spikes.trial,
            size=recording.shapes[population],
            n_trials=len(durations),
            duration=float(durations[0]),
            trials={n: v for n, v in recording.trials.items() if n not in RESERVED},
            off_grid=off_grid,
            files=files,
        )

    def canonical_fields(self) -> dict[str, Any]:
        """Identity: the spikes, not their files."""
        names = ("time", "unit", "trial", "size", "n_trials", "duration", "trials", "off_grid")
        return {name: getattr(self, name) for name in names}

    def __repr__(self) -> str:
        size = "x".join(map(str, self.size))
        return (
            f"FromSpikes({np.size(self.time)} spikes of {size} neurons in {self.n_trials} trials of"
            f" {self.duration:g} ms)"
        )

    @property
    def shape(self) -> tuple[int | None, int | None, int | None]:
        """Shape that the source must have."""
        return self.size

    @cached_property
    def _cuts(self) -> NDArray[np.int64]:
        return np.searchsorted(np.asarray(self.trial), np.arange(self.n_trials + 1))

    def spikes(self, trial: int, draw: Draw) -> Trial:
        """Spikes of one trial. See :meth:`Input.spikes`; nothing is drawn."""
        check_trial(trial, self.n_trials, "FromSpikes")
        step, unit, _ = self._on_grid(slice(self._cuts[trial], self._cuts[trial + 1]), draw.dt)
        return step, unit

    def check_grid(self, dt: Milliseconds) -> None:
        """Raise if a spike is off the grid, or a neuron has two in one step."""
        self._on_grid(slice(None), plain(dt, "ms", where="dt"))

    def _on_grid(self, part: slice, dt: float) -> tuple[NDArray[np.int32], ...]:
        """Steps, units and trials of some spikes, sorted by trial, step and unit."""
        where = "FromSpikes.time"
        time, unit, trial = (np.asarray(v)[part] for v in (self.time, self.unit, self.trial))
        ratio = time / dt
        nearest = np.round(ratio)
        off = np.abs(ratio - nearest) > _ROUNDING
        if off.any() and self.off_grid == "refuse":
            k = int(np.argmax(off))
            raise SpecError(
                f"a spike at {time[k]!s} ms in trial {trial[k]} is between two steps of {dt:g} ms;"
                ' choose another dt, or off_grid = "up" to move it to the end of its step',
                where=where,
            )
        # A spike at the very beginning of the trial belongs to its first step.
        step = np.maximum(np.where(off, np.ceil(ratio), nearest), 1).astype(np.int32)
        order = np.lexsort((unit, step, trial))
        step, unit, trial = step[order], unit[order], trial[order]
        same = [values[1:] == values[:-1] for values in (step, unit, trial)]
        twice = np.flatnonzero(np.logical_and.reduce(same))
        if twice.size:
            k = twice[0]
            raise SpecError(
                f"unit {unit[k]} has two spikes in step {step[k]} of trial {trial[k]}, with steps"
                f" of {dt:g} ms; lower dt, or leave one of them out",
                where=where,
            )
        return step, unit, trial

    def table(self) -> dict[str, NDArray[Any]]:
        """The columns that were given."""
        return {name: np.asarray(values) for name, values in self.trials.items()}


def _shape(given: Any, where: str) -> Shape:
    lengths = whole_numbers(given, where=where)
    if lengths.shape != (3,) or lengths.min() < 1:
        raise SpecError(f"{given!r} is not (channel, row, column), each 1 or more", where=where)
    channels, rows, columns = lengths.tolist()
    return channels, rows, columns


def _check_below(what: str, index: NDArray[np.int64], size: int, where: str) -> None:
    outside = np.flatnonzero((index < 0) | (index >= size))
    if outside.size:
        raise SpecError(
            f"{what} {index[outside[0]]} is not one of the {size}, which are 0 to {size - 1}",
            where=f"{where}.{what}",
        )
