"""Predicting the counts of a recording from the responses of a model to the same stimuli."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import scipy
from numpy.typing import NDArray

from scnnbio.analysis.measurements import Bootstrap, Measurement, Reason, measured
from scnnbio.analysis.rates import Responses, responses
from scnnbio.analysis.tables import STIMULUS_COLUMNS, varied
from scnnbio.errors import SpecError
from scnnbio.recording import Recording
from scnnbio.units import Window

Array = NDArray[np.float64]

#: Penalties of the ridge that are tried within each training set.
_PENALTIES = np.logspace(-2, 5, 15)
#: A unit whose counts do not differ between stimuli at this level, by an analysis of variance, is
#: left out: a share of a variance that is hardly above noise says nothing.
_LEVEL = 0.001
#: Least share of the variance of mean counts that repeats explain.
_LEAST_SHARE = 0.1


def encoding_measures(
    model: Recording,
    population: str,
    recorded: Recording,
    target: str,
    by: Sequence[str] | None = None,
    *,
    window: Window | None = None,
    recorded_window: Window | None = None,
    folds: int = 5,
    seed: int = 0,
) -> dict[str, Measurement]:
    """Share of a recording's explainable variance that the model's responses predict.

    The mean counts of the model's units to each stimulus predict the mean count of each recorded
    unit by a ridge regression. Stimuli are divided once into ``folds`` parts; those of a part are
    predicted by what was fitted to the others, where the penalty is chosen by leaving out single
    stimuli (``sklearn.linear_model.RidgeCV``).

    Parameters
    ----------
    model : Recording
    population : str
        Its units predict.
    recorded : Recording
    target : str
        Population whose units are predicted.
    by : sequence of str, optional
        Columns that identify a stimulus in both trial tables, such as ``sequence`` for the number
        of a photograph; by default what was varied in the recording.
    window, recorded_window : (float, float), optional
        ms within the trial, of the model and of the recording; the whole trial by default.
    folds : int
    seed : int
        Of the division into parts.

    Returns
    -------
    dict of str to Measurement
        Of each recorded unit ``explained_share``: ``1 - (E - N) / (V - N)``, where E is the mean
        squared error of predicted mean counts, V the variance of the mean counts over stimuli, and
        N the variance of a mean that remains of the trials: 1 where all that repeats is predicted,
        0 where the mean count would do as well, negative where it would do better.
        ``explainable_share``: (V - N) / V, the noise ceiling. No intervals: units are resampled
        for a population. n counts stimuli.

    Raises
    ------
    SpecError
        If the two share fewer than three stimuli per part, or the recording repeats none.

    References
    ----------
    M. Sahani and J. F. Linden (2003), Adv. Neural Inf. Process. Syst. 15 (explainable variance);
    O. Schoppe et al. (2016), Front. Comput. Neurosci. 10, 10, doi:10.3389/fncom.2016.00010.
    """
    if folds < 2:
        raise SpecError(f"{folds} parts leave nothing to train on; 2 are needed", where="folds")
    columns = [c for c in STIMULUS_COLUMNS if c in varied(recorded)] if by is None else list(by)
    if not columns:
        raise SpecError("the recording shows one stimulus alone", where="encoding_measures")
    ours = responses(model, population, columns, window)
    theirs = responses(recorded, target, columns, recorded_window)
    mine, its = _shared(ours, theirs)
    kept = theirs.n_trials[its] > 1
    mine, its = mine[kept], its[kept]
    if len(its) < 3 * folds:
        raise SpecError(
            f"{len(its)} stimuli are in both and repeated in the recording, compared by"
            f" {', '.join(columns)}; {3 * folds} are needed for {folds} parts",
            where="encoding_measures",
        )
    mean, noise, differs = _means(theirs, its)
    guess = _predicted(ours.rates[mine], mean, folds=folds, seed=seed)
    total = mean.var(axis=0, ddof=1)
    explainable = total - noise
    error = ((mean - guess) ** 2).mean(axis=0)
    steady = explainable < _LEAST_SHARE * total
    with np.errstate(divide="ignore", invalid="ignore"):
        explained = 1.0 - (error - noise) / explainable
        ceiling = np.where(total > 0, explainable / total, np.nan)
    n, how = np.full(mean.shape[1], len(its)), Bootstrap(draws=0)
    silent: Reason = ("no spikes", mean.max(axis=0) == 0)
    same: Reason = ("counts do not differ between stimuli", ~differs | steady)
    none = np.zeros((0, mean.shape[1]))
    return {
        "explained_share": measured(
            "explained_share", "1", explained, none, n, how, [silent, same], counted="stimuli"
        ),
        "explainable_share": measured(
            "explainable_share", "1", ceiling, none, n, how, [silent, same], counted="stimuli"
        ),
    }


def _predicted(features: Array, mean: Array, *, folds: int, seed: int) -> Array:
    """Mean counts (stimuli, units) as a ridge predicts them that was fitted without their part.

    ``features`` are (stimuli, predictors), and ``mean`` (stimuli, units).
    """
    from sklearn.linear_model import RidgeCV

    part = np.random.default_rng(seed).permutation(len(mean)) % folds
    guess = np.empty_like(mean)
    for k in range(folds):
        train, test = part != k, part == k
        centre, spread = features[train].mean(axis=0), features[train].std(axis=0)
        # A unit that does not vary in the training set tells nothing.
        scaled = (features - centre)[:, spread > 0] / spread[spread > 0]
        if not scaled.shape[1]:
            guess[test] = mean[train].mean(axis=0)
            continue
        ridge = RidgeCV(alphas=_PENALTIES, alpha_per_target=True).fit(scaled[train], mean[train])
        guess[test] = ridge.predict(scaled[test]).reshape(-1, mean.shape[1])
    return guess


def _shared(ours: Responses, theirs: Responses) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Conditions of both that show the same, in the same order."""
    keys = [
        {
            tuple(np.round(np.asarray(row, dtype=np.float64), 6)): k
            for k, row in enumerate(zip(*side.conditions.values(), strict=True))
        }
        for side in (ours, theirs)
    ]
    both = [(keys[0][key], k) for key, k in keys[1].items() if key in keys[0]]
    pairs = np.array(both, dtype=np.int64).reshape(-1, 2)
    return pairs[:, 0], pairs[:, 1]


def _means(theirs: Responses, its: NDArray[np.int64]) -> tuple[Array, Array, NDArray[np.bool_]]:
    """Mean counts (stimuli, units), the noise in them (units,), and which units differ at all."""
    groups = [theirs.counts[theirs.condition == k].astype(np.float64) for k in its]
    mean = np.stack([group.mean(axis=0) for group in groups])
    noise = np.stack([group.var(axis=0, ddof=1) / len(group) for group in groups]).mean(axis=0)
    varies = np.ptp(np.concatenate(groups), axis=0) > 0
    differs = np.zeros(mean.shape[1], dtype=bool)
    if varies.any():
        with np.errstate(divide="ignore", invalid="ignore"):
            found = scipy.stats.f_oneway(*[group[:, varies] for group in groups])
        differs[varies] = np.asarray(found.pvalue) < _LEVEL
    return mean, noise, differs
