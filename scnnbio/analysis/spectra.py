"""Spectra of small images: where they peak, and how they are tuned to orientation.

See :mod:`scnnbio.analysis.receptive_fields` for the axes.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Annotated

import numpy as np
from numpy.typing import ArrayLike, NDArray

from scnnbio.units import In, plain_array

Array = NDArray[np.float64]

#: Images or kernels: plain numbers, NaN for a missing one.
Images = Annotated[ArrayLike, In("1", finite=False)]

#: Orientations on the ring at which a kernel's tuning is sampled, over 180 deg.
_RING = 72
#: Radii of the polar grid on which the peak is first sought.
_RADII = 40


def spectral_peak(images: Images) -> tuple[Array, Array]:
    """Spatial frequency and direction at which the spectrum of each image is largest.

    The spectrum is evaluated on a polar grid and refined about its peak to a thousandth of a
    cycle per pixel. Frequencies below half a cycle over the image are left out: a grating that
    does not vary within the image has no orientation there.

    Parameters
    ----------
    images : array, shape (images, rows, columns)

    Returns
    -------
    frequency : array, shape (images,)
        Cycles per pixel; NaN for an image that is zero everywhere.
    theta : array, shape (images,)
        Direction of the carrier, deg from 0 to 180.
    """
    stack = plain_array(images, "1", where="images", finite=False)
    lowest = 0.5 / max(stack.shape[1:])
    f, theta = _polar(stack.shape[1:])
    waves = _waves_on_polar(stack.shape[1:])
    best = np.abs(_transform(stack, waves)).argmax(axis=1)
    frequency, direction = f[best], theta[best]
    step = np.array([(0.5 - lowest) / (_RADII - 1), 180.0 / _RING])
    offsets = np.linspace(-1.0, 1.0, 5)
    for _ in range(6):  # each halves the step
        near_f, near_t = (g.ravel() for g in np.meshgrid(offsets * step[0], offsets * step[1]))
        for i, image in enumerate(stack):
            f = np.clip(frequency[i] + near_f, lowest, 0.5)
            theta = direction[i] + near_t
            best_here = np.abs(_spectrum(image[None], f, theta)).argmax()
            frequency[i], direction[i] = f[best_here], theta[best_here]
        step /= 2
    silent = ~np.any(stack, axis=(1, 2))
    frequency[silent], direction[silent] = np.nan, np.nan
    return frequency, direction % 180.0


def kernel_tuning(
    images: Images, frequency: Annotated[ArrayLike, In("1", finite=False)]
) -> tuple[Array, Array]:
    """Response of each image to gratings of its own frequency, each at its best phase.

    The amplitude is that of the image's Fourier transform, on a ring.

    Parameters
    ----------
    images : array, shape (images, rows, columns)
    frequency : array, shape (images,)
        Cycles per pixel.

    Returns
    -------
    amplitude : array, shape (images, 72)
    orientation : array, shape (72,)
        Of the grating's bars, deg.
    """
    stack = plain_array(images, "1", where="images", finite=False)
    orientation: Array = np.arange(_RING, dtype=np.float64) * (180.0 / _RING)
    each = np.broadcast_to(plain_array(frequency, "1", where="frequency", finite=False), len(stack))
    rows = [
        np.abs(_spectrum(image[None], np.full(_RING, f), orientation - 90.0))[0]
        for image, f in zip(stack, each, strict=True)
    ]
    return np.array(rows).reshape(len(stack), _RING), orientation


def _polar(shape: tuple[int, ...]) -> tuple[Array, Array]:
    """Frequencies and directions of a polar grid, flat."""
    radius = np.linspace(0.5 / max(shape), 0.5, _RADII)
    angle = np.arange(_RING) * (180.0 / _RING)
    f, theta = np.meshgrid(radius, angle, indexing="ij")
    return np.ravel(f).astype(np.float64), np.ravel(theta).astype(np.float64)


@lru_cache(maxsize=4)  # fits of many kernels of one size ask for it each time
def _waves_on_polar(shape: tuple[int, ...]) -> Array:
    return _waves(shape, *_polar(shape))


def _waves(shape: tuple[int, ...], frequency: Array, theta: Array) -> Array:
    """Real and imaginary parts of plane waves at m places: (2, pixels, m)."""
    x, y = pixel_grid(shape)
    angle = np.deg2rad(theta)
    phase = np.outer(x, frequency * np.cos(angle)) + np.outer(y, frequency * np.sin(angle))
    waves = np.exp(-2j * np.pi * phase)
    return np.stack([waves.real, waves.imag])


def _spectrum(stack: Array, frequency: Array, theta: Array) -> NDArray[np.complex128]:
    """Fourier transform of images (n, rows, columns) at m places: (n, m)."""
    return _transform(stack, _waves(stack.shape[1:], frequency, theta))


def _transform(stack: Array, waves: Array) -> NDArray[np.complex128]:
    # Not by matmul: the products are small, and the threads that a BLAS starts for each wait on
    # one another for up to 20 ms where the cores are busy. Images are real: each part by itself
    # takes a fifth of the time of complex numbers, to the same bits.
    flat = stack.reshape(len(stack), -1)
    real, imaginary = (np.einsum("np,pm->nm", flat, part) for part in waves)
    return np.asarray(real + 1j * imaginary)


def pixel_grid(shape: tuple[int, ...]) -> tuple[Array, Array]:
    """Flat x and y of the pixels, 0 at the centre, y up."""
    rows, columns = shape
    x = np.arange(columns) - (columns - 1) / 2
    y = (rows - 1) / 2 - np.arange(rows)
    return np.tile(x, rows), np.repeat(y, columns)
