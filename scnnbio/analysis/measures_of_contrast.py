"""Contrast response, invariance of tuning to contrast, and cross-orientation suppression."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from scnnbio.analysis import tuning
from scnnbio.analysis.curve_shapes import Fit, Numbers, fit_shape
from scnnbio.analysis.curves import over_units, tuning_curves
from scnnbio.analysis.measurements import Bootstrap, Measurement, Reason, measured
from scnnbio.analysis.measures_of_orientation import fitted_shape
from scnnbio.errors import SpecError
from scnnbio.recording import Recording
from scnnbio.units import Degrees, Hertz, Number, Rates, Window, plain, plain_array

Array = NDArray[np.float64]

#: Natural logarithms of the nodes of the grid: c50 of 1 to 300 %, exponent of 0.5 to 10.
_LOG_C50 = np.linspace(np.log(0.01), np.log(3.0), 20)
_LOG_N = np.linspace(np.log(0.5), np.log(10.0), 12)


def fit_naka_rushton(rates: Rates, contrast: Numbers) -> Fit:
    """Hyperbolic ratio, ``offset + scale * c^n / (c^n + c50^n)``, by least squares.

    Parameters
    ----------
    rates : array, shape (k curves, contrasts)
    contrast : array, shape (contrasts,)
        0 or more.

    Returns
    -------
    Fit
        ``p`` is the natural logarithm of c50, from log(0.01) to log(3); ``q`` that of n, from
        log(0.5) to log(10).

    References
    ----------
    D. G. Albrecht and D. B. Hamilton (1982), J. Neurophysiol. 48, 217-237.
    """
    c = plain_array(contrast, "1", where="fit_naka_rushton.contrast")
    if (c < 0).any() or len(c) < 4:
        raise SpecError(
            "needs four contrasts or more, none below 0", where="fit_naka_rushton.contrast"
        )
    with np.errstate(divide="ignore"):
        log_c = np.log(c)

    def shape(log_c50: Array, log_n: Array) -> Array:
        return np.asarray(1 / (1 + np.exp(np.exp(log_n) * (log_c50 - log_c))))

    curves = plain_array(rates, "Hz", where="fit_naka_rushton.rates", finite=False)
    return fit_shape(curves, shape, _LOG_C50, _LOG_N, moves=4)


def contrast_measures(
    recording: Recording,
    population: str,
    *,
    window: Window | None = None,
    bootstrap: Bootstrap | None = None,
    least_repeats: int = 2,
    least_r_squared: Number = 0.7,
) -> dict[str, Measurement]:
    """Contrast response at each unit's best stimulus, fitted by the Naka-Rushton function.

    Parameters
    ----------
    recording : Recording
        Its trial table has ``contrast``, four or more. All other parameters are held at each unit's
        best value.
    population : str
    window : (float, float), optional
        ms within the trial; the whole trial by default.
    bootstrap : Bootstrap, optional
    least_repeats : int
    least_r_squared : float
        A fit that explains less of the curve's variance is insufficient.

    Returns
    -------
    dict of str to Measurement
        ``c50``, ``exponent``, ``largest_response`` (Hz above the offset, at saturation),
        ``offset`` (Hz) and ``fit_r_squared``. A c50 above the highest contrast shown is
        insufficient, since the curve does not show where it saturates.

    References
    ----------
    D. G. Albrecht and D. B. Hamilton (1982), J. Neurophysiol. 48, 217-237.
    """
    how = bootstrap or Bootstrap()
    least = plain(least_r_squared, "1", where="contrast_measures.least_r_squared")
    curves = tuning_curves(recording, population, "contrast", window=window, bootstrap=how)

    def fitted(rates: Array, contrast: Array) -> Array:
        fit = fit_naka_rushton(rates, contrast)
        flat = np.where(fit.scale > 0, 0.0, np.nan)
        return np.stack(
            [np.exp(fit.p) + flat, np.exp(fit.q) + flat, fit.scale, fit.offset, fit.r_squared]
        )

    values, draws = over_units(fitted, curves)
    top = float(curves.values[-1])
    reasons = curves.reasons(least_repeats)
    poor = [
        ("the curve is flat", ~(np.nan_to_num(values[2]) > 0)),
        (f"the fit explains less than {least:g} of the variance", ~(values[4] >= least)),
    ]
    beyond = [("the curve does not saturate at the contrasts shown", values[0] > top)]
    columns = {
        "c50": ("1", poor + beyond), "exponent": ("1", poor + beyond),
        "largest_response": ("Hz", poor + beyond), "offset": ("Hz", poor),
        "fit_r_squared": ("1", poor[:1]),
    }  # fmt: skip
    return {
        name: measured(name, unit, values[i], draws[i], curves.n, how, [*reasons, *more])
        for i, (name, (unit, more)) in enumerate(columns.items())
    }


def contrast_invariance(
    recording: Recording,
    population: str,
    *,
    window: Window | None = None,
    bootstrap: Bootstrap | None = None,
    least_repeats: int = 2,
    least_r_squared: Number = 0.7,
) -> dict[str, Measurement]:
    """Width of orientation tuning at each contrast over that at the highest.

    Parameters
    ----------
    recording : Recording
        Its trial table has ``orientation`` and ``contrast``.
    population, window, bootstrap, least_repeats
        As for :func:`contrast_measures`.
    least_r_squared : float
        A von Mises fit that explains less of the variance at either contrast is insufficient.

    Returns
    -------
    dict of str to Measurement
        ``half_width_ratio_at_C`` and ``circular_variance_ratio_at_C`` for each contrast C above 0
        below the highest. The half width is that of the von Mises fit at half of its height above
        the offset; the ratio is 1 where contrast does not change it.

    Notes
    -----
    Intervals of the ratio hold it in 90 of 100 (40 trials at each of 12 orientations): the ratio
    of two fits is skewed.

    References
    ----------
    G. Sclar and R. D. Freeman (1982), Exp. Brain Res. 46, 457-461; H. J. Alitto and W. M. Usrey
    (2004), J. Neurophysiol. 91, 2797-2808, doi:10.1152/jn.00943.2003.
    """
    how = bootstrap or Bootstrap()
    least = plain(least_r_squared, "1", where="contrast_invariance.least_r_squared")
    contrasts = np.unique(recording.trials.get("contrast", np.zeros(0)))
    contrasts = contrasts[contrasts > 0]
    if len(contrasts) < 2:
        raise SpecError("needs two contrasts above 0", where="contrast_invariance")
    widths, variances, reasons, number = {}, {}, {}, {}
    for c in map(float, contrasts):
        curves = tuning_curves(
            recording, population, "orientation", window=window, bootstrap=how,
            fixed={"contrast": c},
        )  # fmt: skip
        fits, fit_draws = over_units(fitted_shape, curves)
        widths[c] = (fits[1], fit_draws[1])
        variances[c] = over_units(tuning.circular_variance, curves)
        number[c] = curves.n
        reasons[c] = [
            (f"{text} at contrast {c:g}", where) for text, where in curves.reasons(least_repeats)
        ]
        reasons[c].append((f"a poor fit at contrast {c:g}", ~(fits[3] >= least)))
    top = float(contrasts[-1])
    found = {}
    for c in map(float, contrasts[:-1]):
        for word, both in (("half_width", widths), ("circular_variance", variances)):
            name = f"{word}_ratio_at_{c:g}"
            why: list[Reason] = reasons[c] + reasons[top]
            if word == "circular_variance":
                why = [r for r in why if not r[0].startswith("a poor fit")]
            value, draws = (_ratio(both[c][i], both[top][i]) for i in (0, 1))
            found[name] = measured(name, "1", value, draws, number[c] + number[top], how, why)
    return found


def cross_orientation_suppression(
    recording: Recording,
    population: str,
    *,
    mask_orientation: Degrees | None = None,
    window: Window | None = None,
    bootstrap: Bootstrap | None = None,
    least_repeats: int = 2,
    least_rate: Hertz = 5.0,
) -> dict[str, Measurement]:
    """Suppression of the response to a grating by a second one.

    Parameters
    ----------
    recording : Recording
        Its trial table has ``mask_contrast``, of which one is 0, and ``mask_orientation`` (deg,
        relative to the grating).
    population : str
    mask_orientation : float, optional
        deg; at right angles by default.
    window, bootstrap, least_repeats
        As for :func:`contrast_measures`.
    least_rate : float
        Hz above the spontaneous rate (0 without blanks); a unit whose response to the grating
        alone is smaller is insufficient.

    Returns
    -------
    dict of str to Measurement
        ``suppression_by_mask_C`` for each mask contrast C: ``(R_alone - R_both) / R_alone``, of
        mean rates less the spontaneous rate where there are blanks. 1 is full suppression, 0
        none; negative where the mask adds. All other parameters are held at the values at
        which the grating alone drives the unit best.

    References
    ----------
    A. B. Bonds (1989), Vis. Neurosci. 2, 41-55; M. A. Smith, W. Bair and J. A. Movshon (2006),
    J. Neurosci. 26, 4826-4834.
    """
    how = bootstrap or Bootstrap()
    least = plain(least_rate, "Hz", where="cross_orientation_suppression.least_rate")
    turn = 90.0 if mask_orientation is None else plain(
        mask_orientation, "deg", where="cross_orientation_suppression.mask_orientation"
    )  # fmt: skip
    if "mask_contrast" not in recording.trials or "mask_orientation" not in recording.trials:
        raise SpecError(
            "needs the columns 'mask_contrast' and 'mask_orientation', as plaids have them",
            where="cross_orientation_suppression",
        )
    there = recording.trials["mask_contrast"]
    apart = (recording.trials["mask_orientation"] - turn + 90.0) % 180.0 - 90.0
    turned = np.abs(apart) < 1e-6
    blank = recording.trials.get("contrast", np.ones(recording.n_trials)) == 0
    chosen = recording.take(np.flatnonzero(turned | (there == 0) | blank))
    curves = tuning_curves(
        _one_mask(chosen), population, "mask_contrast", window=window, bootstrap=how, best_at=0.0
    )
    if len(curves.values) < 2:
        raise SpecError("no trial has a mask", where="cross_orientation_suppression")
    calm, calm_draws = (np.nan_to_num(x) for x in (curves.spontaneous, curves.spontaneous_draws))
    alone, alone_draws = curves.rate[:, 0] - calm, curves.rate_draws[..., 0] - calm_draws
    reasons = [
        *curves.reasons(least_repeats),
        (f"less than {least:g} Hz without the mask", ~(np.nan_to_num(alone) >= least)),
    ]
    found = {}
    for i, contrast in enumerate(curves.values[1:], start=1):
        name = f"suppression_by_mask_{contrast:g}"
        value = _ratio(alone - (curves.rate[:, i] - calm), alone)
        draws = _ratio(alone_draws - (curves.rate_draws[..., i] - calm_draws), alone_draws)
        found[name] = measured(name, "1", value, draws, curves.n, how, reasons)
    return found


def _one_mask(recording: Recording) -> Recording:
    """The recording with one mask orientation: for a mask of contrast 0 it is meaningless."""
    trials: dict[str, Any] = {
        name: column for name, column in recording.trials.items() if name != "mask_orientation"
    }
    return Recording(recording.spikes, recording.shapes, trials)


def _ratio(top: Any, bottom: Any) -> Array:
    some = np.asarray(bottom) > 0
    return np.asarray(np.where(some, top / np.where(some, bottom, 1.0), np.nan))
