r"""The mean drift of a weight between correlated trains, by theory and as measured.

Two trains that fire together with probability :math:`J_k` per step, the second k steps after the
first, move a weight with free bounds by

.. math:: \langle \Delta w \rangle = \sum_k W_k J_k - a_\text{post} p

per step: the integral of the window of the rule against the correlation of the trains (Kempter,
Gerstner & van Hemmen 1999, Phys Rev E 59:4498), on the grid of the simulation. A weight that P
places share moves P times as far, and the noise of the places is independent: the signal of an
update over its noise grows as the root of P.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scnnbio.errors import SpecError
from scnnbio.experiment import Run
from scnnbio.inputs import CorrelatedPairs
from scnnbio.plasticity import SharedSTDP
from scnnbio.units import Milliseconds, plain

Array = NDArray[np.float64]

#: The window is summed over so many time constants on each side: 3e-11 of it lie beyond.
_REACH = 24.0


@dataclass(frozen=True, eq=False)
class Drift:
    """Drift of weights per second and place, by the correlation of their trains.

    Parameters
    ----------
    correlation, lag : array, shape (conditions,)
        Of the trains; lag in ms.
    expected : array, shape (conditions,)
        By theory.
    mean, error : array, shape (conditions,)
        Measured: mean over weights, and its standard error.
    n : array of int, shape (conditions,)
        Weights of each condition.
    places : int
        That share each weight.
    """

    correlation: Array
    lag: Array
    expected: Array
    mean: Array
    error: Array
    n: NDArray[np.int64]
    places: int

    @property
    def deviation(self) -> Array:
        """How many standard errors the mean is from theory, shape (conditions,)."""
        return (self.mean - self.expected) / self.error


def window(rule: SharedSTDP, shift: Milliseconds) -> float:
    """What one pair of spikes changes, where bounds are hard and far, without ``a_post``.

    Parameters
    ----------
    rule : SharedSTDP
    shift : float
        Postsynaptic spike minus presynaptic arrival (ms). At 0 the arrival comes first.

    Returns
    -------
    float
    """
    at = plain(shift, "ms", where="window.shift")
    if at >= 0:
        return float(rule.a_plus * np.exp(-at / rule.tau_plus))
    return float(-rule.a_minus * np.exp(at / rule.tau_minus))


def expected_drift(rule: SharedSTDP, pairs: CorrelatedPairs, dt: Milliseconds) -> Array:
    """Mean change of each pair's weight per second and place.

    Parameters
    ----------
    rule : SharedSTDP
        With hard bounds, which are so far away that no weight meets them, and all-to-all pairing.
    pairs : CorrelatedPairs
        Its first trains arrive when its second ones fire the cells, with one delay.
    dt : float
        Step of the grid (ms).

    Returns
    -------
    ndarray (pairs,)

    Raises
    ------
    SpecError
        If the rule is of another kind, for which no sum over pairs holds.
    """
    if not isinstance(rule, SharedSTDP) or rule.bounds != "hard" or rule.pairing != "all-to-all":
        raise SpecError(
            "the sum over pairs is that of SharedSTDP with hard bounds and all-to-all pairing",
            where="expected_drift.rule",
        )
    dt = plain(dt, "ms", where="expected_drift.dt")
    correlation, lag = pairs.by_pair()
    p = pairs.rate * dt * 1e-3
    alone = p * (1.0 - correlation) / (1.0 - correlation * p)
    together = p * (correlation + (1.0 - correlation) * alone)
    after = np.arange(int(_REACH * rule.tau_plus / dt)) * dt
    before = np.arange(1, int(_REACH * rule.tau_minus / dt)) * dt
    area = rule.a_plus * np.exp(-after / rule.tau_plus).sum()
    area -= rule.a_minus * np.exp(-before / rule.tau_minus).sum()
    copied = np.array([window(rule, float(shift)) for shift in lag])
    per_step = area * p * p + copied * (together - p * p) - rule.a_post * p
    return np.asarray(per_step / dt * 1e3)


def drift(run: Run, projection: str = "learned", source: str = "trains") -> Drift:
    """Measured drift of the weights of a run, and that of theory.

    Parameters
    ----------
    run : Run
        Of pairs of trains, each with a kernel of one element.
    projection : str
        Whose weights learned.
    source : str
        The population that the trains drive.

    Returns
    -------
    Drift

    Raises
    ------
    SpecError
        If the run is of another kind.
    """
    driven = run.experiment.inputs[source]
    before = run.experiment.network.projection(projection)
    if not isinstance(driven, CorrelatedPairs) or not isinstance(before.plasticity, SharedSTDP):
        raise SpecError("is no run of correlated pairs that learn by SharedSTDP", where="drift.run")
    expected = expected_drift(before.plasticity, driven, run.experiment.dt)
    places = int(np.prod(before.connector.out_shape[1:]))
    seconds = run.experiment.duration / 1000.0
    changed = run.weights[projection][before.connector.present]
    changed = changed - before.kernel[before.connector.present]
    rate = changed / places / seconds
    both = np.column_stack(driven.by_pair())
    conditions, which = np.unique(both, axis=0, return_inverse=True)
    of = [rate[which.ravel() == k] for k in range(len(conditions))]
    return Drift(
        conditions[:, 0],
        conditions[:, 1],
        np.array([expected[which.ravel() == k][0] for k in range(len(conditions))]),
        np.array([values.mean() for values in of]),
        np.array([values.std(ddof=1) / np.sqrt(len(values)) for values in of]),
        np.array([len(values) for values in of]),
        places,
    )


@dataclass(frozen=True, eq=False)
class SignalToNoise:
    """Signal of an update over its noise, against the number of places that share the weight.

    Parameters
    ----------
    places : array of int, shape (runs,)
    ratio : array, shape (runs,)
        Mean change of a weight over the standard deviation from weight to weight.
    slope : float
        Of the logarithm of the ratio on that of the number of places, least squares.
    interval : (float, float)
        95 % interval of the slope, by resampling weights.
    """

    places: NDArray[np.int64]
    ratio: Array
    slope: float
    interval: tuple[float, float]


def signal_to_noise(
    changes: Mapping[int, Array] | Sequence[tuple[int, Array]], seed: int = 0, draws: int = 2000
) -> SignalToNoise:
    """How the signal of an update over its noise grows with the places that share a weight.

    Parameters
    ----------
    changes : mapping of int to ndarray (weights,)
        By number of places, the changes of weights whose trains are alike.
    seed : int
        Of the resampling.
    draws : int
        How often weights are drawn anew, with replacement.

    Returns
    -------
    SignalToNoise

    Raises
    ------
    SpecError
        If there are fewer than two numbers of places.
    """
    rows = dict(changes)
    if len(rows) < 2:
        raise SpecError("a slope needs two numbers of places", where="signal_to_noise.changes")
    places = np.array(sorted(rows), dtype=np.int64)
    rng = np.random.default_rng(seed)

    def slope(ratios: Array) -> Array:
        x = np.log(places) - np.log(places).mean()
        return np.asarray((x[:, None] * np.log(ratios)).sum(axis=0) / (x**2).sum())

    ratio, drawn = [], []
    for number in places:
        values = np.asarray(rows[int(number)], dtype=np.float64)
        ratio.append(values.mean() / values.std(ddof=1))
        again = rng.choice(values, (draws, len(values)))
        drawn.append(again.mean(axis=1) / again.std(axis=1, ddof=1))
    with np.errstate(invalid="ignore"):
        low, high = np.nanquantile(slope(np.array(drawn)), (0.025, 0.975))
    found = slope(np.array(ratio)[:, None])[0]
    return SignalToNoise(places, np.array(ratio), float(found), (float(low), float(high)))


def changes_of(run: Run, projection: str = "learned") -> tuple[int, Array]:
    """Number of places of a run, and the change of each of its weights.

    Parameters
    ----------
    run : Run
    projection : str

    Returns
    -------
    places : int
    changes : ndarray (weights,)
    """
    before = run.experiment.network.projection(projection)
    present = before.connector.present
    changed = run.weights[projection][present] - before.kernel[present]
    return int(np.prod(before.connector.out_shape[1:])), changed
