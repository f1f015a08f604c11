"""Noise on a screen, the same in each repeat: spots on a grid, and white to pink noise."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, final

import numpy as np
import scipy
from numpy.typing import NDArray

from scnnbio.errors import SpecError, not_one_of
from scnnbio.stimuli.base import bounded, count, positive
from scnnbio.stimuli.screen import OnScreen
from scnnbio.units import Degrees, Number, plain

Array = NDArray[np.float64]

_POLARITIES = ("both", "bright", "dark")


@final
@dataclass(frozen=True)
class SparseNoise(OnScreen):
    """Squares at random places of a grid, new ones in each frame, on a grey screen.

    The screen, the repeats, the blanks and the order of trials are those of
    :class:`~scnnbio.stimuli.screen.OnScreen`; ``frame_rate`` is the number of new patterns per
    second.

    Parameters
    ----------
    sequences : int
        Number of different movies; each is shown ``repeats`` times.
    spot : float
        Side of a square (deg); a whole number of pixels.
    spots : int
        Squares in a frame, at different places.
    contrast : float
        Of a square, 0 to 1.
    polarity : {"both", "bright", "dark"}
        With ``"both"`` each square is bright or dark with equal chance.

    Raises
    ------
    SpecError
        If a value is out of range; or, when frames are drawn, if the screen has fewer places than
        spots.

    Notes
    -----
    The grid begins at the upper left corner. A square that the lower or the right edge would cut
    is no place of it.

    References
    ----------
    Jones JP, Palmer LA (1987) The two-dimensional spatial structure of simple receptive fields in
    cat striate cortex. J Neurophysiol 58:1187-1211.
    """

    sequences: int = 10
    spot: Degrees = 0.25
    spots: int = 1
    contrast: Number = 1.0
    polarity: Literal["both", "bright", "dark"] = "both"
    kind: Literal["sparse-noise"] = field(default="sparse-noise", kw_only=True)

    def _check(self) -> None:
        self._set(
            sequences=count(self.sequences, "stimulus.sequences"),
            spot=positive(self.spot, "deg", "stimulus.spot"),
            spots=count(self.spots, "stimulus.spots"),
            contrast=bounded(self.contrast, "1", "stimulus.contrast", high=1.0),
        )
        if self.polarity not in _POLARITIES:
            raise SpecError(not_one_of(self.polarity, _POLARITIES), where="stimulus.polarity")
        pixels = self.spot * self.pixels_per_degree
        if round(pixels) < 1 or abs(pixels - round(pixels)) > 1e-6 * pixels:
            raise SpecError(
                f"{self.spot:g} deg is {pixels:g} pixels; make it a whole number of pixels",
                where="stimulus.spot",
            )

    def _factors(self) -> dict[str, tuple[float, ...]]:
        return {"sequence": tuple(map(float, range(self.sequences)))}

    def _movie(self, condition: Mapping[str, float], shape: tuple[int, int]) -> Array:
        side = round(self.spot * self.pixels_per_degree)
        rows, columns = shape[0] // side, shape[1] // side
        if rows * columns < self.spots:
            raise SpecError(
                f"{shape[0]} x {shape[1]} pixels have {rows * columns} places for {self.spots} "
                f"spots of {side} pixels; use fewer or smaller spots",
                where="stimulus.spots",
            )
        rng, n = self._content(condition["sequence"]), self.n_frames
        # The first places of a random order are different ones, each as likely.
        place = rng.random((n, rows * columns)).argsort(axis=1)[:, : self.spots]
        sign = {
            "both": 2.0 * rng.integers(0, 2, place.shape) - 1.0,
            "bright": np.ones(place.shape),
            "dark": -np.ones(place.shape),
        }[self.polarity]
        grid = np.zeros((n, rows * columns))
        np.put_along_axis(grid, place, self.contrast * sign, axis=1)
        frames = np.zeros((n, *shape))
        squares = grid.reshape(n, rows, columns).repeat(side, axis=1).repeat(side, axis=2)
        frames[:, : rows * side, : columns * side] = squares
        return frames


@final
@dataclass(frozen=True)
class GaussianNoise(OnScreen):
    r"""Gaussian noise whose amplitude falls with spatial and temporal frequency: white to pink.

    The screen, the repeats, the blanks and the order of trials are those of
    :class:`~scnnbio.stimuli.screen.OnScreen`.

    Parameters
    ----------
    sequences : int
        Number of different movies; each is shown ``repeats`` times.
    contrast : float
        Root mean square of the luminance (contrast units), 0 to 1, in expectation.
    spatial_exponent : float
        0 is white; at 1 the amplitude falls as 1/f, and the power as 1/f^2, as in natural images.
    temporal_exponent : float
        The same in time: 0 is a new picture in each frame.

    Raises
    ------
    SpecError
        If a value is out of range.

    Notes
    -----
    The amplitude spectrum is :math:`f^{-a} \max(f_t, 1/T)^{-b}` for spatial frequency :math:`f`,
    temporal frequency :math:`f_t` and duration :math:`T`, and 0 at :math:`f = 0`: each frame has
    the mean luminance exactly. The noise is periodic over the frame and over the trial. Its
    luminance is not cut, and a contrast above 1/3 holds values below black.

    References
    ----------
    Field DJ (1987) Relations between the statistics of natural images and the response properties
    of cortical cells. J Opt Soc Am A 4:2379-2394.
    """

    sequences: int = 10
    contrast: Number = 0.3
    spatial_exponent: Number = 1.0
    temporal_exponent: Number = 0.0
    kind: Literal["gaussian-noise"] = field(default="gaussian-noise", kw_only=True)

    def _check(self) -> None:
        self._set(
            sequences=count(self.sequences, "stimulus.sequences"),
            contrast=bounded(self.contrast, "1", "stimulus.contrast", high=1.0),
        )
        for name in ("spatial_exponent", "temporal_exponent"):
            where = f"stimulus.{name}"
            exponent = plain(getattr(self, name), "1", where=where)
            if abs(exponent) > 4:
                raise SpecError(f"{exponent:g} is out of range; write -4 to 4", where=where)
            self._set(**{name: exponent})

    def _factors(self) -> dict[str, tuple[float, ...]]:
        return {"sequence": tuple(map(float, range(self.sequences)))}

    def _movie(self, condition: Mapping[str, float], shape: tuple[int, int]) -> Array:
        n = self.n_frames
        white = self._content(condition["sequence"]).standard_normal((n, *shape))
        seconds = self.duration / 1e3
        slow = np.maximum(np.abs(scipy.fft.fftfreq(n)) * n, 1.0) / seconds
        fy = scipy.fft.fftfreq(shape[0]) * self.pixels_per_degree
        fx = scipy.fft.fftfreq(shape[1]) * self.pixels_per_degree
        radius = np.hypot(fy[:, None], fx[None, :])
        varies = radius > 0
        fall = np.where(varies, np.where(varies, radius, 1.0) ** -self.spatial_exponent, 0.0)
        gain = slow[:, None, None] ** -self.temporal_exponent * fall
        # By Parseval the variance of filtered white noise is the mean of the squared gain.
        power = float((gain**2).mean())
        if power == 0:  # one pixel
            return np.zeros((n, *shape))
        filtered = scipy.fft.ifftn(scipy.fft.fftn(white) * gain).real
        return np.asarray(self.contrast / np.sqrt(power) * filtered)
