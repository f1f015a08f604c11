"""Drifting sinusoidal gratings, the stimulus of tuning curves."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, Literal, final

import numpy as np

from scnnbio.errors import SpecError
from scnnbio.stimuli.base import (
    Separated,
    Stimulus,
    as_tuple,
    bounded,
    check_request,
    count,
    each,
    n_frames,
    positive,
    sequence,
)
from scnnbio.units import Degrees, Hertz, Milliseconds, Number, is_several, plain

_COLUMNS = ("orientation", "spatial_frequency", "temporal_frequency", "contrast", "phase")

#: Orientations: a tenth of a degree apart.
_MOST = 3600
#: Number of the condition without bars.
_BLANK = -1


@final
@dataclass(frozen=True)
class Gratings(Stimulus):
    r"""Drifting sinusoids: all combinations of the parameters, repeated, and then the blanks.

    Parameters
    ----------
    orientations : tuple of float, or int
        Orientation of the bars (deg), counter-clockwise from horizontal as the picture is seen,
        with row 0 on top: 0 is horizontal bars, 90 vertical ones, 45 bars from lower left to upper
        right. The grating drifts towards orientation + 90: at 0 upwards, at 90 to the left. A whole
        number n stands for n values equally spaced from 0 over 360 deg, which shows each grating
        drifting both ways, or over 180 deg if nothing drifts.
    spatial_frequencies : tuple of float
        Above 0 up to 0.5 (cycles/pixel).
    temporal_frequency : float or tuple of float
        Cycles that pass a point per second (Hz); 0 is a static grating.
    contrast : float or tuple of float
        Michelson contrast, 0 to 1.
    phases : tuple of float
        Phase at the centre of the frame when the trial begins (deg).
    repeats : int
        How often each combination is shown.
    blanks : int
        Trials of mean grey, shown last, for the spontaneous rate.
    duration : float
        Of a trial (ms); a whole number of frames.
    frame : float
        Duration of a frame (ms).

    Raises
    ------
    SpecError
        If a value is out of range, a list is empty, or frames do not fill the duration or are too
        long for the temporal frequency.

    Notes
    -----
    With x to the right and y upwards from the centre of the frame, orientation :math:`\theta` and
    direction :math:`\varphi = \theta + 90^\circ`, the luminance is

    .. math:: L = c \sin\bigl(2\pi (f (x\cos\varphi + y\sin\varphi) - f_t t) + \phi\bigr)

    taken at the middle of each frame. In the order of trials the repeats change slowest, then
    orientation, spatial frequency, temporal frequency, contrast and phase. The order has no
    effect on a network that is reset between trials.

    References
    ----------
    Ringach DL, Shapley RM, Hawken MJ (2002) Orientation selectivity in macaque V1: diversity and
    laminar dependence. J Neurosci 22:5639-5651.
    """

    orientations: tuple[Degrees, ...] | int = 16
    spatial_frequencies: tuple[Number, ...] = (0.1,)
    temporal_frequency: Hertz | tuple[Hertz, ...] = 4.0
    contrast: Number | tuple[Number, ...] = 1.0
    phases: tuple[Degrees, ...] = (0.0,)
    repeats: int = 1
    blanks: int = 0
    duration: Milliseconds = 500.0
    frame: Milliseconds = 10.0
    kind: Literal["gratings"] = field(default="gratings", kw_only=True)

    def __post_init__(self) -> None:
        where = "stimulus"
        clean: dict[str, Any] = {
            "repeats": count(self.repeats, f"{where}.repeats"),
            "blanks": count(self.blanks, f"{where}.blanks", least=0),
            "duration": positive(self.duration, "ms", f"{where}.duration"),
            "frame": positive(self.frame, "ms", f"{where}.frame"),
            "spatial_frequencies": _spatial(self.spatial_frequencies),
            "temporal_frequency": each(
                self.temporal_frequency,
                lambda v: bounded(v, "Hz", f"{where}.temporal_frequency"),
                f"{where}.temporal_frequency",
            ),
            "contrast": each(
                self.contrast,
                lambda v: bounded(v, "1", f"{where}.contrast", high=1.0),
                f"{where}.contrast",
            ),
            "phases": _angles(self.phases, f"{where}.phases"),
        }
        for name, value in clean.items():
            object.__setattr__(self, name, value)
        n_frames(self.duration, self.frame)
        fastest = max(as_tuple(self.temporal_frequency))
        if fastest * self.frame >= 500.0:
            raise SpecError(
                f"{fastest:g} Hz needs frames shorter than {500 / fastest:g} ms, "
                f"not {self.frame:g} ms, or it would seem to drift backwards",
                where=f"{where}.frame",
            )
        object.__setattr__(
            self, "orientations", self._orientations(f"{where}.orientations", fastest)
        )

    def _orientations(self, where: str, fastest: float) -> tuple[float, ...]:
        if is_several(self.orientations) or isinstance(self.orientations, range):
            return _angles(self.orientations, where)
        number = count(self.orientations, where)
        if number > _MOST:
            raise SpecError(f"{number} is too many; write {_MOST} or fewer", where=where)
        return tuple(i * (360.0 if fastest > 0 else 180.0) / number for i in range(number))

    @property
    def n_trials(self) -> int:
        """Number of trials: combinations times repeats, and the blanks."""
        return math.prod(len(v) for v in self._values()) * self.repeats + self.blanks

    def table(self) -> dict[str, np.ndarray]:
        """Parameters of each trial.

        Returns
        -------
        dict of str to numpy.ndarray
            ``orientation`` (deg), ``spatial_frequency`` (cycles/pixel), ``temporal_frequency``
            (Hz), ``contrast``, ``phase`` (deg) and ``repeat`` (int, from 0), each (n_trials,).
            Blanks have contrast 0 and NaN for what has no meaning without bars.
        """
        values = self._values()
        shown = self.n_trials - self.blanks
        repeat, *places = np.unravel_index(
            np.arange(shown), (self.repeats, *(len(v) for v in values))
        )
        table = {
            name: np.concatenate([np.array(v)[place], np.full(self.blanks, np.nan)])
            for name, v, place in zip(_COLUMNS, values, places, strict=True)
        }
        table["contrast"][shown:] = 0.0
        table["repeat"] = np.concatenate([repeat, np.arange(self.blanks)])
        return table

    def frames(self, trial: int, shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
        """Frames of one trial: (n_frames, rows, columns). See :meth:`Stimulus.frames`.

        Nothing is drawn from ``rng``.
        """
        check_request(self, trial, shape)
        condition = self.condition(trial)
        if condition == _BLANK:
            return np.zeros((n_frames(self.duration, self.frame), *shape))
        theta, f, f_t, contrast, phase = self._shown(condition)
        along, seconds = _along(theta, shape), self._seconds()[:, np.newaxis, np.newaxis]
        return contrast * np.sin(2 * np.pi * (f * along - f_t * seconds) + math.radians(phase))

    def condition(self, trial: int) -> int:
        """Number of the combination that a trial shows. See :meth:`Stimulus.condition`."""
        shown = self.n_trials - self.blanks
        return _BLANK if trial >= shown else trial % (shown // self.repeats)

    def separated(self, trial: int, shape: tuple[int, int]) -> Separated:
        """Frames as a sum of a sine and a cosine. See :meth:`Stimulus.separated`."""
        check_request(self, trial, shape)
        condition = self.condition(trial)
        if condition == _BLANK:
            return Separated(np.zeros((len(self._seconds()), 0)), np.zeros((0, *shape)))
        theta, f, f_t, contrast, phase = self._shown(condition)
        place = 2 * np.pi * f * _along(theta, shape) + math.radians(phase)
        turns = 2 * np.pi * f_t * self._seconds()
        return Separated(
            np.stack([np.cos(turns), -np.sin(turns)], axis=1),
            contrast * np.stack([np.sin(place), np.cos(place)]),
        )

    def _shown(self, condition: int) -> tuple[float, ...]:
        """Value of each parameter in a condition, in the order of ``_COLUMNS``."""
        values = self._values()
        places = np.unravel_index(condition, [len(v) for v in values])
        return tuple(v[i] for v, i in zip(values, places, strict=True))

    def _seconds(self) -> np.ndarray:
        """Middle of each frame (s): (n_frames,)."""
        number = n_frames(self.duration, self.frame)
        middle: np.ndarray = (np.arange(number) + 0.5) * self.duration / number / 1e3
        return middle

    def _values(self) -> tuple[tuple[float, ...], ...]:
        """Values of each parameter, in the order of ``_COLUMNS``."""
        return (
            as_tuple(self.orientations),
            self.spatial_frequencies,
            as_tuple(self.temporal_frequency),
            as_tuple(self.contrast),
            self.phases,
        )


def _along(theta: float, shape: tuple[int, int]) -> np.ndarray:
    """Distance of each pixel from the centre, in the direction of drift (pixels)."""
    rows, columns = shape
    direction = math.radians(theta + 90.0)
    x = np.arange(columns) - (columns - 1) / 2
    y = (rows - 1) / 2 - np.arange(rows)[:, np.newaxis]
    along: np.ndarray = x * math.cos(direction) + y * math.sin(direction)
    return along


def _angles(values: Any, where: str) -> tuple[float, ...]:
    return tuple(plain(v, "deg", where=where) for v in sequence(values, where))


def _spatial(values: Any) -> tuple[float, ...]:
    where = "stimulus.spatial_frequencies"
    frequencies = tuple(plain(v, "1", where=where) for v in sequence(values, where))
    for f in frequencies:
        if not 0 < f <= 0.5:
            raise SpecError(
                f"{f:g} cycles/pixel cannot be drawn; use values above 0 up to 0.5", where=where
            )
    return frequencies
