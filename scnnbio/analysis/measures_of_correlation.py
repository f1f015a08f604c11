"""Noise and signal correlation."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from scnnbio.analysis import correlations
from scnnbio.analysis.measurements import Bootstrap, Measurement, Reason, measured
from scnnbio.analysis.rates import Responses
from scnnbio.analysis.tables import grouped
from scnnbio.recording import Recording
from scnnbio.units import Window

Array = NDArray[np.float64]

#: Number of pairs above which pairs have no intervals of their own.
_MOST_PAIRS = 20_000


def correlation_measures(
    recording: Recording,
    population: str,
    by: Sequence[str] | None = None,
    *,
    window: Window | None = None,
    bootstrap: Bootstrap | None = None,
    least_trials: int = 10,
    least_conditions: int = 4,
) -> dict[str, Measurement]:
    """Noise and signal correlation of each pair, and their means over the pairs.

    Parameters
    ----------
    recording : Recording
    population : str
    by : sequence of str, optional
        As for :func:`count_measures`.
    window : (float, float), optional
        ms within the trial, on whose length both depend; the whole trial by default.
    bootstrap : Bootstrap, optional
        Its trials are the same for all units. With more than 20,000 pairs the means alone have
        intervals.
    least_trials, least_conditions : int
        A pair with fewer is insufficient.

    Returns
    -------
    dict of str to Measurement
        ``noise_correlation`` and ``signal_correlation`` of pairs, ``mean_noise_correlation`` and
        ``mean_signal_correlation``. The interval of a mean reflects the choice of trials, not
        that of units.

    References
    ----------
    A. S. Ecker et al. (2010), Science 327, 584-587, doi:10.1126/science.1179867 (z-scores per
    condition); A. Kohn and M. A. Smith (2005), J. Neurosci. 25, 3661-3673,
    doi:10.1523/JNEUROSCI.5106-04.2005.
    """
    how = bootstrap or Bootstrap()
    table = grouped(recording, population, by, window)
    noise = correlations.noise_correlation(table, min_trials=least_trials)
    signal = correlations.signal_correlation(table, min_conditions=least_conditions)
    draws = {"noise": _noise_draws(table, how), "signal": _signal_draws(table, how)}
    found: dict[str, Measurement] = {}
    for word, pairs, least, counted in (
        ("noise", noise, least_trials, "trials"),
        ("signal", signal, least_conditions, "conditions"),
    ):
        name = f"{word}_correlation"
        each, means = draws[word]
        reasons: list[Reason] = [(f"fewer than {least} {counted} in which both vary",
                                  pairs.n < least)]  # fmt: skip
        index = {"unit_1": pairs.first, "unit_2": pairs.second}
        found[name] = measured(
            name, "1", pairs.value, each, pairs.n, how, reasons, counted=counted, index=index
        )
        n = np.array([int((~np.isnan(pairs.value)).sum())])
        found[f"mean_{name}"] = measured(
            f"mean_{name}", "1", np.array([pairs.mean]), means[:, None], n, how,
            [("no pair has a value", n == 0)], counted="pairs", index={},
        )  # fmt: skip
    return found


def _each(how: Bootstrap, units: int) -> tuple[Array, NDArray[np.int64], NDArray[np.int64], bool]:
    first, second = np.triu_indices(units, k=1)
    keep = len(first) <= _MOST_PAIRS
    each = np.full((how.draws, len(first)), np.nan) if keep else np.full((1, len(first)), np.nan)
    return each, first, second, keep


def _noise_draws(table: Responses, how: Bootstrap) -> tuple[Array, Array]:
    """Noise correlation of each pair in resamples, and its mean over the pairs."""
    weights = how.weights(table.condition)
    counts = table.counts.astype(np.float64)
    each, first, second, keep = _each(how, counts.shape[1])
    means = np.full(how.draws, np.nan)
    # A condition of a single trial gives no estimate of noise.
    rows = np.flatnonzero((table.condition >= 0) & (table.n_trials[table.condition] > 1))
    condition = table.condition[rows]
    member = (condition[:, None] == np.arange(len(table.n_trials))).astype(np.float64)
    here = counts[rows]
    for draw in range(how.draws):
        w = weights[draw, rows][:, None]
        mean = member.T @ (w * here)
        centred = here - mean[condition]
        spread = np.sqrt(np.maximum(member.T @ (w * centred**2), 0.0))
        varies = spread > 1e-9
        scores = centred / np.where(varies, spread, 1.0)[condition] * varies[condition]
        root = scores * np.sqrt(w * table.n_trials[condition][:, None])
        if varies.all() and not keep:
            means[draw] = _mean_product(root) / table.n_trials.sum()
            continue
        short = root.astype(np.float32)  # precise enough for means over trials
        value = (short.T @ short).astype(np.float64) if not keep else root.T @ root
        number = (varies * table.n_trials[:, None]).T @ varies.astype(np.float64)
        value /= np.maximum(number, 1)
        means[draw] = _pair_mean(value, number > 0)
        if keep:
            each[draw] = np.where(number > 0, value, np.nan)[first, second]
    return each, means


def _mean_product(columns: Array) -> float:
    """Mean inner product over pairs of columns, without forming the pairs."""
    n = columns.shape[1]
    both = (columns.sum(axis=1) ** 2).sum() - (columns**2).sum()
    return float(both / (n * (n - 1))) if n > 1 else float("nan")


def _pair_mean(value: Array, valid: NDArray[np.bool_]) -> float:
    """Mean over the pairs of a symmetric matrix that is 0 where it is not valid."""
    pairs = valid.sum() - np.trace(valid)
    return float((value.sum() - np.trace(value)) / pairs) if pairs else float("nan")


def _signal_draws(table: Responses, how: Bootstrap) -> tuple[Array, Array]:
    """Signal correlation of each pair in resamples, and its mean over the pairs."""
    weights = how.weights(table.condition)
    counts = table.counts.astype(np.float64)
    each, first, second, keep = _each(how, counts.shape[1])
    means = np.full(how.draws, np.nan)
    member = (table.condition[:, None] == np.arange(len(table.n_trials))).astype(np.float64)
    for draw in range(how.draws):
        mean = (member * weights[draw][:, None]).T @ counts
        centred = mean - mean.mean(axis=0)
        norm = np.sqrt((centred**2).sum(axis=0))
        varies = norm > 1e-12
        unit = centred / np.where(varies, norm, 1.0) * varies
        means[draw] = _mean_product(unit[:, varies])
        if keep:
            valid = varies[:, None] & varies
            each[draw] = np.where(valid, unit.T @ unit, np.nan)[first, second]
    return each, means
