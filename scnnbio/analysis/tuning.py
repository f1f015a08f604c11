"""Tuning to orientation and direction.

Angles are the last axis, so that many units are measured at once. Undefined values (such as a
silent unit's preferred orientation, or the bandwidth of a curve that never falls) are NaN.
"""

from __future__ import annotations

from typing import Annotated

import numpy as np
import scipy
from numpy.typing import ArrayLike, NDArray

from scnnbio.errors import SpecError
from scnnbio.units import (
    Angles,
    Degrees,
    In,
    Number,
    Rates,
    plain,
    plain_array,
)

Array = NDArray[np.float64]
Frequencies = Annotated[ArrayLike, In("Hz")]

#: Step of the splined curve on which a bandwidth is read, deg.
_FINE = 0.25


def _curves(rates: ArrayLike, angles: ArrayLike, where: str) -> tuple[Array, Array]:
    curves = plain_array(rates, "Hz", where=f"{where}.rates", finite=False)
    axis = plain_array(angles, "deg", where=f"{where}.angles")
    if axis.ndim != 1 or curves.shape[-1:] != axis.shape or not axis.size:
        raise SpecError(
            f"rates {curves.shape} need one value per angle {axis.shape} along the last axis",
            where=where,
        )
    return curves, axis


def _period(angles: Array, where: str) -> float:
    """180 or 360: the turn that equally spaced angles share."""
    steps = np.diff(angles)
    if len(angles) > 2 and np.allclose(steps, steps[0]):
        for turn in (180.0, 360.0):
            if np.isclose(steps[0] * len(angles), turn):
                return turn
    raise SpecError("angles must rise in equal steps through 180 or 360 deg", where=where)


def _resultant(rates: ArrayLike, orientations: ArrayLike, where: str) -> NDArray[np.complex128]:
    """Sum of r exp(2 i angle) over the sum of r; NaN where all are zero."""
    curves, angles = _curves(rates, orientations, where)
    total = curves.sum(axis=-1)
    vector = curves @ np.exp(2j * np.deg2rad(angles))
    safe = np.where(total > 0, total, 1.0)
    return np.asarray(np.where(total > 0, vector / safe, np.nan))


def circular_variance(rates: Rates, orientations: Angles) -> Array:
    """Circular variance, 1 - abs(sum r exp(2 i angle)) / sum r.

    Parameters
    ----------
    rates : array, shape (..., angles)
        Not negative; mean rates, the spontaneous rate not subtracted.
    orientations : array, shape (angles,)
        deg, equally spaced over 180 or 360.

    Returns
    -------
    array, shape (...)
        0 for one orientation alone, 1 for none preferred, NaN where no rate is positive.

    References
    ----------
    D. L. Ringach, R. M. Shapley and M. J. Hawken (2002), J. Neurosci. 22, 5639-5651,
    doi:10.1523/JNEUROSCI.22-13-05639.2002.

    Examples
    --------
    >>> circular_variance([[0.0, 5.0, 0.0, 0.0], [5.0, 5.0, 5.0, 5.0]], [0, 45, 90, 135])
    array([0., 1.])
    """
    return np.asarray(1.0 - np.abs(_resultant(rates, orientations, "circular_variance")))


def preferred_orientation(rates: Rates, orientations: Angles) -> Array:
    """Direction of the resultant, deg from 0 to 180.

    Parameters
    ----------
    rates : array, shape (..., angles)
    orientations : array, shape (angles,)
        deg, equally spaced over 180 or 360.

    Returns
    -------
    array, shape (...)
    """
    resultant = _resultant(rates, orientations, "preferred_orientation")
    return np.asarray(np.rad2deg(np.angle(resultant)) / 2.0 % 180.0)


