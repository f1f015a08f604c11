"""Published effect of the surround on sparseness in V1, of natural scenes in apertures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from scnnbio.recording import Recording
from scnnbio.units import Milliseconds, plain
from scnnbio.validation.central_units import central_units
from scnnbio.validation.claim import Measure, Measured
from scnnbio.validation.evidence import Evidence
from scnnbio.validation.intervals import Positive
from scnnbio.validation.observation import Observation
from scnnbio.validation.protocol import Missing, Protocol

Array = NDArray[np.float64]

#: Repeats that a movie needs so that its noise is known, and bins from which sparseness is taken.
_REPEATS, _STIMULI = 3, 10
#: Standard errors by which the mean square of the rates has to exceed that of noise.
_ERRORS = 3.0

SURROUND = Observation(
    quantity="lifetime sparseness at the largest aperture, less that at the smallest",
    source="W. E. Vinje and J. L. Gallant (2000), Science 287, 1273-1276,"
    " doi:10.1126/science.287.5456.1273",
    stimulus="natural scenes, in the receptive field alone and beyond it",
    window="not stated",
    state="not stated",
    pooling="(1 - <r>^2 / <r^2>) / (1 - 1/n) over frames; rises with stimulation of the surround",
    differs="takes bins of 50 ms for frames, and takes the variance that noise adds from <r^2>,"
    " without which any lower rate looks sparser",
    note="a direction alone",
)


def sparseness_without_noise(counts: Array) -> Array:
    """Sparseness of the mean counts, of which the variance of noise is subtracted.

    Parameters
    ----------
    counts : array, shape (repeats, stimuli, units)

    Returns
    -------
    array, shape (units,)
        ``(1 - <r>^2 / <r^2>) / (1 - 1/n)`` with the unbiased ``<r^2>``; NaN where the mean square
        is not three standard errors of noise above 0.
    """
    repeats, n = counts.shape[:2]
    mean = counts.mean(axis=0)
    noise = counts.var(axis=0, ddof=1) / repeats
    square = (mean**2 - noise).mean(axis=0)
    # The noise of a mean square: each is off by about 2 r sqrt(noise).
    error = np.sqrt((4 * mean**2 * noise + 2 * noise**2).sum(axis=0)) / n
    known = square > _ERRORS * error
    average = mean.mean(axis=0) ** 2 - noise.sum(axis=0) / n**2
    return np.where(known, (1 - average / np.where(known, square, 1.0)) / (1 - 1 / n), np.nan)


@dataclass(frozen=True, eq=False)
class SurroundSparsening(Measure):
    """Lifetime sparseness of each unit at the largest aperture less that at the smallest.

    Parameters
    ----------
    bin_width : float
        Each bin of so many ms counts as a stimulus.
    """

    bin_width: Milliseconds = 50.0

    name: ClassVar[str] = "surround_sparsening"

    def __post_init__(self) -> None:
        object.__setattr__(self, "bin_width", plain(self.bin_width, "ms", where="bin_width"))

    def of(self, evidence: Evidence) -> Measured:
        """Measure the units that respond at both apertures."""
        recording = central_units(evidence)
        ends = [
            self._sparseness(recording, evidence.population, diameter)
            for diameter in np.unique(recording.trials["diameter"])[[0, -1]]
        ]
        value = ends[1] - ends[0]
        found = ~np.isnan(value)
        lost = {"responds too little at one of the apertures": int((~found).sum())}
        return Measured(value[found], lost, evidence.units[found])

    def _sparseness(self, recording: Recording, population: str, diameter: float) -> Array:
        trials = recording.trials
        kept = np.flatnonzero(trials["diameter"] == diameter)
        sequence, which = np.unique(trials["sequence"][kept], return_inverse=True)
        repeats = int(np.bincount(which).min())
        bins = int(np.floor(trials["duration"][kept].min() / self.bin_width + 1e-9))
        if repeats < _REPEATS or bins * len(sequence) < _STIMULI:
            raise Missing(
                f"{repeats} repeats of {len(sequence)} movies of {bins} bins; {_REPEATS} repeats"
                f" and {_STIMULI} bins in all are needed"
            )
        rows = np.stack([kept[which == k][:repeats] for k in range(len(sequence))], axis=1)
        counts = np.stack(
            [
                recording.counts(population, (k * self.bin_width, (k + 1) * self.bin_width))[rows]
                for k in range(bins)
            ],
            axis=2,
        ).astype(np.float64)
        return sparseness_without_noise(counts.reshape(repeats, -1, counts.shape[-1]))


CLAIMS = (
    Positive(
        name="vinje2000_surround_sparsens", observation=SURROUND, measure=SurroundSparsening(),
        protocol=Protocol("natural scenes in apertures", ("diameter", "sequence"), levels=2),
    ),
)  # fmt: skip
