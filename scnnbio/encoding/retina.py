"""Magnocellular and parvocellular cells: published fields in space, cascades in time, gain control.

The numbers are those of macaque ganglion cells, which the cells of the LGN follow closely.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal, Self, final

import numpy as np
import scipy
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage

from scnnbio.encoding.checks import set_numbers
from scnnbio.errors import SpecError, not_one_of
from scnnbio.units import Degrees, Hertz, In, Milliseconds, Number, plain, plain_array
from scnnbio.values import Value

Array = NDArray[np.float64]
Frequencies = Annotated[ArrayLike, In("Hz")]
Cycles = Annotated[ArrayLike, In("1")]

#: Cutoff of a Gaussian in radii, beyond which lies a ten-thousandth of its volume.
_REACH = 3.0
#: Fraction of the low-pass kernel that is cut off at its end.
_TAIL = 1e-7

#: Medians of all cells. Space: Croner & Kaplan 1995, P cells of 0-5 deg and M cells of 0-10 deg.
#: Time: Benardete & Kaplan 1997 (P) and 1999 (M). "low_pass" is the product of stages and time
#: constant; "surround_delay" is the increase of that product for the surround.
_PUBLISHED: dict[str, dict[str, float]] = {
    "P": {
        "center_radius": 0.03, "surround_radius": 0.18, "center_sensitivity": 325.2,
        "surround_sensitivity": 4.4, "gain": 54.57, "low_pass": 48.87, "stages": 31.5,
        "high_pass_strength": 0.73, "high_pass": 32.27, "delay": 3.5, "surround_delay": 7.52,
        "half_contrast": 0.0, "mean_rate": 30.42,
    },
    "M": {
        "center_radius": 0.10, "surround_radius": 0.72, "center_sensitivity": 148.0,
        "surround_sensitivity": 1.1, "gain": 499.77, "low_pass": 42.53, "stages": 25.5,
        "high_pass_strength": 1.0, "high_pass": 44.96, "delay": 2.33, "surround_delay": 0.0,
        "half_contrast": 0.048, "mean_rate": 31.25,
    },
}  # fmt: skip


@final
@dataclass(frozen=True)
class Retina(Value):
    r"""ON and OFF cells with a field in degrees, a temporal cascade, and contrast gain control.

    :meth:`published` returns the medians of P or of M cells. The drive is a rate (Hz): use it with
    ``PoissonCode(gain=1)`` or another code of gain 1, and a sufficient ``max_rate``.

    Parameters
    ----------
    pixels_per_degree : float
        Pixels per degree of visual angle, as the stimulus has them.
    center_radius, surround_radius : float
        Radii :math:`r_c, r_s` at which the Gaussians fall to 1/e (deg); the surround's is larger.
    center_sensitivity, surround_sensitivity : float
        Peaks :math:`k_c, k_s` of the Gaussians. Only their ratio matters; ``gain`` sets the rate.
    gain : float
        :math:`A` (Hz per unit of contrast) of the centre.
    low_pass : float
        :math:`N_L \tau_L`, the delay of the low-pass stages (ms).
    stages : float
        Number :math:`N_L` of low-pass stages, 1 or more; need not be whole.
    high_pass_strength : float
        :math:`H_S`, 0 to 1.
    high_pass : float
        :math:`\tau_S` (ms); with gain control, :math:`T_0`, that at contrast 0.
    delay : float
        :math:`D` (ms).
    surround_delay : float
        Additional delay of the surround (ms).
    half_contrast : float
        :math:`C_{1/2}`: at this contrast :math:`\tau_S` is half of :math:`T_0`. 0 for no gain
        control.
    mean_rate : float
        Rate at mean grey (Hz).
    step : float
        Time over which a rate is constant (ms). A frame need not be a whole number of steps.

    Raises
    ------
    SpecError
        If a value is out of range.

    Notes
    -----
    The field is :math:`k_c e^{-(r/r_c)^2} - k_s e^{-(r/r_s)^2}`, integrated exactly over
    each pixel, a square of one luminance. Centre and surround pass

    .. math:: H(\omega) = A\, e^{-i\omega D} \Bigl(1 - \frac{H_S}{1 + i\omega\tau_S}\Bigr)
        \Bigl(\frac{1}{1 + i\omega\tau_L}\Bigr)^{N_L},

    the surround with a weight of :math:`k_s r_s^2 / k_c r_c^2`. With gain control
    :math:`\tau_S = T_0 / (1 + (c / C_{1/2})^2)`, where c is the contrast at the cell: the square
    root of twice the mean square, over the trial, of the luminance in the centre. For a sinusoid
    that is its Michelson contrast. It applies from the trial's beginning, as for the steady
    contrasts to which the cascade was fitted.

    With an :math:`H_S` of 1 the response to a slow stimulus is proportional to :math:`c\,\tau_S`:
    above :math:`C_{1/2}` it decreases with contrast. This is an extrapolation of the published
    formula; check :meth:`transfer` before you show an M cell a slow grating of high contrast.

    The rates are :math:`\max(m + r, 0)` of ON and :math:`\max(m - r, 0)` of OFF cells, with the
    mean rate m. Before a trial the screen is mean grey.

    References
    ----------
    Croner LJ, Kaplan E (1995) Receptive fields of P and M ganglion cells across the primate
    retina. Vision Res 35:7-24. doi:10.1016/0042-6989(94)E0066-T.
    Benardete EA, Kaplan E (1997) The receptive field of the primate P retinal ganglion cell, I:
    linear dynamics. Vis Neurosci 14:169-185.
    Benardete EA, Kaplan E (1999) The dynamics of primate M retinal ganglion cells. Vis Neurosci
    16:355-368.
    """

    pixels_per_degree: Number = 16.0
    center_radius: Degrees = _PUBLISHED["P"]["center_radius"]
    surround_radius: Degrees = _PUBLISHED["P"]["surround_radius"]
    center_sensitivity: Number = _PUBLISHED["P"]["center_sensitivity"]
    surround_sensitivity: Number = _PUBLISHED["P"]["surround_sensitivity"]
    gain: Hertz = _PUBLISHED["P"]["gain"]
    low_pass: Milliseconds = _PUBLISHED["P"]["low_pass"]
    stages: Number = _PUBLISHED["P"]["stages"]
    high_pass_strength: Number = _PUBLISHED["P"]["high_pass_strength"]
    high_pass: Milliseconds = _PUBLISHED["P"]["high_pass"]
    delay: Milliseconds = _PUBLISHED["P"]["delay"]
    surround_delay: Milliseconds = _PUBLISHED["P"]["surround_delay"]
    half_contrast: Number = _PUBLISHED["P"]["half_contrast"]
    mean_rate: Hertz = _PUBLISHED["P"]["mean_rate"]
    step: Milliseconds = 1.0
    kind: Literal["retina"] = field(default="retina", kw_only=True)

    def __post_init__(self) -> None:
        where = "encoding.lgn"
        above: tuple[tuple[str, tuple[str, ...]], ...] = (
            ("1", ("pixels_per_degree", "center_sensitivity")),
            ("deg", ("center_radius", "surround_radius")),
            ("Hz", ("gain",)),
            ("ms", ("low_pass", "high_pass", "step")),
        )
        for unit, names in above:
            set_numbers(self, where, unit, *names, positive=True)
        set_numbers(
            self, where, "1",
            "stages", "surround_sensitivity", "high_pass_strength", "half_contrast",
        )  # fmt: skip
        set_numbers(self, where, "ms", "delay", "surround_delay")
        set_numbers(self, where, "Hz", "mean_rate")
        if self.surround_radius <= self.center_radius:
            raise SpecError(
                f"the surround ({self.surround_radius:g} deg) must be wider than the centre "
                f"({self.center_radius:g} deg); enlarge surround_radius",
                where=f"{where}.surround_radius",
            )
        if self.stages < 1 or self.high_pass_strength > 1:
            name, span = (
                ("stages", "1 or more") if self.stages < 1 else ("high_pass_strength", "0 to 1")
            )
            raise SpecError(
                f"{getattr(self, name):g} is out of range; write {span}", where=f"{where}.{name}"
            )

    @classmethod
    def published(cls, cell: Literal["P", "M"], **changes: Any) -> Self:
        """Medians of the P cells or of the M cells.

        Parameters
        ----------
        cell : {"P", "M"}
        **changes
            Fields with another value, such as ``pixels_per_degree``.

        Raises
        ------
        SpecError
            If there is no such cell, or a value is out of range.
        """
        if cell not in _PUBLISHED:
            raise SpecError(not_one_of(cell, tuple(_PUBLISHED)), where="Retina.published")
        return cls(**{**_PUBLISHED[cell], **changes})

    @property
    def surround_weight(self) -> float:
        """Volume of the surround divided by that of the centre."""
        surround = self.surround_sensitivity * self.surround_radius**2
        return surround / (self.center_sensitivity * self.center_radius**2)

    @property
    def margin(self) -> int:
        """Pixels a frame must have beyond the cells on each side."""
        return self._reach(self.surround_radius)

    def spatial_gain(self, frequency: Cycles) -> Array:
        """Response to a grating, divided by that of the centre to a uniform field.

        Parameters
        ----------
        frequency : array
            Cycles per deg.

        Returns
        -------
        array
            ``exp(-(pi r_c f)^2) - w exp(-(pi r_s f)^2)``, with the weight w of the surround.
        """
        f = plain_array(frequency, "1", where="frequency")
        center, surround = (
            np.exp(-((np.pi * radius * f) ** 2))
            for radius in (self.center_radius, self.surround_radius)
        )
        return np.asarray(center - self.surround_weight * surround)

    def transfer(self, frequency: Frequencies, contrast: Number = 0.0) -> NDArray[np.complex128]:
        """Transfer function of the centre, H(2 pi f).

        Parameters
        ----------
        frequency : array
            Hz.
        contrast : float
            Contrast of the stimulus, for the gain control.

        Returns
        -------
        complex array
            Hz per unit of contrast.
        """
        omega = 2 * np.pi * plain_array(frequency, "Hz", where="frequency") / 1000.0
        tau = self._time_constant(np.asarray(plain(contrast, "1", where="contrast")))
        high = 1 - self.high_pass_strength / (1 + 1j * omega * tau)
        low = (1 + 1j * omega * self.low_pass / self.stages) ** -self.stages
        return np.asarray(self.gain * np.exp(-1j * omega * self.delay) * high * low)

    def drive(
        self, frames: Annotated[np.ndarray, In("1")], duration: Milliseconds | None = None
    ) -> np.ndarray:
        """Rates of the ON and the OFF cells.

        Parameters
        ----------
        frames : numpy.ndarray
            (n, rows + 2 margin, columns + 2 margin), contrast units.
        duration : float
            Duration of all frames together (ms). Required, since the cells respond over time.

        Returns
        -------
        numpy.ndarray
            (steps, 2, rows, columns), Hz; ON at index 0, OFF at index 1. Each of the steps lasts
            ``duration / steps``, which is ``step`` or a little less.

        Raises
        ------
        SpecError
            If the frames are not larger than the margins, or there is no duration.
        """
        shown = plain_array(frames, "1", where="frames")
        if duration is None:
            raise SpecError(
                "a retina needs the duration of the frames; a caller without one works with LGN"
                " and "
                "Pixels only",
                where="encoding.lgn",
            )
        length = plain(duration, "ms", where="duration")
        if shown.ndim != 3 or min(shown.shape[1:]) <= 2 * self.margin or length <= 0:
            raise SpecError(
                f"frames of shape {shown.shape} over {length:g} ms leave no cell; give (n, rows, "
                f"columns) with more than {2 * self.margin} rows and columns, twice the margin",
                where="encoding.lgn",
            )
        steps = max(math.ceil(length / self.step - 1e-9), len(shown))
        # Step k belongs to the frame that contains the step's middle.
        frame = ((np.arange(steps) + 0.5) * len(shown) / steps).astype(np.int64)
        center, surround = (
            self._smooth(shown, radius)[frame]
            for radius in (self.center_radius, self.surround_radius)
        )
        width = length / steps
        tau = self._time_constant(np.sqrt(2.0 * (center**2).mean(axis=0)))
        response = self._followed(center, tau, width, self.delay)
        response -= self.surround_weight * self._followed(
            surround, tau, width, self.delay + self.surround_delay
        )
        response *= self.gain
        return np.maximum(
            np.stack([self.mean_rate + response, self.mean_rate - response], axis=1), 0.0
        )

    def _time_constant(self, contrast: Array) -> Array:
        """Time constant of the high-pass stage at a contrast, ms."""
        if self.half_contrast == 0:
            return np.full(np.shape(contrast), self.high_pass)
        return np.asarray(self.high_pass / (1 + (contrast / self.half_contrast) ** 2))

    def _followed(self, light: Array, tau: Array, width: float, delay: float) -> Array:
        """High-pass and low-pass stages of luminance (steps, rows, columns), constant per step."""
        high = np.empty_like(light)
        state = np.zeros(light.shape[1:])
        decay = np.exp(-width / tau)
        # After a jump of luminance the stage decays, in M cells within a step. Its mean over the
        # step stands at the centre of what decays: part of it at the middle of the step before.
        mean = tau / width * (1 - decay)
        here = 0.5 + tau / width - decay / (1 - decay)
        for k, now in enumerate(light):
            fall = self.high_pass_strength * (now - state) * mean
            high[k] = (1 - self.high_pass_strength) * now + fall * (here if k else 1.0)
            if k:
                high[k - 1] += fall * (1 - here)
            state = now + (state - now) * decay
        kernel = self._kernel(width, delay, len(light))
        filtered = scipy.signal.fftconvolve(high, kernel[:, None, None], axes=0)
        return np.asarray(filtered[: len(light)])

    def _kernel(self, width: float, delay: float, steps: int) -> Array:
        """Weights of the steps before for the low-pass response at the middle of a step.

        The impulse response of N stages is the density of a gamma distribution, also for an N that
        is not whole; its integrals over the steps are exact.
        """
        tau = self.low_pass / self.stages
        longest = delay + tau * scipy.special.gammaincinv(self.stages, 1 - _TAIL)
        number = min(steps, math.ceil(longest / width) + 1)
        ends = (np.arange(number + 1) - 0.5) * width - delay
        grown = scipy.special.gammainc(self.stages, np.maximum(ends, 0.0) / tau)
        return np.diff(grown)

    def _reach(self, radius: float) -> int:
        return math.ceil(_REACH * radius * self.pixels_per_degree)

    def _weights(self, radius: float) -> Array:
        """Integral of a Gaussian over each pixel of a row."""
        edges = np.arange(-self._reach(radius), self._reach(radius) + 2) - 0.5
        share = np.diff(scipy.special.erf(edges / (radius * self.pixels_per_degree)))
        return np.asarray(share / share.sum())

    def _smooth(self, images: Array, radius: float) -> Array:
        """Gaussian of the last two axes, at the cells."""
        weights, crop = self._weights(radius), self.margin
        rows = ndimage.correlate1d(images, weights, axis=1, mode="constant")[:, crop:-crop]
        both = ndimage.correlate1d(rows, weights, axis=2, mode="constant")
        return np.asarray(both[:, :, crop:-crop])
