"""Shape of receptive fields: Gabor fits, and orientation tuning of a kernel.

Orientations are stated once, here, for the whole package. An image has x to the right and y UP
(against the row index), both 0 at its centre, in pixels. ``theta`` is the direction along which a
carrier varies, in degrees counter-clockwise from x; ``orientation`` is that of its bars, which run
at right angles to it: ``orientation = theta + 90``, both from 0 to 180. Horizontal bars have
orientation 0, vertical bars 90.
"""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from scnnbio.analysis.gabor import GaborFit, Progress, fit_gabor, fit_gabors, gabor
from scnnbio.analysis.spectra import Images, kernel_tuning, spectral_peak
from scnnbio.analysis.tuning import circular_variance
from scnnbio.errors import DataError, SpecError, unwritable
from scnnbio.files import write_atomically
from scnnbio.units import plain_array

__all__ = [
    "GaborFit",
    "KernelMeasures",
    "at_best_lag",
    "best_lag",
    "fit_gabor",
    "fit_gabors",
    "gabor",
    "kernel_tuning",
    "measure_kernels",
    "on_minus_off",
    "spectral_peak",
]

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class KernelMeasures:
    """Measures of kernels, one row a map; NaN where a kernel has none, as one of zeros.

    Parameters
    ----------
    orientation : array, shape (maps,)
        Preferred orientation of the bars, deg from 0 to 180, at the spectrum's peak.
    spatial_frequency : array, shape (maps,)
        Preferred spatial frequency, cycles per pixel, at the spectrum's peak.
    circular_variance : array, shape (maps,)
        0 for one orientation alone, 1 for none preferred; at the preferred frequency.
    r_squared, n_x, n_y : array, shape (maps,)
        Of the Gabor fit.
    amplitude, x0, y0, sigma_x, sigma_y, theta, frequency, phase : array, shape (maps,)
        The Gabor fit, see :class:`GaborFit`.
    """

    orientation: Array
    spatial_frequency: Array
    circular_variance: Array
    r_squared: Array
    n_x: Array
    n_y: Array
    amplitude: Array
    x0: Array
    y0: Array
    sigma_x: Array
    sigma_y: Array
    theta: Array
    frequency: Array
    phase: Array

    def __len__(self) -> int:
        return len(self.orientation)

    def columns(self) -> dict[str, Array]:
        """Columns by name, in order."""
        return {column.name: getattr(self, column.name) for column in fields(self)}

    def to_rows(self) -> list[dict[str, float]]:
        """One mapping a map, with its number as ``map``."""
        columns = {name: values.tolist() for name, values in self.columns().items()}
        return [
            {"map": row, **{name: values[row] for name, values in columns.items()}}
            for row in range(len(self))
        ]

    def fit(self, row: int) -> GaborFit:
        """Gabor fit of map ``row``."""
        return GaborFit(**{f.name: float(getattr(self, f.name)[row]) for f in fields(GaborFit)})

    def to_csv(self, path: str | os.PathLike[str]) -> None:
        """Write as comma-separated text, in which no digit is lost.

        Raises
        ------
        DataError
            If the file cannot be written.
        """
        text = io.StringIO(newline="")
        writer = csv.DictWriter(text, ["map", *self.columns()])
        writer.writeheader()
        writer.writerows(self.to_rows())
        try:
            write_atomically(text.getvalue().encode(), Path(path))
        except OSError as error:
            raise unwritable(error, path) from None

    @classmethod
    def from_csv(cls, path: str | os.PathLike[str]) -> KernelMeasures:
        """Table that :meth:`to_csv` wrote.

        Raises
        ------
        DataError
            If the file is missing, a column is missing, or a number is not one.
        """
        try:
            with Path(path).open(newline="", encoding="utf-8") as file:
                rows = list(csv.DictReader(file))
            return cls.from_rows(rows)
        except OSError as error:
            raise DataError(f"cannot be read ({error.strerror})", where=str(path)) from None
        except (KeyError, ValueError, TypeError) as error:
            raise DataError(
                f"is not a table of kernel measures ({error}); remove it, and measure again",
                where=str(path),
            ) from None

    @classmethod
    def from_rows(cls, rows: list[dict[str, str]] | list[dict[str, float]]) -> KernelMeasures:
        """Table of :meth:`to_rows`."""
        names = [column.name for column in fields(cls)]
        return cls(**{name: np.array([float(row[name]) for row in rows]) for name in names})


