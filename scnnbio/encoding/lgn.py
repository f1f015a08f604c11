"""Cells of the lateral geniculate nucleus: difference of Gaussians and contrast normalisation."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import Annotated, final

import numpy as np
from scipy import ndimage

from scnnbio.encoding.checks import set_numbers
from scnnbio.errors import SpecError
from scnnbio.stimuli.base import Separated
from scnnbio.units import In, Number, plain_array
from scnnbio.values import Value

#: Response of a filter, relative to the brightest pixel, below which it is a rounding error.
_ROUNDING = 1e-12
#: Ratio of pooled products to the square of c50 up to which their sum is exact enough beside it.
_CANCELS = 1e6
#: Pixels beyond the cells on each side: one frame with more would take gigabytes.
_MOST_MARGIN = 10_000


@final
@dataclass(frozen=True)
class LGN(Value):
    r"""ON and OFF cells: a difference of Gaussians, divided by the local contrast, rectified.

    Parameters
    ----------
    sigma_center, sigma_surround : float
        Standard deviations of the Gaussians (pixels); the surround's is the greater.
    normalisation_sigma : float
        Standard deviation of the neighbourhood whose contrast divides a response (pixels); 0
        leaves the response undivided.
    c50 : float
        Local contrast of the filtered picture above which division reduces the response (contrast
        units).
    truncate : float
        Radius at which all Gaussians end (standard deviations, rounded up to whole pixels).
    rectified : bool
        Whether a response of the other sign is cut to no drive. If not, it is a drive below 0, and
        a Poisson code takes the rate below the spontaneous one, down to 0: light then silences an
        OFF cell as it excites an ON cell, which is what a push-pull circuit reads. A latency code
        leaves both silent.

    Raises
    ------
    SpecError
        If a value is out of range, or the Gaussians reach over more pixels than a frame can have.

    Notes
    -----
    Each Gaussian is sampled at whole pixels, ended at ``truncate`` standard deviations and given
    unit sum, so that a uniform field gives exactly 0. With the frame :math:`I`, and :math:`*` for
    convolution,

    .. math::
        d = (G_c - G_s) * I, \qquad
        r = \frac{d}{\sqrt{G_n * d^2 + c_{50}^2}}, \qquad
        \mathrm{ON} = \max(r, 0), \quad \mathrm{OFF} = \max(-r, 0).

    Without rectification ON = r and OFF = -r.

    A sinusoid of frequency f (cycles/pixel) is filtered with gain
    :math:`e^{-2\pi^2\sigma_c^2 f^2} - e^{-2\pi^2\sigma_s^2 f^2}`.

    References
    ----------
    Rodieck RW (1965) Quantitative analysis of cat retinal ganglion cell response to visual
    stimuli. Vision Res 5:583-601.
    Carandini M, Heeger DJ (2012) Normalization as a canonical neural computation. Nat Rev Neurosci
    13:51-62.
    """

    sigma_center: Number = 1.0
    sigma_surround: Number = 2.0
    normalisation_sigma: Number = 2.0
    c50: Number = 0.05
    truncate: Number = 3.0
    rectified: bool = True

    def __post_init__(self) -> None:
        where = "encoding.lgn"
        set_numbers(self, where, "1", "sigma_center", "sigma_surround", "truncate", positive=True)
        set_numbers(self, where, "1", "normalisation_sigma", "c50")
        if self.sigma_surround <= self.sigma_center:
            raise SpecError(
                f"the surround ({self.sigma_surround:g}) must be wider than the centre "
                f"({self.sigma_center:g}); enlarge sigma_surround",
                where=f"{where}.sigma_surround",
            )
        if self.normalisation_sigma > 0 and self.c50 == 0:
            raise SpecError(
                "a uniform field would be divided by 0; give a c50 above 0, or normalisation_sigma "
                "0 for none",
                where=f"{where}.c50",
            )

        if not isinstance(self.rectified, bool):
            raise SpecError(f"{self.rectified!r} is not true or false", where=f"{where}.rectified")
        # In floating point, where the largest numbers have no whole one.
        reach = self.truncate * (self.sigma_surround + self.normalisation_sigma)
        if reach > _MOST_MARGIN:
            raise SpecError(
                f"the Gaussians reach over {reach:.3g} pixels on each side, and frames are"
                f" made for {_MOST_MARGIN} at most; lower sigma_surround ({self.sigma_surround:g}),"
                f" normalisation_sigma ({self.normalisation_sigma:g}) or truncate"
                f" ({self.truncate:g})",
                where=where,
            )

    def __repr__(self) -> str:
        """The fields that are not at their defaults."""
        given = ((f.name, getattr(self, f.name), f.default) for f in fields(self))
        return f"LGN({', '.join(f'{name}={v!r}' for name, v, usual in given if v != usual)})"

    @property
    def margin(self) -> int:
        """Pixels that a frame needs beyond the cells on each side, so that cells see no border."""
        margin = self._radius(self.sigma_surround)
        if self.normalisation_sigma > 0:
            margin += self._radius(self.normalisation_sigma)
        return margin

    def drive(self, frames: Annotated[np.ndarray, In("1")]) -> np.ndarray:
        """Drive of the ON and the OFF cells.

        Parameters
        ----------
        frames : numpy.ndarray
            (n, rows + 2 margin, columns + 2 margin), contrast units.

        Returns
        -------
        numpy.ndarray
            (n, 2, rows, columns), 0 or more if rectified, else signed; ON at index 0, OFF at 1.

        Raises
        ------
        SpecError
            If the frames are not larger than the margins.
        """
        frames = plain_array(frames, "1", where="frames")
        if frames.ndim != 3 or min(frames.shape[1:]) <= 2 * self.margin:
            raise SpecError(
                f"frames of shape {frames.shape} leave no cell; give (n, rows, columns) with more "
                f"than {2 * self.margin} rows and columns, twice the margin",
                where="encoding.lgn",
            )
        response = self._difference(frames)
        brightest = np.maximum(
            frames.max(axis=(1, 2), keepdims=True), -frames.min(axis=(1, 2), keepdims=True)
        )
        _without_rounding(response, brightest)
        if self.normalisation_sigma > 0:
            response = self._divided(self._cells(response), self._pooled(response**2))
        return self._halves(response)

    def drive_of(self, shown: Separated) -> np.ndarray:
        """Drive by frames that are a sum of few pictures, which are filtered instead of the frames.

        Parameters
        ----------
        shown : Separated

        Returns
        -------
        numpy.ndarray
            What :meth:`drive` returns for the frames, but for rounding errors.
        """
        parts = self._difference(shown.pictures)
        largest = np.abs(shown.pictures).max(axis=(1, 2), initial=0.0)
        brightest = (np.abs(shown.strengths) @ largest)[:, None, None]
        if self.normalisation_sigma == 0:
            response = _sum(shown.strengths, parts)
            _without_rounding(response, brightest)
            return self._halves(response)
        # The square of a sum is the sum of all products of two.
        one, other = np.triu_indices(len(parts))
        products = self._pooled(parts[one] * parts[other])
        if np.abs(products).max(initial=0.0) > _CANCELS * self.c50**2:
            # Products of opposite signs could lose the digits that count beside c50.
            response = _sum(shown.strengths, parts)
            _without_rounding(response, brightest)
            return self._halves(self._divided(self._cells(response), self._pooled(response**2)))
        response = _sum(shown.strengths, self._cells(parts))
        _without_rounding(response, brightest)
        twice = np.where(one == other, 1.0, 2.0)
        energy = _sum(twice * shown.strengths[:, one] * shown.strengths[:, other], products)
        return self._halves(self._divided(response, np.maximum(energy, 0.0)))

    def _difference(self, images: np.ndarray) -> np.ndarray:
        """Difference of Gaussians of the last two axes, without the outer margin."""
        outer = self._radius(self.sigma_surround)
        response = self._smooth(images, self.sigma_center, outer)
        response -= self._smooth(images, self.sigma_surround, outer)
        return response

    def _pooled(self, energy: np.ndarray) -> np.ndarray:
        """Mean of squares or products over the neighbourhood of each cell."""
        sigma = self.normalisation_sigma
        return self._smooth(energy, sigma, self._radius(sigma))

    def _cells(self, response: np.ndarray) -> np.ndarray:
        """Response at the cells, without the margin of the neighbourhood."""
        crop = self._radius(self.normalisation_sigma)
        return response[:, crop:-crop, crop:-crop]

    def _divided(self, response: np.ndarray, energy: np.ndarray) -> np.ndarray:
        """Response, divided by the local contrast."""
        divided: np.ndarray = response / np.sqrt(energy + self.c50**2)
        return divided

    def _halves(self, response: np.ndarray) -> np.ndarray:
        """ON and OFF from the response."""
        if not self.rectified:
            return np.stack([response, -response], axis=1)
        return np.stack([np.maximum(response, 0.0), np.maximum(-response, 0.0)], axis=1)

    def kernel(self) -> np.ndarray:
        """Difference of Gaussians in two dimensions: (k, k), sum 0."""
        radius = self._radius(self.sigma_surround)
        center, surround = (
            np.pad(w, radius - len(w) // 2)
            for w in (self._weights(self.sigma_center), self._weights(self.sigma_surround))
        )
        return np.outer(center, center) - np.outer(surround, surround)

    def _radius(self, sigma: float) -> int:
        return math.ceil(self.truncate * sigma)

    def _weights(self, sigma: float) -> np.ndarray:
        radius = self._radius(sigma)
        weights = np.exp(-0.5 * (np.arange(-radius, radius + 1) / sigma) ** 2)
        normed: np.ndarray = weights / weights.sum()
        return normed

    def _smooth(self, images: np.ndarray, sigma: float, crop: int) -> np.ndarray:
        """Gaussian of the last two axes, without ``crop`` pixels on each side."""
        weights = self._weights(sigma)
        # Mode "constant" affects only the cropped border. Rows first, which leaves fewer for
        # columns.
        rows = ndimage.correlate1d(images, weights, axis=1, mode="constant")[:, crop:-crop]
        both = ndimage.correlate1d(rows, weights, axis=2, mode="constant")
        inside: np.ndarray = both[:, :, crop:-crop]
        return inside


def _without_rounding(response: np.ndarray, brightest: np.ndarray) -> None:
    """Set rounding errors to 0: of uniform grey they are 1e-17, which a latency code would rank."""
    response[np.abs(response) <= _ROUNDING * brightest] = 0.0


def _sum(strengths: np.ndarray, pictures: np.ndarray) -> np.ndarray:
    """Sum of pictures by their strengths in each frame: (n_frames, rows, columns)."""
    total: np.ndarray = np.tensordot(strengths, pictures, axes=1)
    return total
