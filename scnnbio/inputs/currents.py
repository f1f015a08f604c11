"""Explicit values: currents into neurons, or the values of a source."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, ClassVar, final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from scnnbio.errors import DataError, SpecError, not_one_of
from scnnbio.inputs.arrays import read_values
from scnnbio.inputs.base import CurrentInput, Draw, check_columns, check_trial, column
from scnnbio.neurons.parsing import check_name
from scnnbio.stimuli.base import Files, positive
from scnnbio.units import UNITS, In, Milliseconds, plain, plain_array
from scnnbio.values import FrozenTable

#: Tolerance, in steps, for a frame that is not a whole number of steps.
_ROUNDING = 1e-6


@final
@dataclass(frozen=True, eq=False)
class FromCurrents(CurrentInput):
    """Currents into the neurons of a population, or the values of a source of values.

    Parameters
    ----------
    values : array
        Constant over a trial: (channel, row, column) for one trial, (trial, channel, row, column)
        for several. With ``frame``, one value for each frame: (frame, channel, row, column) or
        (trial, frame, channel, row, column).
    frame : float, optional
        Duration of one frame (ms), a whole number of steps.
    duration : float, optional
        Duration of each trial (ms). Required without ``frame``; with it, the duration of all
        frames, which a given value must equal.
    shown : float, optional
        Time from the beginning of a trial for which values are there (ms), a whole number of
        steps; then they are 0. The whole trial if not given.
    unit : str
        Of the values: "1" for a source of values; for neurons a unit of the port's kind, such as
        "pA" or "nA" for a current.
    port : str
        The neurons' parameter to which the values are added: ``"i_offset"``, or another one of
        :func:`scnnbio.neurons.ports.ports`. A source of values does not use it.
    trials : mapping of str to array of shape (n_trials,), optional
        Columns of the trial table.
    files : Files, optional
        What was read. The input is identified by its values, not by its files.

    Raises
    ------
    SpecError
        If the array has another number of axes, a value is not finite, or the duration differs
        from that of the frames.

    Examples
    --------
    A step of 300 pA in the middle of 30 ms, into one neuron:

    >>> step = np.array([0.0, 300.0, 0.0]).reshape(3, 1, 1, 1)
    >>> FromCurrents(step, frame=10.0, unit="pA")
    FromCurrents(1 trial of 3 frames of 10 ms, for 1x1x1 in pA)
    """

    values: Annotated[ArrayLike, In(None)]
    frame: Milliseconds | None = None
    # 0 means that the frames determine it.
    duration: Milliseconds = 0.0
    shown: Milliseconds | None = None
    unit: str = "1"
    port: str = "i_offset"
    trials: Mapping[str, ArrayLike] = field(default_factory=dict)
    files: Files = field(default=Files())

    paths: ClassVar[tuple[str, ...]] = ("file",)
    is_random: ClassVar[bool] = False

    def __post_init__(self) -> None:
        where = "FromCurrents"
        if self.unit not in UNITS:
            raise SpecError(not_one_of(self.unit, UNITS), where=f"{where}.unit")
        check_name(self.port, f"{where}.port")
        if not isinstance(self.files, Files):
            raise SpecError(f"{self.files!r} is not of the type Files", where=f"{where}.files")
        object.__setattr__(self, "values", self._checked_values(f"{where}.values"))
        n_trials, n_frames = self._values.shape[:2]
        given = plain(self.duration, "ms", where=f"{where}.duration")
        if self.frame is None:
            object.__setattr__(self, "duration", positive(given, "ms", f"{where}.duration"))
        else:
            frame = positive(self.frame, "ms", f"{where}.frame")
            object.__setattr__(self, "frame", frame)
            whole = n_frames * frame
            if given and abs(given - whole) > 1e-9 * whole:
                raise SpecError(
                    f"{n_frames} frames of {frame:g} ms last {whole:g} ms, not {given:g} ms; leave"
                    " the duration out, or give a frame for all of it",
                    where=f"{where}.duration",
                )
            object.__setattr__(self, "duration", whole)
        if self.shown is not None:
            object.__setattr__(self, "shown", self._checked_shown(f"{where}.shown"))
        check_columns(self.trials, f"{where}.trials")
        columns = {
            name: column(name, values, n_trials, f"{where}.trials")
            for name, values in self.trials.items()
        }
        object.__setattr__(self, "trials", FrozenTable(columns))

    @classmethod
    def from_file(cls, path: str | Path, **fields: Any) -> FromCurrents:
        """The values of a file.

        Parameters
        ----------
        path : str or Path
            An npy file, or an npz file that holds the array ``values``; every other array in it is
            a column of the trial table.
        **fields
            The other parameters of the class. Columns in ``trials`` are added to those of the file.

        Returns
        -------
        FromCurrents

        Raises
        ------
        DataError
            If the file cannot be read.
        SpecError
            If the array does not fit.
        """
        values, columns, file = read_values(path)
        if values.dtype.kind not in "biuf":
            raise DataError(f"contains {values.dtype} instead of numbers", where=file.path)
        columns |= fields.pop("trials", {})
        return cls(values.astype(float), trials=columns, files=Files((file,)), **fields)

    def _checked_shown(self, where: str) -> float:
        """The time for which values are there, which has to be a part of the trial."""
        shown = positive(self.shown, "ms", where)
        if shown > self.duration:
            raise SpecError(
                f"{shown:g} ms are longer than the trial of {self.duration:g} ms; shorten shown or"
                " lengthen duration",
                where=where,
            )
        return shown

    def _checked_values(self, where: str) -> NDArray[np.float64]:
        """The values as (trial, frame, channel, row, column), read-only."""
        array = plain_array(self.values, self.unit, where=where)
        axes = "frame, channel, row, column" if self.frame is not None else "channel, row, column"
        least = axes.count(",") + 1
        if array.ndim not in (least, least + 1, 5) or 0 in array.shape:
            raise SpecError(
                f"an array of shape {array.shape} is not ({axes}) or (trial, {axes}), with at least"
                f" one of each{'; for frames in time, give frame' if self.frame is None else ''}",
                where=where,
            )
        if array.ndim == 5 and self.frame is None and array.shape[1] != 1:
            raise SpecError(
                f"there are {array.shape[1]} frames of no duration; give frame, in ms", where=where
            )
        if array.ndim == least:
            array = array[np.newaxis]
        if array.ndim == 4:
            array = array[:, np.newaxis]
        if array.flags.writeable or not array.flags.c_contiguous:
            array = np.array(array, order="C")
        array.setflags(write=False)
        return array

    @cached_property
    def repeats(self) -> bool:
        """Whether all trials have the same values. See :attr:`CurrentInput.repeats`."""
        first = self._values[:1]
        # Most inputs differ in the second trial already.
        return np.array_equal(self._values[1:2], first[: self.n_trials - 1]) and bool(
            (self._values == first).all()
        )

    @property
    def _values(self) -> NDArray[np.float64]:
        return np.asarray(self.values)

    def canonical_fields(self) -> dict[str, Any]:
        """Identity: the values, not their files."""
        names = ["values", "frame", "duration", "unit", "port", "trials"]
        if self.shown is not None:
            names.append("shown")  # inputs of earlier versions keep their identity
        return {name: getattr(self, name) for name in names}

    def __repr__(self) -> str:
        n_trials, n_frames, *size = self._values.shape
        trials = "1 trial" if n_trials == 1 else f"{n_trials} trials"
        lasting = f"{self.duration:g} ms"
        if self.frame is not None:
            lasting = f"{n_frames} frames of {self.frame:g} ms"
        unit = "" if self.unit == "1" else f" in {self.unit}"
        return f"FromCurrents({trials} of {lasting}, for {'x'.join(map(str, size))}{unit})"

    @property
    def n_trials(self) -> int:
        """Number of trials."""
        return len(self._values)

    @property
    def shape(self) -> tuple[int | None, int | None, int | None]:
        """Shape that the population must have."""
        channels, rows, columns = self._values.shape[2:]
        return channels, rows, columns

    def check_grid(self, dt: Milliseconds) -> None:
        """Raise unless a frame, and the time for which values are there, are whole steps."""
        dt = plain(dt, "ms", where="dt")
        for name in ("frame", "shown"):
            self._steps(name, dt)

    def _steps(self, name: str, dt: float) -> int | None:
        """Steps of one frame, or of the time for which values are there."""
        lasting = getattr(self, name)
        if lasting is None:
            return None
        ratio = lasting / dt
        if ratio < 0.5 or abs(ratio - round(ratio)) > _ROUNDING:
            raise SpecError(
                f"{lasting:g} ms is not a whole number of steps of {dt:g} ms; choose another dt",
                where=f"FromCurrents.{name}",
            )
        return round(ratio)

    def currents(self, trial: int, draw: Draw) -> Iterator[tuple[int, NDArray[np.float64]]]:
        """Values of one trial. See :meth:`CurrentInput.currents`; nothing is drawn."""
        check_trial(trial, self.n_trials, "FromCurrents")
        steps, end = self._steps("frame", draw.dt) or 1, self._steps("shown", draw.dt)
        frames, last = self._values[trial].reshape(self._values.shape[1], -1), None
        for k, frame in enumerate(frames):
            if end is not None and k * steps >= end:
                break
            if last is None or not np.array_equal(frame, last):
                yield k * steps, frame
            last = frame
        if end is not None:
            yield end, np.zeros_like(frames[0])

    def table(self) -> dict[str, NDArray[Any]]:
        """The columns that were given."""
        return {name: np.asarray(values) for name, values in self.trials.items()}