def on_minus_off(kernel: Images, where: str) -> Array:
    """Difference of a kernel's weights from ON and OFF cells.

    Parameters
    ----------
    kernel : array, shape (maps, 2, rows, columns) or (maps, 2, rows, columns, lags)
        With one channel in place of two, that is taken as it stands.
    where : str
        Who asks, for the error.

    Returns
    -------
    array, shape (maps, rows, columns) or (maps, rows, columns, lags)

    Raises
    ------
    SpecError
        If the kernel has another shape, or is not finite.
    """
    weights = plain_array(kernel, "1", where=where, finite=False)
    right = weights.ndim in (4, 5) and weights.shape[1] in (1, 2) and weights.size
    if not right or not np.isfinite(weights).all():
        raise SpecError(
            "a finite kernel of shape (maps, 2, rows, columns), or with a last axis of lags, is"
            f" needed, not {weights.shape}",
            where=where,
        )
    return weights[:, 0] - weights[:, 1] if weights.shape[1] == 2 else weights[:, 0]


def best_lag(images: Images) -> NDArray[np.int64]:
    """Lag at which each map's image has the largest sum of squares.

    The spatial receptive field of a kernel in space and time is taken there, as that of a cell is
    at the delay of its best correlation with the stimulus.

    Parameters
    ----------
    images : array, shape (maps, rows, columns) or (maps, rows, columns, lags)
        Without lags all are at 0.

    Returns
    -------
    numpy.ndarray
        Indices of lags, shape (maps,).

    References
    ----------
    DeAngelis, Ohzawa & Freeman 1993, J Neurophysiol 69:1091.
    """
    images = plain_array(images, "1", where="images", finite=False)
    series = images if images.ndim == 4 else images[..., None]
    return np.asarray((series**2).sum(axis=(1, 2)).argmax(axis=-1))


def at_best_lag(images: Images) -> Array:
    """Each map's image at its :func:`best_lag`.

    Parameters
    ----------
    images : array, shape (maps, rows, columns) or (maps, rows, columns, lags)
        Without lags all are returned as they are.

    Returns
    -------
    numpy.ndarray
        Shape (maps, rows, columns).
    """
    images = plain_array(images, "1", where="images", finite=False)
    if images.ndim == 3:
        return images
    return images[np.arange(len(images)), :, :, best_lag(images)]


def measure_kernels(kernel: Images, progress: Progress | None = None) -> KernelMeasures:
    """Gabor fit and orientation tuning of each map of a kernel.

    Parameters
    ----------
    kernel : array, shape (maps, 2, rows, columns) or (maps, 2, rows, columns, lags)
        Weights from ON and OFF cells; their difference is measured, with lags at each map's
        :func:`best_lag`. One channel in place of two is measured as it stands.
    progress : callable, optional
        Called with how many maps are done and how many there are.

    Returns
    -------
    KernelMeasures

    Raises
    ------
    SpecError
        If the kernel has another shape, or is not finite.
    """
    images = at_best_lag(on_minus_off(kernel, "measure_kernels"))
    frequency, theta = spectral_peak(images)
    amplitude, orientation = kernel_tuning(images, frequency)
    fits = fit_gabors(images, progress)
    columns: Mapping[str, Array] = {
        f.name: np.array([getattr(fit, f.name) for fit in fits], dtype=np.float64)
        for f in fields(GaborFit)
    }
    return KernelMeasures(
        orientation=(theta + 90.0) % 180.0,
        spatial_frequency=frequency,
        circular_variance=circular_variance(amplitude, orientation),
        n_x=columns["sigma_x"] * columns["frequency"],
        n_y=columns["sigma_y"] * columns["frequency"],
        **columns,
    )
