"""Tuning to spatial and to temporal frequency."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from scnnbio.analysis.curve_shapes import flanks
from scnnbio.analysis.curves import Curves, over_units, tuning_curves
from scnnbio.analysis.measurements import Bootstrap, Measurement, Reason, measured
from scnnbio.errors import SpecError, not_one_of
from scnnbio.recording import Recording
from scnnbio.units import Window

Array = NDArray[np.float64]

_RESPONSES = ("mean", "f1")


def spatial_frequency_measures(
    recording: Recording,
    population: str,
    *,
    response: Literal["mean", "f1"] = "mean",
    window: Window | None = None,
    bootstrap: Bootstrap | None = None,
    least_repeats: int = 2,
) -> dict[str, Measurement]:
    """Tuning to spatial frequency.

    Parameters
    ----------
    recording : Recording
        Its trial table has ``spatial_frequency``, three or more above 0. Their unit, such as
        cycles per deg, is that of the results.
    population : str
    response : {"mean", "f1"}
        The mean rate, or its modulation at the temporal frequency. No spontaneous rate is
        subtracted.
    window : (float, float), optional
        ms within the trial; the whole trial by default.
    bootstrap : Bootstrap, optional
    least_repeats : int

    Returns
    -------
    dict of str to Measurement
        ``peak_spatial_frequency``: where a spline over log2 of the frequency, through samples
        smoothed by (0.2, 1, 0.2), is largest. ``spatial_bandwidth``: from half height to half
        height, octaves. ``low_high_ratio``: 100 times the lower over the upper frequency at 0.707
        of the peak. ``spatial_frequency_selective``: 1 where both flanks fall to 0.707.
        ``low_pass_spatial``: 1 where the lower flank does not fall to half height; its mean is the
        fraction of low-pass units.

    References
    ----------
    R. L. De Valois, D. G. Albrecht and L. G. Thorell (1982), Vision Res. 22, 545-559,
    doi:10.1016/0042-6989(82)90113-4 (peak, bandwidth); P. H. Schiller, B. L. Finlay and S. F.
    Volman (1976), J. Neurophysiol. 39, 1334-1351, doi:10.1152/jn.1976.39.6.1334 (ratio, selective).
    """
    names = {
        "peak": ("peak_spatial_frequency", "per spatial unit"),
        "bandwidth": ("spatial_bandwidth", "octaves"),
        "ratio": ("low_high_ratio", "%"),
        "selective": ("spatial_frequency_selective", "1"),
        "low_pass": ("low_pass_spatial", "1"),
    }
    return _measures(
        recording, population, "spatial_frequency", names, response, window, bootstrap,
        least_repeats,
    )  # fmt: skip


def temporal_frequency_measures(
    recording: Recording,
    population: str,
    *,
    response: Literal["mean", "f1"] = "mean",
    window: Window | None = None,
    bootstrap: Bootstrap | None = None,
    least_repeats: int = 2,
) -> dict[str, Measurement]:
    """Tuning to temporal frequency.

    Parameters
    ----------
    recording : Recording
        Its trial table has ``temporal_frequency`` (Hz), three or more above 0; static gratings
        are ignored.
    population, response, window, bootstrap, least_repeats
        As for :func:`spatial_frequency_measures`.

    Returns
    -------
    dict of str to Measurement
        ``peak_temporal_frequency`` (Hz), ``temporal_bandwidth`` (octaves at half height),
        ``high_cutoff`` (Hz, half height), ``low_pass_temporal``: 1 where the lower flank does not
        fall to half height.

    Notes
    -----
    Intervals of ``high_cutoff`` hold it in 90 of 100, where few frequencies lie on the flank.

    References
    ----------
    K. H. Foster, J. P. Gaska, M. Nagler and D. A. Pollen (1985), J. Physiol. 365, 331-363,
    doi:10.1113/jphysiol.1985.sp015776.
    """
    names = {
        "peak": ("peak_temporal_frequency", "Hz"),
        "bandwidth": ("temporal_bandwidth", "octaves"),
        "high": ("high_cutoff", "Hz"),
        "low_pass": ("low_pass_temporal", "1"),
    }
    moving = np.flatnonzero(recording.trials.get("temporal_frequency", np.ones(1)) > 0)
    blank = np.flatnonzero(recording.trials.get("contrast", np.ones(1)) == 0)
    kept = recording.take(np.union1d(moving, blank)) if len(moving) else recording
    return _measures(
        kept, population, "temporal_frequency", names, response, window, bootstrap, least_repeats
    )


def frequencies_of(curves: Curves) -> dict[str, Array]:
    """Peak, bandwidth and other quantities of curves along a frequency; NaN without a value."""
    values, _ = over_units(_shape, curves)
    return dict(zip(_COLUMNS, values, strict=True))


def _measures(
    recording: Recording,
    population: str,
    along: str,
    names: dict[str, tuple[str, str]],
    response: str,
    window: Window | None,
    bootstrap: Bootstrap | None,
    least_repeats: int,
) -> dict[str, Measurement]:
    if response not in _RESPONSES:
        raise SpecError(not_one_of(response, _RESPONSES), where=f"{along}_measures.response")
    how = bootstrap or Bootstrap()
    curves = tuning_curves(
        recording, population, along, window=window, bootstrap=how, f1=response == "f1"
    )
    if curves.values[0] <= 0:
        raise SpecError(
            f"a frequency of {curves.values[0]:g} has no logarithm; leave these trials out",
            where=f"{along}_measures",
        )
    if len(curves.values) < 3:
        raise SpecError(
            f"there are {len(curves.values)} frequencies; a curve needs 3 or more",
            where=f"{along}_measures",
        )
    values, draws = over_units(_shape, curves, of="f1" if response == "f1" else "rate")
    column = dict(zip(_COLUMNS, range(len(_COLUMNS)), strict=True))
    reasons = curves.reasons(least_repeats)
    low, high, low_707, high_707 = (
        np.isnan(values[column[c]]) for c in ("low", "high", "low_707", "high_707")
    )
    why: dict[str, list[Reason]] = {
        "bandwidth": [
            ("does not fall to half height at low frequencies", low),
            ("does not fall to half height at high frequencies", high),
        ],
        "ratio": [
            ("does not fall to 0.71 at low frequencies", low_707),
            ("does not fall to 0.71 at high frequencies", high_707),
        ],
        "high": [("does not fall to half height at high frequencies", high)],
    }
    return {
        name: measured(
            name, unit, values[column[key]], draws[column[key]], curves.n, how,
            [*reasons, *why.get(key, [])],
        )
        for key, (name, unit) in names.items()
    }  # fmt: skip


_COLUMNS = (
    "peak", "bandwidth", "ratio", "selective", "low_pass", "low", "high", "low_707", "high_707"
)  # fmt: skip


def _shape(rates: Array, frequency: Array) -> Array:
    octaves = np.log2(frequency)
    half = flanks(rates, octaves, 0.5)
    upper = flanks(rates, octaves, 2**-0.5)
    fires = np.where(half.height > 0, 0.0, np.nan)
    both = ~np.isnan(upper.low) & ~np.isnan(upper.high)
    return np.stack(
        [
            2.0**half.peak,
            half.high - half.low,
            100.0 * 2.0 ** (upper.low - upper.high),
            both + fires,
            np.isnan(half.low) + fires,
            2.0**half.low,
            2.0**half.high,
            upper.low,
            upper.high,
        ]
    )
