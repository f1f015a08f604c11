"""Published changes of variability in V1: at stimulus onset, with the mean, from area to area."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import scipy
from numpy.typing import NDArray

from scnnbio.analysis import noise_correlation, onset_measures, responses
from scnnbio.analysis.measurements import Bootstrap
from scnnbio.analysis.tables import varied
from scnnbio.errors import SpecError
from scnnbio.recording import Recording
from scnnbio.units import Window, plain_window
from scnnbio.validation.central_units import central_units
from scnnbio.validation.claim import Measure, Measured
from scnnbio.validation.evidence import Evidence
from scnnbio.validation.intervals import IntervalAbove, Ordered, Positive
from scnnbio.validation.observation import Observation
from scnnbio.validation.orientation_tuning import GRATINGS
from scnnbio.validation.physiology import InOrder, Physiology, with_blanks
from scnnbio.validation.protocol import Missing

Array = NDArray[np.float64]

#: Resamples of units, and their seed.
_DRAWS, _SEED = 500, 0
#: Trials of a condition, and conditions of a unit, from which a variance is compared with a mean.
_TRIALS, _CONDITIONS = 5, 5

ONSET = Observation(
    quantity="fall of the Fano factor at stimulus onset, at the same mean counts",
    source="M. M. Churchland et al. (2010), Nat. Neurosci. 13, 369-378, doi:10.1038/nn.2501",
    species="macaque and cat cortex",
    stimulus="many; the fall was found in every data set",
    window="windows that move over the onset",
    pooling="variance over mean of each cell and stimulus, cells discarded until the mean counts"
    " before and after are distributed alike",
    differs="compares 100 ms from 50 ms after the onset with the same window of blanks, and gives"
    " weights in place of discarding",
    note="a direction alone",
)
SPONTANEOUS_CORRELATION = Observation(
    quantity="mean noise correlation in blanks, less that in trials with a stimulus",
    source="M. A. Smith and A. Kohn (2008), J. Neurosci. 28, 12591-12603,"
    " doi:10.1523/JNEUROSCI.2929-08.2008",
    stimulus="a blank screen, and gratings",
    window="not stated",
    state="not stated",
    pooling="mean over pairs of Pearson's coefficient; spontaneous about twice evoked",
    note="a direction alone",
)
VARIANCE_AND_MEAN = Observation(
    quantity="rank correlation of the variance and the mean of a cell's counts over stimuli",
    source="W. S. Geisler and D. G. Albrecht (1997), Visual cortex neurons in monkeys and cats,"
    " Vis. Neurosci. 14, 897-919",
    species="macaque and cat V1",
    stimulus="gratings",
    window="200 ms",
    state="not stated",
    pooling="the variance is proportional to the mean",
    differs="asks whether the variance grows with the mean, in 30 to 230 ms",
    note="a direction alone; a Poisson process has it",
)
GAIN_VARIANCE = Observation(
    quantity="variance of the gain in V1, less that in the LGN",
    source="R. L. T. Goris, J. A. Movshon and E. P. Simoncelli (2014), Nat. Neurosci. 17, 858-865,"
    " doi:10.1038/nn.3711",
    species="macaque LGN and V1",
    stimulus="gratings",
    window="not stated",
    state="not stated",
    pooling="per cell, of a Poisson process whose rate a gain multiplies in each trial",
    note="an ordering alone. Bind it to two populations, the LGN first",
)


def pairs_in_blanks(
    recording: Recording, population: str, window: Window | None
) -> tuple[Array, Array]:
    """Noise correlation of each pair in blanks and with a stimulus.

    Parameters
    ----------
    recording : Recording
        Trials of contrast 0 are the blanks.
    population : str
    window : (float, float), optional
        ms within the trial; the whole trial by default.

    Returns
    -------
    blanks, shown : array, shape (units, units)
        NaN on the diagonal, and for pairs with fewer than 10 trials in which both vary.

    Raises
    ------
    Missing
        If there are no blanks, or nothing else.
    """
    blank = recording.trials.get("contrast", np.ones(recording.n_trials)) == 0
    found = []
    for kept, of in ((blank, "blanks"), (~blank, "trials with a stimulus")):
        if not kept.any():
            raise Missing(f"no {of}")
        part = recording.take(np.flatnonzero(kept))
        if of == "blanks":
            table = {"duration": part.trials["duration"], "blank": np.zeros(part.n_trials)}
            part = Recording(part.spikes, part.shapes, table)
        pairs = noise_correlation(responses(part, population, varied(part) or ["blank"], window))
        square = np.full((recording.size(population),) * 2, np.nan)
        square[pairs.first, pairs.second] = square[pairs.second, pairs.first] = pairs.value
        found.append(square)
    return found[0], found[1]


@dataclass(frozen=True, eq=False)
class OnsetDecline(Measure):
    """Fall of the Fano factor at stimulus onset at matched mean counts, with its 95 % interval."""

    name: ClassVar[str] = "onset_decline"
    columns: ClassVar[tuple[str, ...]] = ("fano_fall", "low", "high")

    def of(self, evidence: Evidence) -> Measured:
        """Compare blanks with trials of the protocol."""
        found = onset_measures(
            with_blanks(evidence), evidence.population, bootstrap=Bootstrap(_DRAWS, seed=_SEED)
        )["fano_fall"]
        if found.insufficient[0]:
            return Measured(np.zeros((0, 3)), {found.insufficient[0]: 1})
        return Measured(np.column_stack([found.value, found.low, found.high]))


@dataclass(frozen=True, eq=False)
class SpontaneousCorrelation(Measure):
    """Mean noise correlation in blanks less that with a stimulus; the interval resamples units."""

    name: ClassVar[str] = "spontaneous_correlation"
    windowed: ClassVar[bool] = True
    columns: ClassVar[tuple[str, ...]] = ("spontaneous_less_evoked_correlation", "low", "high")

    def of(self, evidence: Evidence) -> Measured:
        """Compare the pairs that have a value in both."""
        blanks, shown = pairs_in_blanks(with_blanks(evidence), evidence.population, evidence.window)
        apart = blanks - shown
        pairs = int((~np.isnan(apart)).sum()) // 2
        units = np.flatnonzero((~np.isnan(apart)).any(axis=1))
        if len(units) < 10:
            few = f"{len(units)} units vary in blanks and with a stimulus, 10 are needed"
            return Measured(np.zeros((0, 3)), {few: pairs})
        rng = np.random.default_rng(_SEED)
        means = []
        for _ in range(_DRAWS):
            drawn = rng.choice(units, len(units))
            # A unit that is drawn twice makes no pair with itself: the diagonal is NaN.
            means.append(np.nanmean(apart[np.ix_(drawn, drawn)]))
        low, high = np.nanquantile(means, [0.025, 0.975])
        return Measured(np.array([[np.nanmean(apart), low, high]]))


@dataclass(frozen=True, eq=False)
class VarianceWithMean(Measure):
    """Spearman's coefficient of the variance and the mean of each unit's counts over conditions.

    Parameters
    ----------
    window : (float, float)
        ms within the trial.
    """

    window: Window = (30.0, 230.0)

    name: ClassVar[str] = "variance_with_mean"

    def __post_init__(self) -> None:
        object.__setattr__(self, "window", plain_window(self.window, where="window"))

    def of(self, evidence: Evidence) -> Measured:
        """Measure the units that fire in five conditions or more."""
        recording = central_units(evidence)
        try:
            table = responses(recording, evidence.population, varied(recording), self.window)
        except SpecError as error:
            raise Missing(str(error)) from None
        kept = np.flatnonzero(table.n_trials >= _TRIALS)
        if len(kept) < _CONDITIONS:
            few = f"{len(kept)} conditions have {_TRIALS} trials, {_CONDITIONS} are needed"
            return Measured(np.zeros(0), {few: len(evidence.units)})
        counts = [table.counts[table.condition == c].astype(np.float64) for c in kept]
        mean = np.stack([c.mean(axis=0) for c in counts])
        variance = np.stack([c.var(axis=0, ddof=1) for c in counts])
        values = np.full(mean.shape[1], np.nan)
        for unit in range(mean.shape[1]):
            some = mean[:, unit] > 0
            if (
                some.sum() >= _CONDITIONS
                and np.ptp(mean[some, unit])
                and np.ptp(variance[some, unit])
            ):
                values[unit] = scipy.stats.spearmanr(mean[some, unit], variance[some, unit])[0]
        found = ~np.isnan(values)
        few = f"fires in fewer than {_CONDITIONS} conditions"
        return Measured(values[found], {few: int((~found).sum())}, evidence.units[found])


CLAIMS = (
    IntervalAbove(
        name="churchland2010_onset", observation=ONSET, measure=OnsetDecline(), protocol=GRATINGS
    ),
    IntervalAbove(
        name="smith2008_spontaneous_correlation", observation=SPONTANEOUS_CORRELATION,
        measure=SpontaneousCorrelation(), protocol=GRATINGS,
    ),
    Positive(
        name="geisler1997_variance_grows", observation=VARIANCE_AND_MEAN,
        measure=VarianceWithMean(), protocol=GRATINGS,
    ),
    Ordered(
        name="goris2014_gain_variance", observation=GAIN_VARIANCE,
        measure=InOrder(Physiology("gain_variance"), larger="second"), protocol=GRATINGS,
        divide=0.0,
    ),
)  # fmt: skip
