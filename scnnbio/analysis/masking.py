"""Effect of a mask on the response to contrast: a division of the contrast, or a subtraction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy
from numpy.typing import NDArray

from scnnbio.analysis.curve_shapes import Numbers
from scnnbio.analysis.measures_of_contrast import fit_naka_rushton
from scnnbio.analysis.rates import responses
from scnnbio.analysis.tables import varied
from scnnbio.errors import SpecError
from scnnbio.recording import Recording
from scnnbio.units import Rates, plain_array

Array = NDArray[np.float64]

#: What a mask may do to a curve, one number each.
CHANGES = ("contrast gain", "response gain", "subtraction")


@dataclass(frozen=True, eq=False)
class MaskedCurves:
    """Responses to gratings of growing contrast, without a mask and with the strongest.

    Parameters
    ----------
    contrast : array, shape (k,)
    alone, masked : array, shape (units, k)
        Mean rates (Hz) at the stimulus that, alone and at the highest contrast, drives a unit best.
    spontaneous : array, shape (units,)
        Mean rate in blanks (Hz); 0 without blanks.
    """

    contrast: Array
    alone: Array
    masked: Array
    spontaneous: Array

    @property
    def suppression(self) -> Array:
        """``(alone - masked) / alone`` above the spontaneous rate, shape (units, k).

        NaN where the response to the grating alone is not above it.
        """
        calm = self.spontaneous[:, None]
        above = self.alone - calm
        some = above > 0
        return np.asarray(
            np.where(some, (self.alone - self.masked) / np.where(some, above, 1.0), np.nan)
        )


@dataclass(frozen=True, eq=False)
class MaskFit:
    """How well each change of one Naka-Rushton function explains both curves of a unit.

    Parameters
    ----------
    r_squared : mapping of change to array, shape (units,)
        Share of the variance of both curves together; NaN for a unit without a response.
    factor : mapping of change to array, shape (units,)
        Factor on c50 (contrast gain), on the response (response gain), or what is subtracted (Hz).
    c50 : array, shape (units,)
        Without the mask, of the fit of contrast gain.
    """

    r_squared: dict[str, Array]
    factor: dict[str, Array]
    c50: Array

    @property
    def division(self) -> Array:
        """Variance that contrast gain explains, less that of subtraction, shape (units,)."""
        return np.asarray(self.r_squared["contrast gain"] - self.r_squared["subtraction"])


def masked_curves(recording: Recording, population: str) -> MaskedCurves:
    """Responses to each contrast without a mask and with the strongest one at right angles.

    Parameters
    ----------
    recording : Recording
        Its trial table has ``contrast``, ``mask_contrast`` and ``mask_orientation``.
    population : str

    Returns
    -------
    MaskedCurves

    Raises
    ------
    SpecError
        If a column is missing, or there are not four contrasts or no mask.
    """
    for name in ("contrast", "mask_contrast", "mask_orientation"):
        if name not in recording.trials:
            raise SpecError(f"no column {name!r} in the trial table", where="masked_curves")
    mask = recording.trials["mask_contrast"]
    shown = recording.trials["contrast"] > 0
    right = np.abs((recording.trials["mask_orientation"] + 90.0) % 180.0) < 1e-6
    rows = np.flatnonzero(shown & ((mask == 0) | right))
    strongest = float(mask[rows].max(initial=0.0))
    if strongest == 0:
        raise SpecError("no grating has a mask at right angles", where="masked_curves")
    chosen = recording.take(rows)
    by = [n for n in varied(chosen) if n != "mask_orientation"]
    if "contrast" not in by:
        raise SpecError("needs four contrasts above 0", where="masked_curves")
    table = responses(chosen, population, by)
    rates, conditions = table.rates, dict(table.conditions)
    contrast = np.unique(conditions["contrast"])
    if len(contrast) < 4:
        raise SpecError("needs four contrasts above 0", where="masked_curves")
    strong = (conditions["mask_contrast"] == 0) & (conditions["contrast"] == contrast[-1])
    best = np.flatnonzero(strong)[rates[strong].argmax(axis=0)]
    others = [n for n in by if n not in ("contrast", "mask_contrast")]
    alone = _curve(rates, conditions, best, others, contrast, 0.0)
    masked = _curve(rates, conditions, best, others, contrast, strongest)
    blank = np.flatnonzero((recording.trials["contrast"] == 0) & (mask == 0))
    calm = np.zeros(recording.size(population))
    if len(blank):
        seconds = recording.trials["duration"][blank].sum() / 1e3
        calm = recording.counts(population)[blank].sum(axis=0) / seconds
    return MaskedCurves(contrast, alone, masked, calm)


def _curve(
    rates: Array,
    conditions: dict[str, NDArray[Any]],
    best: NDArray[np.int64],
    others: list[str],
    contrast: Array,
    level: float,
) -> Array:
    """Rates (units, contrasts) of each unit at its best value of the other columns."""
    curve = np.full((len(best), len(contrast)), np.nan)
    here = conditions["mask_contrast"] == level
    for unit, own in enumerate(best):
        same = here.copy()
        for name in others:
            same &= conditions[name] == conditions[name][own]
        place = np.searchsorted(contrast, conditions["contrast"][same])
        curve[unit, place] = rates[same, unit]
    if np.isnan(curve).any():
        raise SpecError("not every contrast was shown with the mask", where="masked_curves")
    return curve


def fit_masks(alone: Rates, masked: Rates, contrast: Numbers) -> MaskFit:
    """Fit both curves of each unit by one Naka-Rushton function and one number for the mask.

    Contrast gain: the mask multiplies c50. Response gain: it multiplies the response above the
    offset. Subtraction: it takes a rate from the whole curve, which ends at 0. Each has five
    parameters, so that their residuals compare directly.

    Parameters
    ----------
    alone, masked : array, shape (units, k)
        Hz.
    contrast : array, shape (k,)
        Above 0, four or more.

    Returns
    -------
    MaskFit

    Raises
    ------
    SpecError
        If the shapes differ.

    References
    ----------
    M. Carandini, D. J. Heeger and J. A. Movshon (1997), J. Neurosci. 17, 8621-8644 (masks in the
    normalisation model); F. S. Chance, L. F. Abbott and A. D. Reyes (2002), Neuron 35, 773-782
    (division against subtraction).
    """
    c = plain_array(contrast, "1", where="fit_masks.contrast")
    one = plain_array(alone, "Hz", where="fit_masks.alone")
    two = plain_array(masked, "Hz", where="fit_masks.masked")
    if one.shape != two.shape or one.shape[1:] != c.shape:
        raise SpecError(
            f"curves of shape {one.shape} and {two.shape} at {len(c)} contrasts",
            where="fit_masks",
        )
    first = fit_naka_rushton(one, c)
    starts = np.stack([first.p, first.q, first.scale, first.offset], axis=1)
    r_squared = {name: np.full(len(one), np.nan) for name in CHANGES}
    factor = {name: np.full(len(one), np.nan) for name in CHANGES}
    c50 = np.full(len(one), np.nan)
    for unit in np.flatnonzero((one.max(axis=1) > 0) & (first.scale > 0)):
        both = np.concatenate([one[unit], two[unit]])
        total = float(((both - both.mean()) ** 2).sum())
        if total == 0:
            continue
        for name in CHANGES:
            left, values = _fit(name, both, c, starts[unit])
            r_squared[name][unit] = 1 - left / total
            factor[name][unit] = values[4] if name == "subtraction" else np.exp(values[4])
            if name == "contrast gain":
                c50[unit] = np.exp(values[0])
    return MaskFit(r_squared, factor, c50)


def _both(change: str, values: Array, contrast: Array) -> Array:
    """Both curves, one after the other."""
    log_c50, log_n, scale, offset, by = values

    def rising(shift: float) -> Array:
        steepness = np.exp(log_n)
        return np.asarray(scale / (1 + np.exp(steepness * (log_c50 + shift - np.log(contrast)))))

    alone = rising(0.0)
    if change == "contrast gain":
        masked = rising(by)
    elif change == "response gain":
        masked = alone * np.exp(by)
    else:
        masked = np.maximum(alone + offset - by, 0.0) - offset
    return np.concatenate([alone, masked]) + offset


def _fit(change: str, both: Array, contrast: Array, start: Array) -> tuple[float, Array]:
    """Smallest sum of squares from several starts, and the parameters."""
    half, top = len(contrast), max(float(both.max()), 1e-9)
    lost = float((both[:half] - both[half:]).mean())
    low = [np.log(0.01), np.log(0.5), 0.0, 0.0, 0.0 if change == "subtraction" else -5.0]
    high = [np.log(3.0), np.log(10.0), 100 * top, top, top if change == "subtraction" else 5.0]
    begins = {
        "contrast gain": (0.0, 0.3, 1.0),
        "response gain": (0.0, -0.3, -1.0),
        "subtraction": (0.0, max(lost, 0.0), 0.5 * top),
    }[change]
    best: tuple[float, Array] = (np.inf, np.zeros(5))
    for begin in begins:
        first = np.clip([*start, begin], np.array(low) + 1e-9, np.array(high) - 1e-9)
        found = scipy.optimize.least_squares(
            lambda values: _both(change, values, contrast) - both, first, bounds=(low, high),
            x_scale=[1.0, 1.0, top, top, top if change == "subtraction" else 1.0],
        )  # fmt: skip
        if 2 * found.cost < best[0]:
            best = (2 * float(found.cost), np.asarray(found.x))
    return best
