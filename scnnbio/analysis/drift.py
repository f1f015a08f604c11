r"""Mean drift of a weight between correlated trains, theoretical and measured.

Two trains that fire together with probability :math:`J_k` per step, the second k steps after the
first, move a weight with free bounds by

.. math:: \langle \Delta w \rangle = \sum_k W_k J_k - a_\text{post} p

per step: the integral of the rule's window times the correlation of the trains (Kempter,
Gerstner & van Hemmen 1999, Phys Rev E 59:4498), on the grid of the simulation. A weight that P
places share moves P times as far, and the noise of the places is independent: the signal-to-noise
ratio of an update grows as the square root of P.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from numpy.typing import NDArray

from scnnbio.errors import SpecError
from scnnbio.experiment import Run
from scnnbio.inputs import CorrelatedPairs
from scnnbio.plasticity import SharedSTDP
from scnnbio.units import In, Milliseconds, plain, plain_array

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Drift:
    """Drift of weights per second and place, by the correlation of their trains.

    Parameters
    ----------
    correlation, lag : array, shape (conditions,)
        Correlation of the trains, and lag in ms.
    expected : array, shape (conditions,)
        Theoretical drift.
    mean, error : array, shape (conditions,)
        Measured: mean over weights, and its standard error.
    n : array of int, shape (conditions,)
        Number of weights per condition.
    places : int
        Number of places that share each weight.
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
        """Deviation of the mean from theory in standard errors, shape (conditions,)."""
        return (self.mean - self.expected) / self.error


