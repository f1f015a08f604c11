"""Tuning to orientation and direction."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from scnnbio.analysis import tuning
from scnnbio.analysis.curve_shapes import Fit, fit_shape
from scnnbio.analysis.curves import Curves, over_units, tuning_curves
from scnnbio.analysis.measurements import Bootstrap, Measurement, Reason, measured
from scnnbio.errors import SpecError
from scnnbio.recording import Recording
from scnnbio.units import Angles, In, Rates, Window, plain_array

Array = NDArray[np.float64]

#: Weights by which Brain-Score smooths a curve before it reads the preferred orientation.
_PEAK_SMOOTHING = (0.2, 1.0, 0.2)
#: Logarithm of the concentrations of the grid: half-widths of 90 down to 6 deg.
_LOG_KAPPA = np.linspace(np.log(0.35), np.log(60.0), 14)


def orientation_measures(
    recording: Recording,
    population: str,
    *,
    window: Window | None = None,
    bootstrap: Bootstrap | None = None,
    least_repeats: int = 2,
    fixed: Mapping[str, Any] | None = None,
) -> dict[str, Measurement]:
    """Tuning of the mean rate to orientation.

    Parameters
    ----------
    recording : Recording
        Its trial table has ``orientation`` (deg), in equal steps through 180 or 360.
    population : str
    window : (float, float), optional
        ms within the trial; spikes with t0 < t <= t1 count. The whole trial by default.
    bootstrap : Bootstrap, optional
    least_repeats : int
        A unit with fewer trials at an orientation is insufficient.
    fixed : mapping from column to value, optional
        Columns held at a value instead of at each unit's best.

    Returns
    -------
    dict of str to Measurement
        Of Ringach et al. (2002): ``circular_variance``, ``half_bandwidth`` (deg, at 1/sqrt(2) of
        the peak of the smoothed spline; insufficient where the curve does not fall so far),
        ``orientation_selective`` (1 where it does), ``orthogonal_preferred`` (mean rate at right
        angles on both sides over that at the largest, not smoothed), ``circular_variance_per_deg``
        (circular variance / half bandwidth), ``orthogonal_less_variance`` (orthogonal_preferred -
        circular variance), ``largest_rate`` (Hz). No spontaneous rate is subtracted in these.
        ``half_bandwidth_above_spontaneous``: the same after subtraction of the rate in blanks.
        ``preferred_orientation`` (of the resultant) and ``peak_orientation`` (of a spline smoothed
        by (0.2, 1, 0.2)), deg. ``orientation_selectivity``: (preferred - orthogonal) / (preferred +
        orthogonal). Of a von Mises fit, ``b + a exp(k (cos 2(x - x0) - 1))``:
        ``fitted_orientation``, ``fitted_half_width`` (half width at half of the height above b),
        ``fitted_half_width_of_whole`` (at half of the whole height), ``fit_r_squared``.

    Notes
    -----
    The largest of noisy rates is too large, and with 5 trials per orientation intervals hold the
    true ``largest_rate`` in 86 of 100, ``orthogonal_preferred`` in 90, the others in 92 or more.

    References
    ----------
    D. L. Ringach, R. M. Shapley and M. J. Hawken (2002), J. Neurosci. 22, 5639-5651,
    doi:10.1523/JNEUROSCI.22-13-05639.2002; T. Marques, M. Schrimpf and J. J. DiCarlo (2021),
    bioRxiv 2021.03.01.433495, doi:10.1101/2021.03.01.433495 (derived properties); N. V. Swindale
    (1998), Biol. Cybern. 78, 45-56 (von Mises).
    """
    how = bootstrap or Bootstrap()
    curves = tuning_curves(
        recording, population, "orientation", window=window, bootstrap=how, fixed=fixed
    )
    reasons = curves.reasons(least_repeats)
    found: dict[str, Measurement] = {}

    def add(
        name: str, unit: str, pair: tuple[Any, Any], *more: Reason, period: float | None = None
    ) -> None:
        found[name] = measured(name, unit, *pair, curves.n, how, [*reasons, *more], period=period)

    variance = over_units(tuning.circular_variance, curves)
    width = over_units(tuning.half_bandwidth, curves, resampled=tuning.half_bandwidths)
    ratio = over_units(orthogonal_preferred, curves)
    wide = ("does not fall to 0.71 of its peak on both sides", np.isnan(width[0]))
    add("circular_variance", "1", variance)
    add("half_bandwidth", "deg", width, wide)
    add("orientation_selective", "1", (_finite(width[0]), _finite(width[1])))
    add("orthogonal_preferred", "1", ratio)
    add(
        "circular_variance_per_deg", "1/deg",
        (variance[0] / width[0], variance[1] / width[1]), wide,
    )  # fmt: skip
    add("orthogonal_less_variance", "1", (ratio[0] - variance[0], ratio[1] - variance[1]))
    add("orientation_selectivity", "1", ((1 - ratio[0]) / (1 + ratio[0]),
                                         (1 - ratio[1]) / (1 + ratio[1])))  # fmt: skip
    add("largest_rate", "Hz", over_units(lambda r, _: r.max(axis=1), curves))
    add("preferred_orientation", "deg", over_units(tuning.preferred_orientation, curves),
        period=180.0)  # fmt: skip
    add("peak_orientation", "deg", over_units(peak_orientation, curves), period=180.0)
    above = _above_spontaneous(curves)
    add(
        "half_bandwidth_above_spontaneous", "deg", above,
        ("no blanks", np.isnan(curves.spontaneous)), _wide_above(above[0]),
    )  # fmt: skip
    _add_fit(add, curves)
    return found


def direction_measures(
    recording: Recording,
    population: str,
    *,
    window: Window | None = None,
    bootstrap: Bootstrap | None = None,
    least_repeats: int = 2,
) -> dict[str, Measurement]:
    """Tuning of the mean rate to the direction in which a grating or a bar moves.

    Parameters
    ----------
    recording : Recording
        Its trial table has ``orientation`` (deg), in equal steps through 360, an even number. What
        has the orientation ``o`` moves towards ``o + 90``.
    population, window, bootstrap, least_repeats
        As for :func:`orientation_measures`.

    Returns
    -------
    dict of str to Measurement
        ``preferred_direction`` (deg, of those shown the one with the largest rate),
        ``direction_selectivity`` ((preferred - opposite) / (preferred + opposite)),
        ``direction_circular_variance`` (1 - abs(sum r exp(i x)) / sum r).

    References
    ----------
    M. Mazurek, M. Kager and S. D. Van Hooser (2014), Front. Neural Circuits 8, 92,
    doi:10.3389/fncir.2014.00092.
    """
    how = bootstrap or Bootstrap()
    curves = tuning_curves(recording, population, "orientation", window=window, bootstrap=how)
    reasons = curves.reasons(least_repeats)

    def best(rates: Array, angles: Array) -> Array:
        return np.asarray((angles[rates.argmax(axis=1)] + 90.0) % 360.0)

    def variance(rates: Array, angles: Array) -> Array:
        total = rates.sum(axis=1)
        length = np.abs(rates @ np.exp(1j * np.deg2rad(angles)))
        return np.where(total > 0, 1 - length / np.where(total > 0, total, 1.0), np.nan)

    measures: dict[str, tuple[Any, str, float | None]] = {
        "preferred_direction": (best, "deg", 360.0),
        "direction_selectivity": (tuning.direction_selectivity, "1", None),
        "direction_circular_variance": (variance, "1", None),
    }
    return {
        name: measured(name, unit, *over_units(of, curves), curves.n, how, reasons, period=period)
        for name, (of, unit, period) in measures.items()
    }


def orthogonal_preferred(rates: Rates, angles: Angles) -> Array:
    """Mean rate at right angles to the largest, on both sides, over the largest.

    Parameters
    ----------
    rates : array, shape (n, angles)
    angles : array, shape (angles,)
        deg, equally spaced over 180 or 360, with one at right angles to each.

    Returns
    -------
    array, shape (n,)
        NaN where no rate is positive.

    Raises
    ------
    SpecError
        If no angle is at right angles to another.
    """
    curves = plain_array(rates, "Hz", where="orthogonal_preferred.rates", finite=False)
    axis = plain_array(angles, "deg", where="orthogonal_preferred.angles")
    shift = 90.0 / (axis[1] - axis[0]) if len(axis) > 1 else 0.5
    if not np.isclose(shift, round(shift)):
        raise SpecError("no angle is at right angles to each", where="orthogonal_preferred.angles")
    best = curves.argmax(axis=-1)[:, None]
    sides = [
        np.take_along_axis(curves, (best + way * round(shift)) % len(axis), 1)[:, 0]
        for way in (-1, 1)
    ]
    peak = np.take_along_axis(curves, best, 1)[:, 0]
    ratio = (sides[0] + sides[1]) / 2 / np.where(peak > 0, peak, 1.0)
    return np.asarray(np.where(peak > 0, ratio, np.nan))


def peak_orientation(rates: Rates, angles: Angles) -> Array:
    """Peak of the periodic spline through a curve smoothed by (0.2, 1, 0.2), deg from 0 to 180.

    Parameters
    ----------
    rates : array, shape (n, angles)
    angles : array, shape (angles,)
        deg, equally spaced over 180 or 360.

    Returns
    -------
    array, shape (n,)
        NaN where no rate is positive.

    References
    ----------
    T. Marques, M. Schrimpf and J. J. DiCarlo (2021), doi:10.1101/2021.03.01.433495, for R. L. De
    Valois, E. W. Yund and N. Hepler (1982), Vision Res. 22, 531-544.
    """
    curves = plain_array(rates, "Hz", where="peak_orientation.rates", finite=False)
    axis = plain_array(angles, "deg", where="peak_orientation.angles")
    # A spline is linear in its samples: that of each unit vector makes those of all curves.
    fine, matrix = tuning.periodic_spline(
        np.eye(len(axis)), axis, _PEAK_SMOOTHING, "peak_orientation", step=0.5
    )
    splined = curves @ matrix
    peak = fine[splined.argmax(axis=-1)] % 180.0
    return np.asarray(np.where(curves.max(axis=-1) > 0, peak, np.nan))


def fit_von_mises(rates: Rates, angles: Angles) -> Fit:
    """Von Mises curve, ``offset + scale * exp(k (cos 2(x - x0) - 1))``, by least squares.

    Parameters
    ----------
    rates : array, shape (n, angles)
    angles : array, shape (angles,)
        deg.

    Returns
    -------
    Fit
        ``p`` is x0 (deg, taken modulo 180) and ``q`` the natural logarithm of k, from log(0.35) to
        log(60).

    References
    ----------
    N. V. Swindale (1998), Biol. Cybern. 78, 45-56.
    """
    axis = np.deg2rad(plain_array(angles, "deg", where="fit_von_mises.angles"))

    def shape(place: Array, log_kappa: Array) -> Array:
        turned = np.cos(2 * (axis - np.deg2rad(place))) - 1
        return np.asarray(np.exp(np.exp(log_kappa) * turned))

    curves = plain_array(rates, "Hz", where="fit_von_mises.rates", finite=False)
    # Beyond a turn on both sides, so that no peak lies at an end.
    return fit_shape(curves, shape, np.arange(-15.0, 196.0, 15.0), _LOG_KAPPA)


def half_width(kappa: Annotated[ArrayLike, In("1", finite=False)],
               level: Annotated[ArrayLike, In("1", finite=False)] = 0.5) -> Array:  # fmt: skip
    """Distance from the peak at which ``exp(k (cos 2x - 1))`` is at a level, deg.

    Parameters
    ----------
    kappa : array
    level : array
        Of the peak.

    Returns
    -------
    array
        NaN where the curve stays above the level.

    Examples
    --------
    A curve of k = log(2) / 2 is at half its height at right angles:

    >>> half_width([np.log(2) / 2])
    array([90.])
    """
    k = plain_array(kappa, "1", where="half_width.kappa", finite=False)
    part = plain_array(level, "1", where="half_width.level", finite=False)
    with np.errstate(divide="ignore", invalid="ignore"):
        cosine = 1 + np.log(part) / k
    inside = (cosine >= -1 - 1e-12) & (part > 0)
    return np.where(inside, np.rad2deg(np.arccos(np.clip(cosine, -1, 1))) / 2, np.nan)


def fitted_shape(rates: Rates, angles: Angles) -> Array:
    """Orientation, half width above the offset, half width of the whole, and R^2 of von Mises fits.

    Curves over 360 deg are first folded: both directions of an orientation are averaged.

    Parameters
    ----------
    rates : array, shape (n, angles)
    angles : array, shape (angles,)
        deg.

    Returns
    -------
    array, shape (4, n)
        Half widths are deg at half of the height; NaN where there is none.
    """
    fit = fit_von_mises(*_folded(rates, angles))
    kappa = np.exp(fit.q)
    some = np.where(fit.scale > 0, fit.scale, np.nan)
    whole = (0.5 * (some + fit.offset) - fit.offset) / some
    place = np.where(fit.scale > 0, fit.p % 180.0, np.nan)
    width = half_width(kappa) + 0.0 * some
    return np.stack([place, width, half_width(kappa, whole), fit.r_squared])


def _folded(rates: Rates, angles: Angles) -> tuple[Array, Array]:
    """Curves over 180 deg: the mean of both directions of an orientation."""
    curves = plain_array(rates, "Hz", where="fitted_shape.rates", finite=False)
    axis = plain_array(angles, "deg", where="fitted_shape.angles")
    place, which = np.unique(np.round(axis % 180.0, 9), return_inverse=True)
    member = (which.ravel()[:, None] == np.arange(len(place))).astype(np.float64)
    return curves @ (member / member.sum(axis=0)), place


def _add_fit(add: Any, curves: Curves) -> None:
    values, draws = over_units(fitted_shape, curves)
    flat = ("a flat curve", ~(np.nan_to_num(values[3]) > 0))
    wide = ("does not fall to half of its height", np.isnan(values[1]))
    whole = ("does not fall to half of its height", np.isnan(values[2]))
    add("fitted_orientation", "deg", (values[0], draws[0]), flat, period=180.0)
    add("fitted_half_width", "deg", (values[1], draws[1]), flat, wide)
    add("fitted_half_width_of_whole", "deg", (values[2], draws[2]), flat, whole)
    add("fit_r_squared", "1", (values[3], draws[3]), flat)


def _above_spontaneous(curves: Curves) -> tuple[Array, Array]:
    kept = np.flatnonzero(curves.whole & ~np.isnan(curves.spontaneous))
    value = np.full(len(curves.rate), np.nan)
    draws = np.full((len(curves.rate_draws), len(value)), np.nan)
    if len(kept):
        value[kept] = tuning.half_bandwidth(
            curves.rate[kept], curves.values, baseline=curves.spontaneous[kept]
        )
    for row, (rates, calm) in enumerate(
        zip(curves.rate_draws, curves.spontaneous_draws, strict=True)
    ):
        if len(kept):
            draws[row, kept] = tuning.half_bandwidths(
                rates[kept], curves.values, baseline=calm[kept]
            )
    return value, draws


def _wide_above(width: Array) -> Reason:
    missing = np.isnan(width)
    return ("does not fall to 0.71 of its peak above the spontaneous rate", missing)


def _finite(width: Array) -> Array:
    return np.isfinite(width).astype(np.float64)
