"""Agreement of two recordings of the same trials: spikes, distances of trains, and statistics.

Elephant computes distances and correlations; it takes seconds to import and is imported on first
use. Its measures of one pair of trains cost milliseconds: they are computed on a seeded sample,
whose size is part of the result. Elephant has no SPIKE distance (Kreuz et al. 2013).
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scnnbio._exclusive import ignore_warnings
from scnnbio.analysis.alignment import Alignment, align
from scnnbio.analysis.paired import (
    Statistic,
    mean,
    mean_rates,
    paired_correlation,
    paired_cv,
    paired_rate,
)
from scnnbio.errors import SpecError
from scnnbio.recording import Recording
from scnnbio.units import Milliseconds, plain

Array = NDArray[np.float64]

#: Largest number of spikes per train: Victor and Purpura's distance needs memory for its square.
_LONGEST = 4000


@dataclass(frozen=True)
class Settings:
    """How recordings are compared.

    Parameters
    ----------
    tau : float
        Time constant of van Rossum's distance (ms); ``1 / tau`` is the cost per ms of moving a
        spike in that of Victor and Purpura.
    trains : int
        Number of trains for the distances, drawn among those with spikes.
    units : int
        Number of neurons whose pairs are correlated, drawn among those that fire.
    neurons : int
        Number of neurons for the coefficient of variation, drawn in the same way.
    bin : float
        Bin of the correlations (ms), shortened so that a trial is a whole number of bins.
    min_intervals : int
        A neuron with fewer inter-spike intervals has no coefficient of variation.
    seed : int
        Seed of the samples and of the confidence intervals.
    """

    tau: Milliseconds = 10.0
    trains: int = 200
    units: int = 100
    neurons: int = 1000
    bin: Milliseconds = 10.0
    min_intervals: int = 10
    seed: int = 1

    def __post_init__(self) -> None:
        for name in ("tau", "bin"):
            value = plain(getattr(self, name), "ms", where=f"settings.{name}")
            if value <= 0:
                raise SpecError(f"{value:g} ms is not positive", where=f"settings.{name}")
            object.__setattr__(self, name, value)


@dataclass(frozen=True)
class Distance:
    """A distance between trains, over a sample of those that fire in either recording.

    Parameters
    ----------
    mean, largest : float
        NaN if no train fires.
    n, of : int
        Trains in the sample, and trains that fire.
    left_out : int
        Trains of the sample that are too long, and count in neither ``n`` nor ``of``.
    """

    mean: float
    largest: float
    n: int
    of: int
    left_out: int = 0


@dataclass(frozen=True, eq=False)
class Agreement:
    """Agreement of two recordings of one population.

    Parameters
    ----------
    population : str
    units, active : int
        Number of neurons, and of those that fire in either recording.
    spikes : (int, int)
        Number in the reference and in the other.
    identical : float
        Fraction of the active neurons all of whose trains are identical.
    same_counts : float
        Fraction of the trains with spikes that have the same number in both.
    count_difference : (float, int)
        Mean and largest difference of spike counts, over trains with spikes.
    first_difference : (float, float)
        Median and largest distance of first spikes (ms), over trains with spikes in both.
    first_missing : int
        Number of trains with spikes in one recording only.
    shift : (float, float)
        Median and largest distance of the k-th spikes (ms), over trains with equally many in both.
    van_rossum, victor_purpura : Distance
    rate : Statistic
        Mean rate (Hz); the difference is relative to the reference.
    cv : Statistic
        Coefficient of variation of intervals.
    correlation : Statistic
        Correlation of spike counts of pairs of neurons.
    rates : (array, array), each of shape (units,)
        Mean rate of each neuron (Hz), for figures.
    alignment : Alignment
        For figures.
    """

    population: str
    units: int
    active: int
    spikes: tuple[int, int]
    identical: float
    same_counts: float
    count_difference: tuple[float, int]
    first_difference: tuple[float, float]
    first_missing: int
    shift: tuple[float, float]
    van_rossum: Distance
    victor_purpura: Distance
    rate: Statistic
    cv: Statistic
    correlation: Statistic
    rates: tuple[Array, Array]
    alignment: Alignment

    @property
    def all_identical(self) -> bool:
        """Whether every train is the same in both."""
        return bool(self.alignment.identical.all())

    def to_dict(self) -> dict[str, Any]:
        """Plain values, without the fields for figures."""
        skipped = ("rates", "alignment")
        return {
            item.name: _plain(getattr(self, item.name))
            for item in dataclasses.fields(self)
            if item.name not in skipped
        }


def agreement(
    reference: Recording, other: Recording, population: str, settings: Settings | None = None
) -> Agreement:
    """Compare two recordings of one population.

    Parameters
    ----------
    reference, other : Recording
        Recordings of the same trials and neurons, in the same order.
    population : str
    settings : Settings, optional

    Returns
    -------
    Agreement

    Raises
    ------
    SpecError
        If the recordings have different trials or neurons.

    References
    ----------
    M. C. W. van Rossum (2001), Neural Comput. 13, 751-763 (one additional spike has distance 1
    here, as in Elephant, and sqrt(1/2) in the paper). J. D. Victor and K. P. Purpura (1996), J.
    Neurophysiol. 76, 1310-1326.
    """
    settings, pair = settings or Settings(), (reference, other)
    found = align(reference, other, population)
    active = found.active
    ours, theirs = found.counts
    fires = np.flatnonzero(active.any(axis=0))
    count = np.abs(ours - theirs)[active]
    both = (ours > 0) & (theirs > 0)
    van_rossum, victor_purpura = _distances(pair, population, found, settings)
    drawn = np.random.default_rng([settings.seed, 1]).permutation(fires)
    few, many = np.sort(drawn[: settings.units]), np.sort(drawn[: settings.neurons])
    return Agreement(
        population=population,
        units=active.shape[1],
        active=len(fires),
        spikes=(int(ours.sum()), int(theirs.sum())),
        identical=mean(np.asarray(found.identical.all(axis=0))[fires]),
        same_counts=mean(found.same_counts[active]),
        count_difference=(mean(count), int(count.max(initial=0))),
        first_difference=_median_and_largest(np.abs(found.first[1] - found.first[0])[both]),
        first_missing=int((active & ~both).sum()),
        shift=_median_and_largest(np.abs(found.shift)),
        van_rossum=van_rossum,
        victor_purpura=victor_purpura,
        rate=paired_rate(pair, population, settings.seed),
        cv=paired_cv(pair, population, many, settings.min_intervals, settings.seed),
        correlation=paired_correlation(pair, population, few, settings.bin, settings.seed),
        rates=(mean_rates(reference, population), mean_rates(other, population)),
        alignment=found,
    )


def _median_and_largest(values: Array) -> tuple[float, float]:
    if not values.size:
        return float("nan"), float("nan")
    return float(np.median(values)), float(values.max())


def _plain(value: Any) -> Any:
    """Plain values that JSON can hold; undefined ones are None."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {key: _plain(item) for key, item in dataclasses.asdict(value).items()}
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return None if isinstance(value, float) and not np.isfinite(value) else value


