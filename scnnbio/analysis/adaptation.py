"""Rate against current and spike-frequency adaptation, from long square current steps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from numpy.typing import ArrayLike, NDArray

from scnnbio.analysis.elephants import statistics
from scnnbio.errors import SpecError
from scnnbio.experiment import Run
from scnnbio.units import In, plain_array

Array = NDArray[np.float64]

#: Source of the published medians.
SOURCE = (
    "medians over the 645 neurons of mouse V1 of Teeter et al. 2018, Nat Commun 9:709"
    " (doi:10.1038/s41467-017-02717-4), features of the Allen Cell Types Database"
)


@dataclass(frozen=True)
class Published:
    """Features of recorded cells: median and quartiles."""

    n: int
    median: float
    low: float
    high: float


#: Adaptation index of recorded cells, by type; see :data:`SOURCE`.
ADAPTATION = {
    "excitatory": Published(299, 0.035, 0.020, 0.072),
    "inhibitory": Published(236, 0.014, 0.003, 0.052),
}

#: Current above rheobase (nA) at which the index is taken, and the range that is accepted.
HERO = (0.05, 0.039, 0.061)


@dataclass(frozen=True, eq=False)
class Adaptation:
    """A population under constant current, one current per channel.

    Parameters
    ----------
    population : str
    current : array, shape (channels,)
        nA.
    rate : array, shape (channels,)
        Spikes over the duration of the step, Hz.
    first_rate, last_rate : array, shape (channels,)
        Hz, the inverse of the first and the last interval; NaN with fewer than two spikes.
    index : array, shape (channels,)
        :func:`adaptation_index`.
    intervals : mapping of int to array
        Intervals in ms by channel, for channels with any.
    """

    population: str
    current: Array
    rate: Array
    first_rate: Array
    last_rate: Array
    index: Array
    intervals: Mapping[int, Array]

    @property
    def rheobase(self) -> float:
        """Smallest current with a spike, nA; NaN if there is none."""
        fires = np.flatnonzero(self.rate > 0)
        return float(self.current[fires[0]]) if len(fires) else np.nan

    @property
    def hero(self) -> int:
        """Channel nearest to 50 pA above rheobase, within 39 to 61 pA.

        Raises
        ------
        SpecError
            If no current is in that range.
        """
        above = self.current - self.rheobase
        channel = int(np.argmin(np.abs(np.nan_to_num(above, nan=np.inf) - HERO[0])))
        if not HERO[1] <= above[channel] <= HERO[2]:
            raise SpecError(
                f"no current of {self.population!r} is {HERO[1]:g} to {HERO[2]:g} nA above its"
                " rheobase",
                where="adaptation",
            )
        return channel


def adaptation_index(intervals: Annotated[ArrayLike, In("ms")]) -> float:
    """Mean of (later - earlier)/(later + earlier) over adjacent intervals; NaN for fewer than two.

    0 without adaptation, above 0 where intervals lengthen.

    Parameters
    ----------
    intervals : array, shape (n,)
        Intervals of one trial, in order of time.

    Returns
    -------
    float

    Examples
    --------
    >>> round(adaptation_index([10.0, 30.0, 30.0]), 3)
    0.25
    """
    isi = plain_array(intervals, "ms", where="adaptation_index")
    if len(isi) < 2:
        return np.nan
    return float(np.mean((isi[1:] - isi[:-1]) / (isi[1:] + isi[:-1])))


def adaptation(run: Run, population: str) -> Adaptation:
    """Rates and adaptation of the first neuron of every channel, in the run's one trial.

    Parameters
    ----------
    run : Run
        Run of one trial, under constant current.
    population : str
        With one value of ``i_offset`` per channel.

    Returns
    -------
    Adaptation

    Raises
    ------
    SpecError
        If there are several trials.

    References
    ----------
    Teeter et al. 2018, Nat Commun 9:709; the index is that of the Allen Cell Types Database
    (Technical white paper: electrophysiology), taken 39 to 61 pA above rheobase.
    """
    elephant = statistics()
    if run.recording.n_trials != 1:
        raise SpecError(f"the run has {run.recording.n_trials} trials; run one", where="adaptation")
    layer, spikes = run.experiment.network.population(population), run.recording.spikes[population]
    each = layer.shape[1] * layer.shape[2]
    trains = [np.sort(spikes.time[spikes.unit == k * each]) for k in range(layer.shape[0])]
    intervals = {k: np.asarray(elephant.isi(t)) for k, t in enumerate(trains) if len(t) > 1}
    ends = np.full((2, len(trains)), np.nan)
    for k, found in intervals.items():
        ends[:, k] = 1e3 / found[[0, -1]]
    return Adaptation(
        population=population,
        current=layer.channel_values("i_offset").copy(),
        rate=np.array([len(t) for t in trains]) / run.experiment.trial_duration * 1e3,
        first_rate=ends[0],
        last_rate=ends[1],
        index=np.array([adaptation_index(intervals.get(k, ())) for k in range(len(trains))]),
        intervals=intervals,
    )
