"""Gratings in an aperture: drifting, static, counterphase, and plaids."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Literal, final

import numpy as np
from numpy.typing import NDArray

from scnnbio.errors import SpecError, not_one_of
from scnnbio.stimuli.base import Separated, bounded, check_request
from scnnbio.stimuli.screen import OnScreen, aperture, numbers, place, signed
from scnnbio.units import Degrees, Hertz, Number

Array = NDArray[np.float64]

_MOTIONS = ("drifting", "counterphase")


@final
@dataclass(frozen=True)
class GratingPatches(OnScreen):
    r"""Sinusoidal gratings in a round aperture, sized in degrees of visual angle.

    The screen, the repeats, the blanks and the order of trials are those of
    :class:`~scnnbio.stimuli.screen.OnScreen`.

    Parameters
    ----------
    orientations : tuple of float
        Orientation of the bars (deg), counter-clockwise from horizontal. The grating drifts
        towards orientation + 90, which the table has as ``direction``.
    spatial_frequencies : tuple of float
        Cycles per deg; above 0 and below half the pixels per deg.
    temporal_frequencies : tuple of float
        Hz, below half the frame rate; 0 is a static grating.
    contrasts : tuple of float
        Michelson contrast, 0 to 1.
    phases : tuple of float
        Phase at the centre of the aperture when the trial begins (deg).
    diameters : tuple of float
        Of the aperture (deg); none for the whole screen. The table then says infinity.
    inner_diameters : tuple of float
        Of a hole in the aperture (deg): the grating is an annulus; 0 for no hole.
    edge : float
        Width of the soft edge of aperture and hole (deg): half a period of a cosine, whose
        middle is at the diameter. 0 for a sharp edge.
    mask_contrasts : tuple of float
        Contrast of a second grating that is added, which makes a plaid; 0 for none. Its spatial
        and temporal frequency and its phase are those of the first.
    mask_orientations : tuple of float
        Orientation of the second grating relative to the first (deg).
    motion : {"drifting", "counterphase"}
        Whether the grating drifts, or reverses its contrast in place.
    center : tuple of float
        x and y of the centre of the aperture (deg).

    Raises
    ------
    SpecError
        If a value is out of range, a frequency would alias, both contrasts together are above 1,
        or the edges overlap.

    Notes
    -----
    With distances from the centre of the aperture, :math:`u = x\cos\varphi + y\sin\varphi` and
    :math:`\varphi = \theta + 90^\circ`, the luminance is

    .. math:: L = c\, m(r) \sin\bigl(2\pi (f u - f_t t) + \phi\bigr)

    for a drifting grating, and :math:`c\, m(r) \sin(2\pi f u + \phi) \cos(2\pi f_t t)` for one in
    counterphase, which is the sum of two of half the contrast that drift in opposite directions.
    The aperture :math:`m` is 1 inside and 0 outside. Without a temporal frequency a trial is one
    frame.

    References
    ----------
    Cavanaugh JR, Bair W, Movshon JA (2002) Nature and interaction of signals from the receptive
    field center and surround in macaque V1 neurons. J Neurophysiol 88:2530-2546.
    """

    zero_in_blanks: ClassVar[tuple[str, ...]] = ("contrast", "mask_contrast")

    orientations: tuple[Degrees, ...] = (0.0, 45.0, 90.0, 135.0, 180.0, 225.0, 270.0, 315.0)
    spatial_frequencies: tuple[Number, ...] = (2.0,)
    temporal_frequencies: tuple[Hertz, ...] = (4.0,)
    contrasts: tuple[Number, ...] = (1.0,)
    phases: tuple[Degrees, ...] = (0.0,)
    diameters: tuple[Degrees, ...] = ()
    inner_diameters: tuple[Degrees, ...] = (0.0,)
    edge: Degrees = 0.0
    mask_contrasts: tuple[Number, ...] = (0.0,)
    mask_orientations: tuple[Degrees, ...] = (90.0,)
    motion: Literal["drifting", "counterphase"] = "drifting"
    center: tuple[Degrees, Degrees] = (0.0, 0.0)
    kind: Literal["grating-patches"] = field(default="grating-patches", kw_only=True)

    def _check(self) -> None:
        if self.motion not in _MOTIONS:
            raise SpecError(not_one_of(self.motion, _MOTIONS), where="stimulus.motion")
        none = not isinstance(self.diameters, str) and not np.size(self.diameters)
        self._set(
            orientations=signed(self.orientations, "deg", "orientations"),
            spatial_frequencies=numbers(self.spatial_frequencies, "1", "spatial_frequencies"),
            temporal_frequencies=numbers(self.temporal_frequencies, "Hz", "temporal_frequencies"),
            contrasts=numbers(self.contrasts, "1", "contrasts", high=1.0),
            phases=signed(self.phases, "deg", "phases"),
            diameters=() if none else numbers(self.diameters, "deg", "diameters"),
            inner_diameters=numbers(self.inner_diameters, "deg", "inner_diameters"),
            edge=bounded(self.edge, "deg", "stimulus.edge"),
            mask_contrasts=numbers(self.mask_contrasts, "1", "mask_contrasts", high=1.0),
            mask_orientations=signed(self.mask_orientations, "deg", "mask_orientations"),
            center=place(self.center, "center"),
        )
        for f in self.spatial_frequencies:
            self._check_spatial(f, "spatial_frequencies")
        for f in self.temporal_frequencies:
            self._check_temporal(f, "temporal_frequencies")
        most = max(self.contrasts) + max(self.mask_contrasts)
        if most > 1.0 + 1e-12:
            raise SpecError(
                f"two gratings of contrast {most:g} together would be darker than black; lower one",
                where="stimulus.mask_contrasts",
            )
        self._check_edges()

    def _check_edges(self) -> None:
        for outer in self.diameters:
            if outer <= 0 or outer < self.edge:
                raise SpecError(
                    f"an aperture of {outer:g} deg with an edge of {self.edge:g} deg is nowhere "
                    "open; enlarge it",
                    where="stimulus.diameters",
                )
        for inner in self.inner_diameters:
            narrow = any(outer - inner < 2 * self.edge for outer in self.diameters)
            if narrow or any(inner >= outer for outer in self.diameters) or 0 < inner < self.edge:
                raise SpecError(
                    f"a hole of {inner:g} deg does not fit into each aperture with its edges of "
                    f"{self.edge:g} deg; show the combinations in several stages",
                    where="stimulus.inner_diameters",
                )

    @property
    def _moves(self) -> bool:
        return max(self.temporal_frequencies) > 0

    def _factors(self) -> dict[str, tuple[float, ...]]:
        return {
            "orientation": self.orientations,
            "spatial_frequency": self.spatial_frequencies,
            "temporal_frequency": self.temporal_frequencies,
            "contrast": self.contrasts,
            "phase": self.phases,
            "diameter": self.diameters or (math.inf,),
            "inner_diameter": self.inner_diameters,
            "mask_contrast": self.mask_contrasts,
            "mask_orientation": self.mask_orientations,
        }

    def table(self) -> dict[str, np.ndarray]:
        """Parameters of each trial.

        Returns
        -------
        dict of str to numpy.ndarray
            ``orientation`` and ``direction`` (deg), ``spatial_frequency`` (cycles/deg),
            ``temporal_frequency`` (Hz), ``contrast``, ``phase`` (deg), ``diameter`` and
            ``inner_diameter`` (deg), ``mask_contrast``, ``mask_orientation`` (deg, relative) and
            ``repeat``, each (n_trials,). Blanks have contrast 0 and NaN for what has no meaning
            without bars.
        """
        table = super().table()
        return {**table, "direction": (table["orientation"] + 90.0) % 360.0}

    def _movie(self, condition: Mapping[str, float], shape: tuple[int, int]) -> Array:
        turns = self._turns(condition)

        def grating(place: Array) -> Array:
            if self.motion == "counterphase":
                return np.asarray(np.sin(place) * np.cos(turns))
            return np.asarray(np.sin(place - turns))

        return self._within(condition, shape, grating)

    def separated(self, trial: int, shape: tuple[int, int]) -> Separated:
        """Frames as a sum of a sine and a cosine. See :meth:`Stimulus.separated`."""
        check_request(self, trial, shape)
        number = self.condition(trial)
        if number < 0:
            return Separated(np.zeros((self.n_frames, 0)), np.zeros((0, *shape)))
        condition = self._shown(number)
        turns = self._turns(condition)[:, 0, 0]
        sine = self._within(condition, shape, np.sin)
        if self.motion == "counterphase":
            return Separated(np.cos(turns)[:, None], sine[None])
        cosine = self._within(condition, shape, np.cos)
        return Separated(
            np.stack([np.cos(turns), -np.sin(turns)], axis=1), np.stack([sine, cosine])
        )

    def _within(
        self,
        condition: Mapping[str, float],
        shape: tuple[int, int],
        grating: Callable[[Array], Array],
    ) -> Array:
        """Grating and mask in the aperture, each drawn from its phase at each pixel (rad)."""
        x, y = self._grid(shape)
        x, y = x - self.center[0], y - self.center[1]
        theta = condition["orientation"]
        light = condition["contrast"] * grating(self._place(theta, x, y, condition))
        if condition["mask_contrast"] > 0:
            across = self._place(theta + condition["mask_orientation"], x, y, condition)
            light += condition["mask_contrast"] * grating(across)
        # hypot keeps the aperture as symmetric as the pixels.
        distance = np.hypot(x, y)
        light *= aperture(distance, condition["diameter"], self.edge)
        if condition["inner_diameter"] > 0:
            light *= 1.0 - aperture(distance, condition["inner_diameter"], self.edge)
        return light

    def _place(self, theta: float, x: Array, y: Array, condition: Mapping[str, float]) -> Array:
        """Phase of a grating at each pixel when the trial begins (rad)."""
        direction = math.radians(theta + 90.0)
        along = x * math.cos(direction) + y * math.sin(direction)
        return np.asarray(
            2 * np.pi * condition["spatial_frequency"] * along + math.radians(condition["phase"])
        )

    def _turns(self, condition: Mapping[str, float]) -> Array:
        """Phase by which each frame differs from the first moment (rad), (n_frames, 1, 1)."""
        return 2 * np.pi * condition["temporal_frequency"] * self._seconds()