def _distances(
    pair: tuple[Recording, Recording], population: str, found: Alignment, settings: Settings
) -> tuple[Distance, Distance]:
    """Both distances, for a sample of the trains with spikes; identical trains have distance 0."""
    trains = np.flatnonzero(found.active.ravel())
    rng = np.random.default_rng([settings.seed, 0])
    chosen = np.sort(rng.permutation(trains)[: settings.trains])
    longest = np.maximum(*found.counts).ravel()[chosen]
    kept = chosen[longest <= _LONGEST]
    values = np.zeros((2, len(kept)))
    durations = pair[0].trials["duration"]
    for place in np.flatnonzero(~found.identical.ravel()[kept]):
        train = int(kept[place])
        stop = float(durations[train // found.active.shape[1]])
        values[:, place] = _apart(*found.times(train), stop, settings.tau)
    return tuple(  # type: ignore[return-value]
        Distance(
            mean=mean(row),
            largest=float(row.max()) if row.size else float("nan"),
            n=len(kept),
            of=len(trains),
            left_out=len(chosen) - len(kept),
        )
        for row in values
    )


def _apart(ours: Array, theirs: Array, stop: float, tau: float) -> Array:
    """Distances of van Rossum, and of Victor and Purpura, between two trains."""
    import neo
    import quantities as pq
    from elephant.spike_train_dissimilarity import van_rossum_distance, victor_purpura_distance

    # k * dt may exceed the duration by a rounding error, which Neo refuses.
    trains = [neo.SpikeTrain(np.minimum(t, stop), units=pq.ms, t_stop=stop) for t in (ours, theirs)]
    # A rounding error below zero, which Elephant sets to zero.
    with ignore_warnings("van_rossum_distance: very small negative"):
        rossum = van_rossum_distance(trains, tau * pq.ms)[0, 1]
    purpura = victor_purpura_distance(trains, 1.0 / (tau * pq.ms), algorithm="fast")[0, 1]
    return np.array([float(rossum), float(purpura)])


def largest_signal_difference(
    reference: Recording, other: Recording, population: str, variable: str, found: Alignment
) -> float:
    """Largest difference of a sampled state, in trains that are identical in both recordings.

    Parameters
    ----------
    reference, other : Recording
        Sampled at the same times.
    population, variable : str
    found : Alignment
        Alignment of the population's spikes.

    Returns
    -------
    float
        In the variable's unit; NaN if no sampled train is identical.
    """
    ours, theirs = (r.signals[population][variable] for r in (reference, other))
    same = found.identical[np.ix_(ours.trial, ours.unit)]
    gap = np.abs(ours.values - theirs.values)[same]
    return float(gap.max()) if gap.size else float("nan")
