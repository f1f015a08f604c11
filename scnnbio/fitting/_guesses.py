"""First candidates of a search: spread over all bounds, half of them as the recording suggests."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from scnnbio.fitting._cell import before_spikes
from scnnbio.fitting._responses import Cell
from scnnbio.fitting.objective import Target
from scnnbio.neurons.whitelist import check_expression

Array = NDArray[np.float64]

#: Added to both ends of what the recording suggests (mV).
_MARGIN = 2.0
#: Quantiles of potentials that are suggested.
_QUANTILES = (0.05, 0.95)


def suggested(cell: Cell, target: Target) -> dict[int, tuple[float, float]]:
    """Places, from 0 to 1, between which the recording suggests a free parameter.

    The potential shortly before a spike suggests a threshold, that shortly after it the potential
    to which the neuron is reset.

    Parameters
    ----------
    cell : Cell
    target : Target

    Returns
    -------
    dict of int to (float, float)
        By the number of the parameter; empty without spikes, or if the neuron is not linear: the
        threshold of others ends an upstroke.
    """
    model, found = cell.described, {}
    around = _around_spikes(target)
    if around is None or not before_spikes(model):
        return {}
    in_rates = set().union(*(check_expression(state.rate) for state in model.states))
    thresholds = check_expression(model.threshold) - in_rates
    resets = {text for state, sign, text in model.resets if state == "v" and sign == "="}
    for k, free in enumerate(cell.free):
        for names, potentials in zip((thresholds, resets), around, strict=True):
            if free.unit == "mV" and free.name in names:
                low, high = np.quantile(potentials, _QUANTILES)
                found[k] = free.place(low - _MARGIN), free.place(high + _MARGIN)
    return found


def _around_spikes(target: Target) -> tuple[Array, Array] | None:
    """Recorded potentials below the level, within the cut before and after spikes."""
    before, after = target.objective.cut
    parts: tuple[list[Array], list[Array]] = ([], [])
    for sweep, spikes in zip(target.sweeps, target.spikes, strict=True):
        for spike in spikes:
            for part, (begin, end) in zip(
                parts, ((spike - before, spike), (spike, spike + after)), strict=True
            ):
                inside = slice(max(round(begin / sweep.period), 0), round(end / sweep.period))
                near = sweep.potential[inside]
                part.append(near[near < target.objective.level])
    joined = [np.concatenate([*part, np.zeros(0)]) for part in parts]
    return (joined[0], joined[1]) if all(part.size for part in joined) else None


def first_candidates(
    n: int,
    low: Array,
    high: Array,
    hints: dict[int, tuple[float, float]],
    rng: np.random.Generator,
) -> Array:
    """First candidates, (n, free): a Latin hypercube, of which every other one keeps to the hints.

    Parameters
    ----------
    n : int
    low, high : ndarray (free,)
    hints : dict of int to (float, float)
        Ends for some columns.
    rng : Generator
    """
    strata = np.stack([rng.permutation(n) for _ in low], axis=1) + rng.random((n, len(low)))
    found = low + (high - low) * strata / n
    for column, (first, last) in hints.items():
        hinted = rng.uniform(first, last, len(found[::2]))
        found[::2, column] = np.clip(hinted, low[column], high[column])
    return np.asarray(found)
