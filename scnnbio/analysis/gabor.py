"""Gabor functions and their fits; see :mod:`scnnbio.analysis.receptive_fields` for the axes."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import NDArray

from scnnbio.analysis.spectra import Images, pixel_grid, spectral_peak
from scnnbio.errors import SpecError
from scnnbio.units import Degrees, Number, plain, plain_array

Array = NDArray[np.float64]
Progress = Callable[[int, int], None]

#: Tolerances: coarse fits from every start, then a fine fit from the best of them.
_LOOSE = {"ftol": 1e-3, "xtol": 1e-3, "gtol": 1e-3, "max_nfev": 25}
_TIGHT = {"ftol": 1e-9, "xtol": 1e-9, "gtol": 1e-9, "max_nfev": 300}


@dataclass(frozen=True)
class GaborFit:
    """Gabor function fitted to an image, with its goodness of fit.

    The image at (x, y) is ``amplitude * exp(-u**2 / (2 sigma_x**2) - v**2 / (2 sigma_y**2)) *
    cos(2 pi frequency u + phase)``, where u is the distance from (x0, y0) along ``theta`` and v
    that across it. There is no constant offset.

    Parameters
    ----------
    amplitude : float
        Not negative; the sign is in the phase.
    x0, y0 : float
        Centre in pixels from the image's centre, y up.
    sigma_x, sigma_y : float
        Pixels along and across the carrier.
    theta : float
        Direction of the carrier, deg from 0 to 180.
    frequency : float
        Cycles per pixel.
    phase : float
        deg, from -180 to 180.
    r_squared : float
        1 - (residual sum of squares) / (sum of squares about the mean).
    """

    amplitude: float
    x0: float
    y0: float
    sigma_x: float
    sigma_y: float
    theta: float
    frequency: float
    phase: float
    r_squared: float

    @property
    def n_x(self) -> float:
        """Width along the carrier in cycles: sigma_x * frequency."""
        return self.sigma_x * self.frequency

    @property
    def n_y(self) -> float:
        """Length across the carrier in cycles: sigma_y * frequency."""
        return self.sigma_y * self.frequency

    @property
    def orientation(self) -> float:
        """Orientation of the bars, deg from 0 to 180."""
        return (self.theta + 90.0) % 180.0

    def image(self, shape: tuple[int, int]) -> Array:
        """Draw the function on an image of ``shape`` (rows, columns)."""
        if np.isnan(dataclasses.astuple(self)[:-1]).any():  # r_squared is the last
            return np.full(shape, np.nan)  # no fit
        return gabor(
            shape, x0=self.x0, y0=self.y0, sigma_x=self.sigma_x, sigma_y=self.sigma_y,
            theta=self.theta, frequency=self.frequency, phase=self.phase,
            amplitude=self.amplitude,
        )  # fmt: skip


def gabor(
    shape: tuple[int, int],
    *,
    sigma_x: Number,
    sigma_y: Number,
    theta: Degrees,
    frequency: Number,
    phase: Degrees = 0.0,
    x0: Number = 0.0,
    y0: Number = 0.0,
    amplitude: Number = 1.0,
) -> Array:
    """Gabor function on an image of ``shape`` (rows, columns); see :class:`GaborFit`."""
    sigma_x, sigma_y = (plain(s, "1", where="gabor.sigma") for s in (sigma_x, sigma_y))
    theta, phase = (plain(a, "deg", where="gabor") for a in (theta, phase))
    frequency, amplitude, x0, y0 = (
        plain(v, "1", where="gabor") for v in (frequency, amplitude, x0, y0)
    )
    x, y = pixel_grid(shape)
    angle = np.deg2rad(theta)
    u = (x - x0) * np.cos(angle) + (y - y0) * np.sin(angle)
    v = (y - y0) * np.cos(angle) - (x - x0) * np.sin(angle)
    envelope = np.exp(-(u**2) / (2 * sigma_x**2) - v**2 / (2 * sigma_y**2))
    carrier = np.cos(2 * np.pi * frequency * u + np.deg2rad(phase))
    return np.asarray(amplitude * envelope * carrier).reshape(shape)


def fit_gabor(image: Images, *, start: GaborFit | None = None) -> GaborFit:
    """Least-squares Gabor function of an image.

    Frequencies from a quarter of a cycle over the image (below it a carrier cannot be distinguished
    from none) to half a cycle per pixel, centres within the image, and widths from 0.3 pixels to
    the image's size are searched, from several starts near the peak of the spectrum.

    Parameters
    ----------
    image : array, shape (rows, columns)
    start : GaborFit, optional
        The only start, such as the fit of a similar image; several starts by default.

    Returns
    -------
    GaborFit
        All NaN for a constant image.

    Raises
    ------
    SpecError
        If the image is not of two dimensions with at least 9 pixels, or not finite.

    References
    ----------
    J. P. Jones and L. A. Palmer (1987), J. Neurophysiol. 58, 1233-1258.
    D. L. Ringach (2002), J. Neurophysiol. 88, 455-463, doi:10.1152/jn.2002.88.1.455.
    """
    pixels = plain_array(image, "1", where="image", finite=False)
    if pixels.ndim != 2 or pixels.size < 9 or not np.isfinite(pixels).all():
        raise SpecError(
            f"an image of shape {pixels.shape} with finite values and at least 9 pixels is needed",
            where="fit_gabor",
        )
    total = float(((pixels - pixels.mean()) ** 2).sum())
    scale = float(np.abs(pixels).max())
    if total <= 1e-20 * max(scale, 1e-300) ** 2 * pixels.size:
        return GaborFit(*[np.nan] * 9)
    problem = _Problem(pixels / scale)
    begins = problem.starts() if start is None else [problem.begin(start, scale)]
    loose = [problem.solve(begin, _LOOSE) for begin in begins]
    best = problem.solve(min(loose, key=lambda found: found[1])[0], _TIGHT)
    return problem.fit(best[0], scale, 1.0 - 2.0 * best[1] * scale**2 / total)


def fit_gabors(images: Images, report: Progress | None = None) -> list[GaborFit]:
    """:func:`fit_gabor` of each image.

    Parameters
    ----------
    images : array, shape (images, rows, columns)
    report : callable, optional
        Called with the number of fits done and the number of all.

    Returns
    -------
    list of GaborFit
        In the order of the images.
    """
    stack = plain_array(images, "1", where="images", finite=False)
    fits = []
    for done, image in enumerate(stack, start=1):
        fits.append(fit_gabor(image))
        if report is not None:
            report(done, len(stack))
    return fits


class _Problem:
    """Residuals of a Gabor function in quadrature, with their derivatives.

    The parameters are (a, b, x0, y0, sigma_x, sigma_y, theta, f) of ``envelope * (a cos 2 pi f u +
    b sin 2 pi f u)``: in a and b the sum of squares is quadratic, so that their start is a linear
    fit; in amplitude and phase it would have a minimum per period of the phase.
    """

    def __init__(self, image: Array) -> None:
        self.image = image
        self.pixels = image.ravel()
        self.x, self.y = pixel_grid(image.shape)
        rows, columns = image.shape
        size = max(rows, columns)
        self.f_min = 0.25 / size
        free = np.inf
        self.lower = np.array([-free, -free, -columns / 2, -rows / 2, 0.3, 0.3, -free, self.f_min])
        self.upper = np.array([free, free, columns / 2, rows / 2, size, size, free, 0.5])

    def parts(self, p: Array) -> tuple[Array, ...]:
        _, _, x0, y0, sx, sy, theta, f = p
        cos, sin = np.cos(theta), np.sin(theta)
        dx, dy = self.x - x0, self.y - y0
        u, v = dx * cos + dy * sin, dy * cos - dx * sin
        envelope = np.exp(-0.5 * ((u / sx) ** 2 + (v / sy) ** 2))
        angle = 2 * np.pi * f * u
        return u, v, envelope * np.cos(angle), envelope * np.sin(angle)

    def residuals(self, p: Array) -> Array:
        _, _, even, odd = self.parts(p)
        return np.asarray(p[0] * even + p[1] * odd - self.pixels)

    def jacobian(self, p: Array) -> Array:
        a, b, _, _, sx, sy, theta, f = p
        u, v, even, odd = self.parts(p)
        value = a * even + b * odd
        slope = 2 * np.pi * (b * even - a * odd)  # of the carrier, by f * u
        du = -value * u / sx**2 + slope * f
        dv = -value * v / sy**2
        cos, sin = np.cos(theta), np.sin(theta)
        return np.stack(
            [
                even,
                odd,
                -du * cos + dv * sin,
                -du * sin - dv * cos,
                value * u**2 / sx**3,
                value * v**2 / sy**3,
                du * v - dv * u,
                slope * u,
            ],
            axis=1,
        )

    def starts(self) -> Iterator[Array]:
        """Yield starts near the spectrum's peak, with several frequencies and envelopes."""
        energy = self.pixels**2 / (self.pixels**2).sum()
        x0, y0 = energy @ self.x, energy @ self.y
        spread = energy @ ((self.x - x0) ** 2 + (self.y - y0) ** 2)
        # The square of a Gaussian is narrower by sqrt(2); x and y share one width.
        sigma = float(np.clip(np.sqrt(spread), 0.6, max(self.image.shape) / 2))
        frequency, direction = spectral_peak(self.image[None])
        theta, f = np.deg2rad(direction[0]), float(frequency[0])
        for turn, faster, longer in _STARTS:
            start = np.array(
                [0, 0, x0, y0, sigma / longer, sigma * longer, theta + turn, f * faster]
            )
            start[2:] = np.clip(start[2:], self.lower[2:] + 1e-6, self.upper[2:] - 1e-6)
            _, _, even, odd = self.parts(start)
            design = np.stack([even, odd], axis=1)
            start[:2] = np.linalg.lstsq(design, self.pixels, rcond=None)[0]
            yield start

    def begin(self, fit: GaborFit, scale: float) -> Array:
        """The parameters of a fit, within the bounds of this image."""
        phase, height = np.deg2rad(fit.phase), fit.amplitude / scale
        start = np.array(
            [height * np.cos(phase), -height * np.sin(phase), fit.x0, fit.y0, fit.sigma_x,
             fit.sigma_y, np.deg2rad(fit.theta), fit.frequency]
        )  # fmt: skip
        start[2:] = np.clip(start[2:], self.lower[2:] + 1e-6, self.upper[2:] - 1e-6)
        return start

    def solve(self, start: Array, stop: dict[str, float]) -> tuple[Array, float]:
        found = scipy.optimize.least_squares(
            self.residuals, start, jac=self.jacobian, bounds=(self.lower, self.upper),
            x_scale="jac", **stop,
        )  # fmt: skip
        return found.x, float(found.cost)

    def fit(self, p: Array, scale: float, r_squared: float) -> GaborFit:
        a, b, x0, y0, sx, sy, theta, f = (float(number) for number in p)
        direction = float(np.rad2deg(theta)) % 360.0
        # A carrier turned by 180 deg runs backwards, which inverts its phase.
        backwards = 180.0 <= direction < 360.0
        phase = float(np.rad2deg(np.arctan2(-b, a))) * (-1 if backwards else 1)
        return GaborFit(
            amplitude=scale * float(np.hypot(a, b)),
            x0=x0, y0=y0, sigma_x=sx, sigma_y=sy, theta=direction % 180.0, frequency=f,
            phase=phase, r_squared=r_squared,
        )  # fmt: skip


#: Starts: rotation of the carrier (rad), factor on its frequency, elongation across it.
_STARTS = (
    (0.0, 1.0, 1.0),
    (0.0, 1.0, 1.5),
    (0.0, 0.6, 1.3),
    (0.0, 0.6, 0.7),
    (np.pi / 2, 0.6, 0.7),
    (0.0, 1.5, 1.2),
)