def _contrast(rates: ArrayLike, angles: ArrayLike, turn: float, where: str) -> Array:
    """(preferred - turned) / (preferred + turned), of the largest rate."""
    curves, axis = _curves(rates, angles, where)
    period = _period(axis, where)
    shift = turn / (axis[1] - axis[0])
    if turn >= period or not np.isclose(shift, round(shift)):
        raise SpecError(f"angles need one at {turn:g} deg from each", where=where)
    best = curves.argmax(axis=-1)[..., None]
    other = (best + round(shift)) % len(axis)
    preferred = np.take_along_axis(curves, best, -1)[..., 0]
    turned = np.take_along_axis(curves, other, -1)[..., 0]
    total = preferred + turned
    safe = np.where(total > 0, total, 1.0)
    return np.asarray(np.where(total > 0, (preferred - turned) / safe, np.nan))


def orientation_selectivity(rates: Rates, orientations: Angles) -> Array:
    """Orientation selectivity index, (preferred - orthogonal) / (preferred + orthogonal).

    Parameters
    ----------
    rates : array, shape (..., angles)
    orientations : array, shape (angles,)
        deg, equally spaced over 180 or 360, with one at right angles to each.

    Returns
    -------
    array, shape (...)
    """
    return _contrast(rates, orientations, 90.0, "orientation_selectivity")


def direction_selectivity(rates: Rates, directions: Angles) -> Array:
    """Direction selectivity index, (preferred - opposite) / (preferred + opposite).

    Parameters
    ----------
    rates : array, shape (..., angles)
    directions : array, shape (angles,)
        deg, equally spaced over 360, an even number.

    Returns
    -------
    array, shape (...)
    """
    return _contrast(rates, directions, 180.0, "direction_selectivity")


def half_bandwidth(
    rates: Rates,
    angles: Angles,
    *,
    fraction: Number = 2**-0.5,
    smoothing: tuple[Number, ...] = (0.4, 1.0, 0.4),
    baseline: Frequencies = 0.0,
) -> Array:
    """Half the width of a tuning curve at a fraction of its peak.

    The curve is smoothed by a window over neighbouring samples, joined by a periodic cubic
    spline, and followed from its peak both ways to where it first falls below the fraction.

    Parameters
    ----------
    rates : array, shape (..., angles)
    angles : array, shape (angles,)
        deg, equally spaced over 180 (orientations) or 360 (directions).
    fraction : float
        Of the peak; 1 / sqrt(2) by default. This is not the half width at half height.
    smoothing : sequence of float
        Weights of the window, an odd number, scaled to sum to 1. Being in samples it widens with
        their distance: compare curves sampled alike. ``(1,)`` for none.
    baseline : float or array, shape (...)
        Subtracted from the rates, such as each unit's spontaneous rate. None is subtracted by
        default, as in the paper; a baseline widens the curve.

    Returns
    -------
    array, shape (...)
        deg; NaN where the curve does not fall below the fraction on both sides within half a
        turn, or is nowhere above the baseline.

    Raises
    ------
    SpecError
        If the angles do not go around, or the baseline is not one value per curve.

    References
    ----------
    D. L. Ringach, R. M. Shapley and M. J. Hawken (2002), J. Neurosci. 22, 5639-5651,
    doi:10.1523/JNEUROSCI.22-13-05639.2002.
    """
    curves, axis = _curves(rates, angles, "half_bandwidth")
    level = plain_array(baseline, "Hz", where="half_bandwidth.baseline")
    if level.ndim and level.shape != curves.shape[:-1]:
        raise SpecError(
            f"{level.shape} values for {curves.shape[:-1]} curves; give one value per curve",
            where="half_bandwidth.baseline",
        )
    curves = curves - level[..., None]
    fraction = plain(fraction, "1", where="half_bandwidth.fraction")
    _, fine = periodic_spline(curves, axis, smoothing, "half_bandwidth")
    return _width_of(fine, fraction, _FINE)