def window(rule: SharedSTDP, shift: Milliseconds) -> float:
    """Change of a weight by one pair of spikes, with distant hard bounds, without ``a_post``.

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


def expected_drift(
    rule: SharedSTDP, pairs: CorrelatedPairs, dt: Milliseconds, delay: Milliseconds | None = None
) -> Array:
    """Mean change of each pair's weight per second and place, in trials that start from rest.

    Parameters
    ----------
    rule : SharedSTDP
        With hard bounds that no weight reaches, and all-to-all pairing.
    pairs : CorrelatedPairs
        The first trains arrive when the second ones make the cells fire, with one common delay.
    dt : float
        Step of the grid (ms).
    delay : float, optional
        From a spike to its arrival (ms); spikes that would arrive after the trial's end are lost.
        One step if not given.

    Returns
    -------
    ndarray (pairs,)
        The integral over all pairs of spikes in a trial; shorter trials have fewer pairs of
        distant spikes.

    Raises
    ------
    SpecError
        If the rule is of another kind, to which a sum over pairs does not apply.
    """
    if not isinstance(rule, SharedSTDP) or rule.bounds != "hard" or rule.pairing != "all-to-all":
        raise SpecError(
            "the sum over pairs needs SharedSTDP with hard bounds and all-to-all pairing",
            where="expected_drift.rule",
        )
    dt = plain(dt, "ms", where="expected_drift.dt")
    late = 1 if delay is None else round(plain(delay, "ms", where="expected_drift.delay") / dt)
    n = round(pairs.duration / dt)
    step = np.arange(1, n - late + 1)
    p = pairs.rate * dt * 1e-3
    # Mean pairings of a spike of the second train: with all earlier and all later steps.
    before = _geometric(np.exp(-dt / rule.tau_plus), step)
    after = _geometric(np.exp(-dt / rule.tau_minus), step[::-1]) - 1.0
    paired = p * (rule.a_plus * before - rule.a_minus * after) - rule.a_post

    def of(correlation: float, lag: float) -> float:
        shift = round(lag / dt)
        alone = p * (1.0 - correlation) / (1.0 - correlation * p)
        # Where there is no spike to copy, the second train fires independently.
        copies = (step - shift >= 1) & (step - shift <= n)
        fires = np.where(copies, p, alone)
        together = p * (correlation + (1.0 - correlation) * alone) - p * p
        both = max(len(step) - abs(shift), 0)
        return float((fires * paired).sum() + window(rule, lag) * together * both)

    rows = list(zip(*(values.tolist() for values in pairs.by_pair()), strict=True))
    known = {row: of(*row) for row in set(rows)}
    return np.array([known[row] for row in rows]) / (pairs.duration * 1e-3)


def _geometric(keep: float, terms: NDArray[np.int64]) -> Array:
    """1 + keep + keep**2 + ..., with the given numbers of terms."""
    return np.asarray((1.0 - keep**terms) / (1.0 - keep))


def drift(run: Run, projection: str) -> Drift:
    """Measured drift of the weights of a run, and the theoretical one.

    Parameters
    ----------
    run : Run
        Run of pairs of trains, each with a kernel of one element.
    projection : str
        Projection that learned, from the population that the trains drive.

    Returns
    -------
    Drift

    Raises
    ------
    SpecError
        If the run is of another kind.
    """
    before = run.experiment.network.projection(projection)
    driven = run.experiment.inputs.get(before.pre)
    if not isinstance(driven, CorrelatedPairs) or not isinstance(before.plasticity, SharedSTDP):
        raise SpecError(
            "is not a run of correlated pairs that learn by SharedSTDP", where="drift.run"
        )
    if not run.experiment.reset and driven.n_trials > 1:
        raise SpecError("trials do not start from rest; set reset = true", where="drift.run")
    expected = expected_drift(before.plasticity, driven, run.experiment.dt, before.delay)
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
    """Signal-to-noise ratio of an update against the number of places that share the weight.

    Parameters
    ----------
    places : array of int, shape (runs,)
    ratio : array, shape (runs,)
        Mean change of a weight, whatever its sign, divided by the standard deviation over weights.
    slope : float
        Least-squares slope of log ratio against log number of places.
    interval : (float, float)
        95 % interval of the slope, by resampling weights.
    """

    places: NDArray[np.int64]
    ratio: Array
    slope: float
    interval: tuple[float, float]


def signal_to_noise(
    changes: Mapping[int, Annotated[Array, In("1")]], seed: int = 0, draws: int = 2000
) -> SignalToNoise:
    """Growth of the signal-to-noise ratio of updates with the number of places that share a weight.

    Parameters
    ----------
    changes : mapping of int to ndarray (weights,)
        By number of places, the changes of weights with statistically equal trains.
    seed : int
        Seed of the resampling.
    draws : int
        Number of resamples of weights, with replacement.

    Returns
    -------
    SignalToNoise

    Raises
    ------
    SpecError
        If there are fewer than two numbers of places, changes do not vary, or their means have not
        one sign.
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
        values = plain_array(rows[int(number)], "1", where="signal_to_noise.changes")
        if values.ndim != 1 or len(values) < 2 or values.std() == 0:
            raise SpecError(
                f"the changes by {number} places have shape {values.shape}, or do not vary; give"
                " changes of two weights or more",
                where="signal_to_noise.changes",
            )
        ratio.append(values.mean() / values.std(ddof=1))
        again = rng.choice(values, (draws, len(values)))
        with np.errstate(divide="ignore"):
            drawn.append(again.mean(axis=1) / again.std(axis=1, ddof=1))
    sign = np.sign(ratio[0])
    if sign == 0 or (np.sign(ratio) != sign).any():
        raise SpecError(
            f"the mean changes, {', '.join(f'{r:.3g}' for r in ratio)} standard deviations, do not"
            " have one sign; give changes of more weights, or of longer runs",
            where="signal_to_noise.changes",
        )
    ratio, drawn = [sign * r for r in ratio], [sign * d for d in drawn]
    # A resample of few weights can be constant, or have a mean of the other sign.
    with np.errstate(invalid="ignore", divide="ignore"):
        low, high = np.nanquantile(slope(np.array(drawn)), (0.025, 0.975))
    found = slope(np.array(ratio)[:, None])[0]
    return SignalToNoise(places, np.array(ratio), float(found), (float(low), float(high)))


def changes_of(run: Run, projection: str) -> tuple[int, Array]:
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
