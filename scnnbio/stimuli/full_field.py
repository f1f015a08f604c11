"""The whole field at one luminance: steady, in steps from trial to trial, or flickering."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, Literal, final

import numpy as np

from scnnbio.errors import SpecError
from scnnbio.stimuli.base import (
    Stimulus,
    as_tuple,
    bounded,
    check_request,
    count,
    each,
    n_frames,
    positive,
)
from scnnbio.units import Hertz, Milliseconds, Number, plain

_COLUMNS = ("luminance", "contrast", "temporal_frequency")

Contrasts = Number | tuple[Number, ...]


@final
@dataclass(frozen=True)
class FullField(Stimulus):
    r"""All combinations of luminance, contrast and temporal frequency, repeated.

    Parameters
    ----------
    luminance : float or tuple of float
        Mean luminance (contrast units, 0 for mean grey); several values are shown in different
        trials.
    contrast : float or tuple of float
        Amplitude of the flicker, 0 or more (contrast units); 0 for a steady field.
    temporal_frequency : float or tuple of float
        Hz.
    repeats : int
        How often each combination is shown.
    duration : float
        Of a trial (ms); a whole number of frames.
    frame : float
        Duration of a frame (ms). A field that never flickers has one frame per trial.

    Raises
    ------
    SpecError
        If a value is out of range, or frames are too long for the flicker.

    Notes
    -----
    :math:`L = l + c \sin(2\pi f_t t)`, taken at the middle of each frame, which lowers the
    amplitude of the flicker by :math:`\operatorname{sinc}(f_t \cdot \mathrm{frame})`. In the order
    of trials the repeats change slowest, then luminance, contrast and temporal frequency. A
    difference of Gaussians does not respond to a uniform field: use it with
    :class:`~scnnbio.encoding.Pixels`.
    """

    luminance: Contrasts = 0.0
    contrast: Contrasts = 0.0
    temporal_frequency: Hertz | tuple[Hertz, ...] = 4.0
    repeats: int = 1
    duration: Milliseconds = 500.0
    frame: Milliseconds = 10.0
    kind: Literal["full-field"] = field(default="full-field", kw_only=True)

    def __post_init__(self) -> None:
        where = "stimulus"
        clean: dict[str, Any] = {
            "luminance": each(
                self.luminance,
                lambda v: plain(v, "1", where=f"{where}.luminance"),
                f"{where}.luminance",
            ),
            "contrast": each(
                self.contrast,
                lambda v: bounded(v, "1", f"{where}.contrast"),
                f"{where}.contrast",
            ),
            "temporal_frequency": each(
                self.temporal_frequency,
                lambda v: bounded(v, "Hz", f"{where}.temporal_frequency"),
                f"{where}.temporal_frequency",
            ),
            "repeats": count(self.repeats, f"{where}.repeats"),
            "duration": positive(self.duration, "ms", f"{where}.duration"),
            "frame": positive(self.frame, "ms", f"{where}.frame"),
        }
        for name, value in clean.items():
            object.__setattr__(self, name, value)
        if not self.flickers:
            return
        n_frames(self.duration, self.frame)
        fastest = max(as_tuple(self.temporal_frequency))
        if fastest * self.frame >= 500.0:
            raise SpecError(
                f"{fastest:g} Hz needs frames shorter than {500 / fastest:g} ms, not"
                f" {self.frame:g} ms",
                where=f"{where}.frame",
            )

    @property
    def flickers(self) -> bool:
        """Whether the field flickers in any trial."""
        return any(as_tuple(self.contrast))

    @property
    def n_trials(self) -> int:
        """Number of trials: combinations times repeats."""
        return math.prod(len(v) for v in self._values()) * self.repeats

    def table(self) -> dict[str, np.ndarray]:
        """``luminance``, ``contrast``, ``temporal_frequency`` (Hz) and ``repeat`` of each trial."""
        values = self._values()
        repeat, *places = np.unravel_index(
            np.arange(self.n_trials), (self.repeats, *(len(v) for v in values))
        )
        columns = zip(_COLUMNS, values, places, strict=True)
        return {name: np.array(v)[place] for name, v, place in columns} | {"repeat": repeat}

    def condition(self, trial: int) -> int:
        """Number of the combination that a trial shows. See :meth:`Stimulus.condition`."""
        return trial % (self.n_trials // self.repeats)

    def frames(self, trial: int, shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
        """Frames of one trial: (n_frames, rows, columns). See :meth:`Stimulus.frames`.

        Nothing is drawn from ``rng``.
        """
        check_request(self, trial, shape)
        number = n_frames(self.duration, self.frame) if self.flickers else 1
        values = self._values()
        _, *places = np.unravel_index(trial, (self.repeats, *(len(v) for v in values)))
        luminance, contrast, f = (v[i] for v, i in zip(values, places, strict=True))
        seconds = (np.arange(number) + 0.5) * self.duration / number / 1e3
        level = luminance + contrast * np.sin(2 * np.pi * f * seconds)
        return np.broadcast_to(level[:, None, None], (number, *shape)).copy()

    def _values(self) -> tuple[tuple[float, ...], ...]:
        """Values of each parameter, in the order of ``_COLUMNS``."""
        return (
            as_tuple(self.luminance),
            as_tuple(self.contrast),
            as_tuple(self.temporal_frequency),
        )
