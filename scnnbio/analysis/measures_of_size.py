"""Tuning to the diameter of a grating: summation and suppression."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from scnnbio.analysis.curves import Curves, tuning_curves
from scnnbio.analysis.measurements import Bootstrap, Measurement, measured
from scnnbio.recording import Recording
from scnnbio.units import Hertz, Window, plain

Array = NDArray[np.float64]


def size_measures(
    recording: Recording,
    population: str,
    *,
    window: Window | None = None,
    bootstrap: Bootstrap | None = None,
    least_repeats: int = 2,
    least_response: Hertz = 5.0,
) -> dict[str, Measurement]:
    """Summation and suppression of the response to gratings of growing diameter.

    The response is the larger of mean rate less spontaneous rate and modulation F1, as for simple
    and complex cells alike; which of them it is stays the same for a unit's whole curve.

    Parameters
    ----------
    recording : Recording
        Its trial table has ``diameter`` (deg), three or more, the largest of which may be
        infinite, and ``temporal_frequency``. Blanks, of contrast 0, tell the spontaneous rate,
        which is 0 without them.
    population : str
    window : (float, float), optional
        ms within the trial; the whole trial by default.
    bootstrap : Bootstrap, optional
    least_repeats : int
    least_response : float
        Hz; a unit whose largest response is smaller is insufficient.

    Returns
    -------
    dict of str to Measurement
        ``surround_suppression_index``: (peak - plateau) / peak, where the plateau is the response
        to the largest diameter. ``grating_summation_field``: the smallest diameter shown with 95 %
        of the peak (deg). ``surround_diameter``: the first diameter shown, past the peak, whose
        response is 1.05 times the plateau or less (deg). ``surround_summation_ratio``: the latter
        over the former. The published values of the last three are of cells whose index is above
        0.1: choose these.

    References
    ----------
    J. R. Cavanaugh, W. Bair and J. A. Movshon (2002), J. Neurophysiol. 88, 2530-2546,
    doi:10.1152/jn.00692.2001, as read by T. Marques, M. Schrimpf and J. J. DiCarlo (2021),
    doi:10.1101/2021.03.01.433495.
    """
    how = bootstrap or Bootstrap()
    least = plain(least_response, "Hz", where="size_measures.least_response")
    curves = tuning_curves(recording, population, "diameter", window=window, bootstrap=how, f1=True)
    response, draws = larger_response(curves)
    value = _sizes(response, curves.values)
    flat = draws.reshape(-1, draws.shape[-1])
    resampled = _sizes(flat, curves.values).reshape(4, *draws.shape[:2])
    open_end = np.isinf(value)
    value[open_end] = np.nan
    resampled[np.isinf(resampled)] = np.nan
    reasons = [
        ("fewer than 3 diameters", np.full(len(response), len(curves.values) < 3)),
        *curves.reasons(least_repeats),
        (f"responds with less than {least:g} Hz", ~(np.nan_to_num(response).max(axis=1) >= least)),
    ]
    names = (
        ("surround_suppression_index", "1"), ("grating_summation_field", "deg"),
        ("surround_diameter", "deg"), ("surround_summation_ratio", "1"),
    )  # fmt: skip
    return {
        name: measured(
            name, unit, value[i], resampled[i], curves.n, how,
            [*reasons, ("reached with the whole screen alone", open_end[i])],
        )
        for i, (name, unit) in enumerate(names)
    }  # fmt: skip


def larger_response(curves: Curves) -> tuple[Array, Array]:
    """Response of each unit, and its resamples."""
    calm, calm_draws = (np.nan_to_num(x) for x in (curves.spontaneous, curves.spontaneous_draws))
    mean, mean_draws = curves.rate - calm[:, None], curves.rate_draws - calm_draws[..., None]
    if curves.f1 is None or curves.f1_draws is None:
        return mean, mean_draws
    modulated = np.nan_to_num(curves.f1).max(axis=1) > np.nan_to_num(mean).max(axis=1)
    return (
        np.where(modulated[:, None], curves.f1, mean),
        np.where(modulated[:, None], curves.f1_draws, mean_draws),
    )


def sizes_of(curves: Curves) -> tuple[Array, Array]:
    """Response (n, diameters) of each curve, and its index, field, surround and ratio: (4, n)."""
    response = larger_response(curves)[0]
    return response, _sizes(response, curves.values)


def _sizes(response: Array, diameter: Array) -> Array:
    """Index, summation field, surround diameter and their ratio of each curve: (4, n)."""
    whole = np.asarray(~np.isnan(response).any(axis=1))
    curve = np.where(whole[:, None], response, 0.0)
    place = curve.argmax(axis=1)
    peak = curve.max(axis=1)
    kept = whole & (peak > 0)
    plateau = curve[:, -1]
    index = (peak - plateau) / np.where(kept, peak, 1.0)
    field = diameter[(curve >= 0.95 * peak[:, None]).argmax(axis=1)]
    past = np.arange(len(diameter)) > place[:, None]
    # A plateau below the spontaneous rate is reached where the curve falls to it, too.
    bound = np.where(plateau > 0, 1.05 * plateau, plateau)
    low = past & (curve <= bound[:, None])
    surround = np.where(low.any(axis=1), diameter[low.argmax(axis=1)], diameter[place])
    with np.errstate(invalid="ignore"):
        ratio = surround / field
    found = np.stack([index, field, surround, ratio])
    found[:, ~kept] = np.nan
    return found
