"""Bars that sweep over the screen."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Literal, final

import numpy as np
from numpy.typing import NDArray

from scnnbio.errors import SpecError
from scnnbio.stimuli.screen import OnScreen, numbers, place, signed
from scnnbio.units import Degrees, Number

Array = NDArray[np.float64]


@final
@dataclass(frozen=True)
class MovingBars(OnScreen):
    r"""A bright or dark bar that moves across its own length at a constant speed.

    The screen, the repeats, the blanks and the order of trials are those of
    :class:`~scnnbio.stimuli.screen.OnScreen`.

    Parameters
    ----------
    orientations : tuple of float
        Orientation of the bar (deg), counter-clockwise from horizontal. It moves towards
        orientation + 90, which the table has as ``direction``.
    speeds : tuple of float
        deg per second.
    widths : tuple of float
        Of the bar along its motion (deg); a pixel or more.
    lengths : tuple of float
        Of the bar across its motion (deg); none for a bar across the whole screen, for which the
        table says infinity.
    contrasts : tuple of float
        -1 to 1; negative for a dark bar.
    center : tuple of float
        x and y (deg) that the middle of the bar passes at the middle of the trial.

    Raises
    ------
    SpecError
        If a value is out of range, or the bar moves by more than its width per frame.

    Notes
    -----
    Ends and sides fall from 1 to 0 over one pixel. A pixel of a bar at 0 or 90 deg then has the
    mean luminance of its area, and the light of the whole bar is contrast x width x length in
    every frame, wherever it stands.
    """

    zero_in_blanks: ClassVar[tuple[str, ...]] = ("contrast",)

    orientations: tuple[Degrees, ...] = (0.0, 45.0, 90.0, 135.0, 180.0, 225.0, 270.0, 315.0)
    speeds: tuple[Number, ...] = (5.0,)
    widths: tuple[Degrees, ...] = (0.25,)
    lengths: tuple[Degrees, ...] = ()
    contrasts: tuple[Number, ...] = (1.0,)
    center: tuple[Degrees, Degrees] = (0.0, 0.0)
    kind: Literal["moving-bars"] = field(default="moving-bars", kw_only=True)

    def _check(self) -> None:
        none = not isinstance(self.lengths, str) and not np.size(self.lengths)
        self._set(
            orientations=signed(self.orientations, "deg", "orientations"),
            speeds=numbers(self.speeds, "1", "speeds"),
            widths=numbers(self.widths, "deg", "widths"),
            lengths=() if none else numbers(self.lengths, "deg", "lengths"),
            contrasts=signed(self.contrasts, "1", "contrasts"),
            center=place(self.center, "center"),
        )
        for contrast in self.contrasts:
            if abs(contrast) > 1:
                raise SpecError(
                    f"{contrast:g} is out of range; write -1 to 1", where="stimulus.contrasts"
                )
        for name in ("widths", "lengths"):
            for size in getattr(self, name):
                if size < (1 - 1e-9) / self.pixels_per_degree:
                    raise SpecError(
                        f"{size:g} deg is less than a pixel; use {1 / self.pixels_per_degree:g} "
                        "or more, or more pixels per deg",
                        where=f"stimulus.{name}",
                    )
        fastest, thinnest = max(self.speeds), min(self.widths)
        if fastest > thinnest * self.frame_rate:
            raise SpecError(
                f"a bar of {thinnest:g} deg at {fastest:g} deg/s leaves gaps between frames; use "
                f"{thinnest * self.frame_rate:g} deg/s or less, or a higher frame rate",
                where="stimulus.speeds",
            )

    def _factors(self) -> dict[str, tuple[float, ...]]:
        return {
            "orientation": self.orientations,
            "speed": self.speeds,
            "width": self.widths,
            "length": self.lengths or (math.inf,),
            "contrast": self.contrasts,
        }

    def table(self) -> dict[str, np.ndarray]:
        """Parameters of each trial.

        Returns
        -------
        dict of str to numpy.ndarray
            ``orientation`` and ``direction`` (deg), ``speed`` (deg/s), ``width`` and ``length``
            (deg), ``contrast`` and ``repeat``, each (n_trials,).
        """
        table = super().table()
        return {**table, "direction": (table["orientation"] + 90.0) % 360.0}

    def _movie(self, condition: Mapping[str, float], shape: tuple[int, int]) -> Array:
        x, y = self._grid(shape)
        x, y = x - self.center[0], y - self.center[1]
        direction = math.radians(condition["orientation"] + 90.0)
        cos, sin = math.cos(direction), math.sin(direction)
        path = condition["speed"] * (self._seconds() - self.duration / 2e3)
        light = self._box(x * cos + y * sin - path, condition["width"])
        if not math.isinf(condition["length"]):
            light = light * self._box(y * cos - x * sin, condition["length"])
        return np.asarray(condition["contrast"] * light)

    def _box(self, distance: Array, size: float) -> Array:
        """1 within ``size``, 0 beyond, with slopes of one pixel."""
        inside = (size / 2 - np.abs(distance)) * self.pixels_per_degree
        return np.clip(inside + 0.5, 0.0, 1.0)
