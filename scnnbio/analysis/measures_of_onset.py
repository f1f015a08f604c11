"""Decline of the variability of counts at stimulus onset, at matched mean counts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from scnnbio.analysis.measurements import Bootstrap, Measurement, Reason, measured
from scnnbio.analysis.rates import responses
from scnnbio.analysis.tables import varied
from scnnbio.errors import SpecError
from scnnbio.recording import Recording
from scnnbio.units import Milliseconds, Number, Window, plain

Array = NDArray[np.float64]

#: Bins of mean counts within which points are matched: factors of the square root of 2.
_EDGES = 2.0 ** np.arange(-8.0, 12.5, 0.5)


class _Points(NamedTuple):
    """Variance over mean of the counts of each unit in each condition, where the mean is above 0.

    All are (points,): the unit, the bin of the mean count, and the ratio.
    """

    unit: NDArray[np.int64]
    bin: NDArray[np.int64]
    ratio: Array


def onset_measures(
    recording: Recording,
    population: str,
    by: Sequence[str] | None = None,
    *,
    onset: Milliseconds = 0.0,
    delay: Milliseconds = 50.0,
    width: Milliseconds = 100.0,
    bootstrap: Bootstrap | None = None,
    least_repeats: int = 5,
    least_units: int = 10,
    least_matched: Number = 0.1,
) -> dict[str, Measurement]:
    """Fano factor of the counts before and after the onset of a stimulus.

    Parameters
    ----------
    recording : Recording
        With stimuli that begin ``width`` or more after the trial does, or with blanks, trials of
        contrast 0, whose same window is then what came before.
    population : str
    by : sequence of str, optional
        Columns of the trial table that make a condition; all that were varied by default.
    onset : float
        When the stimulus begins (ms within the trial).
    delay : float
        The window of the response begins so long after the onset (ms).
    width : float
        Of both windows (ms): the Fano factor depends on it.
    bootstrap : Bootstrap, optional
        Units are resampled.
    least_repeats : int
        Conditions with fewer trials are left out.
    least_units : int
        With fewer units that fire on both sides all are insufficient.
    least_matched : float
        Smallest share of the points that may remain after matching.

    Returns
    -------
    dict of str to Measurement
        Of the population: ``fano_before`` and ``fano_after``, the mean over points of variance
        (dividing by trials less one) over mean, a point being a unit in a condition;
        ``fano_fall``, the former less the latter; ``matched_share``. ``fano_fall_unmatched``: the
        same without matching. n counts units.

    Notes
    -----
    A stimulus changes the rate, and the Fano factor may depend on the rate, as refractoriness
    makes it. Before and after are therefore compared at the same mean counts. In each bin of mean
    counts (factors of the square root of 2) points are weighted so that both sides have the
    smaller of their two shares, which is what discarding points at random does on average.

    References
    ----------
    M. M. Churchland et al. (2010), Stimulus onset quenches neural variability: a widespread
    cortical phenomenon, Nat. Neurosci. 13, 369-378, doi:10.1038/nn.2501.
    """
    how = bootstrap or Bootstrap()
    start, late, long = (
        plain(value, "ms", where=f"onset_measures.{name}")
        for name, value in (("onset", onset), ("delay", delay), ("width", width))
    )
    least = plain(least_matched, "1", where="onset_measures.least_matched")
    if long <= 0:
        raise SpecError(f"a window of {long:g} ms is empty", where="onset_measures.width")
    after_window = (start + late, start + late + long)
    blank = recording.trials.get("contrast", np.ones(recording.n_trials)) == 0
    shown = recording.take(np.flatnonzero(~blank)) if blank.any() else recording
    columns = varied(shown) if by is None else by
    if start >= long:
        before = _points(shown, population, columns, (start - long, start), least_repeats)
    elif blank.any():
        calm = _alike(recording.take(np.flatnonzero(blank)))
        before = _points(calm, population, ("blank",), after_window, least_repeats)
    else:
        raise SpecError(
            f"nothing is known from before the onset at {start:g} ms: show blanks, or let the"
            f" stimulus begin {long:g} ms after the trial or later",
            where="onset_measures.onset",
        )
    after = _points(shown, population, columns, after_window, least_repeats)
    return _found(before, after, recording.size(population), how, least_units, least)


def _alike(recording: Recording) -> Recording:
    """The recording with one column that is the same in all of its trials."""
    table = {"duration": recording.trials["duration"], "blank": np.zeros(recording.n_trials)}
    return Recording(recording.spikes, recording.shapes, table)


def _points(
    recording: Recording, population: str, by: Sequence[str], window: Window, least: int
) -> _Points:
    table = responses(recording, population, by, window)
    units, bins, ratios = [], [], []
    for condition in np.flatnonzero(table.n_trials >= max(least, 2)):
        counts = table.counts[table.condition == condition]
        mean = counts.mean(axis=0)
        fires = np.flatnonzero(mean > 0)
        units.append(fires)
        bins.append(np.searchsorted(_EDGES, mean[fires]))
        ratios.append(counts[:, fires].var(axis=0, ddof=1) / mean[fires])
    none = np.zeros(0, dtype=np.int64)
    return _Points(
        np.concatenate([none, *units]), np.concatenate([none, *bins]),
        np.concatenate([np.zeros(0), *ratios]),
    )  # fmt: skip


def _found(
    before: _Points, after: _Points, size: int, how: Bootstrap, least_units: int, least: float
) -> dict[str, Measurement]:
    units = np.intersect1d(before.unit, after.unit)
    rng = np.random.default_rng(how.seed)
    times = np.ones((1 + how.draws, size))
    if len(units):  # each resample draws as many of the units that have points on both sides
        drawn = rng.integers(0, len(units), (how.draws, len(units)))
        times[1:] = 0.0
        np.add.at(times[1:], (np.arange(how.draws)[:, None], units[drawn]), 1.0)
        times[0, np.setdiff1d(np.arange(size), units)] = 0.0
    one, other = (_binned(points, times) for points in (before, after))
    shares = [
        number / np.maximum(number.sum(axis=1, keepdims=True), 1) for number, _ in (one, other)
    ]
    common = np.minimum(*shares)
    matched = common.sum(axis=1)
    some = np.where(matched > 0, matched, 1.0)
    means = [
        np.where(matched > 0, (common * ratio).sum(axis=1) / some, np.nan)
        for _, ratio in (one, other)
    ]
    plainly = [
        (share * ratio).sum(axis=1) for share, (_, ratio) in zip(shares, (one, other), strict=True)
    ]
    few = np.array([len(units) < least_units])
    reasons: list[Reason] = [
        (f"{len(units)} units fire before and after, {least_units} are needed", few)
    ]
    apart: Reason = (
        f"mean counts before and after match in less than {least:g} of the points",
        np.array([matched[0] < least]),
    )
    values = {
        "fano_before": (means[0], [*reasons, apart]),
        "fano_after": (means[1], [*reasons, apart]),
        "fano_fall": (means[0] - means[1], [*reasons, apart]),
        "fano_fall_unmatched": (plainly[0] - plainly[1], reasons),
        "matched_share": (matched, reasons),
    }
    n = np.array([len(units)])
    return {
        name: measured(
            name, "1", value[:1], value[1:, None], n, how, why, counted="units", index={}
        )
        for name, (value, why) in values.items()
    }


def _binned(points: _Points, times: Array) -> tuple[Array, Array]:
    """Number of points per resample and bin, and their mean ratio (0 without points)."""
    member = np.zeros((len(points.unit), len(_EDGES) + 1))
    member[np.arange(len(points.unit)), points.bin] = 1.0
    each = times[:, points.unit]
    number = each @ member
    return number, (each @ (member * points.ratio[:, None])) / np.maximum(number, 1.0)