def half_bandwidths(
    rates: Rates,
    angles: Angles,
    *,
    baseline: Frequencies = 0.0,
) -> Array:
    """:func:`half_bandwidth` of very many curves, read every degree and a line between.

    A spline is linear in its samples, so that one matrix makes those of all curves. The result
    differs from that of :func:`half_bandwidth` by less than a tenth of a degree.

    Parameters
    ----------
    rates : array, shape (n, angles)
    angles : array, shape (angles,)
        deg, equally spaced over 180 or 360.
    baseline : float or array, shape (n,)

    Returns
    -------
    array, shape (n,)
        deg; NaN as for :func:`half_bandwidth`.
    """
    curves, axis = _curves(rates, angles, "half_bandwidths")
    level = plain_array(baseline, "Hz", where="half_bandwidths.baseline")
    each = np.eye(len(axis))
    _, matrix = periodic_spline(each, axis, (0.4, 1.0, 0.4), "half_bandwidths", step=1.0)
    return _width_of((curves - level[..., None]) @ matrix, 2**-0.5, 1.0)


def _width_of(fine: Array, fraction: float, step: float) -> Array:
    """Half the width of curves that go around, at a fraction of their peaks, deg."""
    n = fine.shape[-1]
    peak = fine.argmax(axis=-1)[..., None]
    height = np.take_along_axis(fine, peak, -1)
    reached = np.arange(n // 2 + 1)
    sides = [
        first_fall(np.take_along_axis(fine, (peak + way * reached) % n, -1), fraction * height)
        for way in (-1, 1)
    ]
    width = (sides[0] + sides[1]) / 2.0 * step
    return np.asarray(np.where(height[..., 0] > 0, width, np.nan))


def periodic_spline(
    curves: Rates,
    axis: Angles,
    smoothing: tuple[Number, ...],
    where: str,
    *,
    step: Degrees = _FINE,
) -> tuple[Array, Array]:
    """Curves smoothed by a window over neighbouring samples and joined by a periodic cubic spline.

    Parameters
    ----------
    curves : array, shape (..., angles)
    axis : array, shape (angles,)
        deg, equally spaced over 180 or 360.
    smoothing : sequence of float
        Weights of the window, an odd number, scaled to sum to 1.
    where : str
        Who asks, for the error.
    step : float
        Between the angles at which the curve is read (deg).

    Returns
    -------
    angles : array, shape (fine,)
        deg.
    splined : array, shape (..., fine)

    Raises
    ------
    SpecError
        If the angles do not go around, or the weights are not an odd number.
    """
    rates, angles = _curves(curves, axis, where)
    period = _period(angles, where)
    weights = plain_array(smoothing, "1", where=f"{where}.smoothing")
    window = weights / weights.sum()
    if len(window) % 2 == 0:
        raise SpecError("an odd number of weights is needed", where=f"{where}.smoothing")
    reach = len(window) // 2
    smooth = sum(w * np.roll(rates, k - reach, axis=-1) for k, w in enumerate(window))
    closed = np.concatenate([smooth, smooth[..., :1]], axis=-1)
    around = np.append(angles, angles[0] + period)
    spline = scipy.interpolate.CubicSpline(around, closed, axis=-1, bc_type="periodic")
    fine = angles[0] + np.arange(0, period, plain(step, "deg", where=f"{where}.step"))
    return fine, np.asarray(spline(fine))


def first_fall(
    curve: Annotated[ArrayLike, In("1", finite=False)],
    level: Annotated[ArrayLike, In("1", finite=False)],
) -> Array:
    """Count samples from the first to where ``curve`` first falls below ``level``; NaN if never."""
    curve = plain_array(curve, "1", where="first_fall.curve", finite=False)
    level = plain_array(level, "1", where="first_fall.level", finite=False)
    below = curve < level
    after = below.argmax(axis=-1)[..., None]
    high = np.take_along_axis(curve, np.maximum(after - 1, 0), -1)
    low = np.take_along_axis(curve, after, -1)
    step = np.where(high > low, high - low, 1.0)
    place = after - 1 + (high - level) / step
    return np.asarray(np.where(below.any(axis=-1), place[..., 0], np.nan))
