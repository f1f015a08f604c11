"""Orientation tuning of spikes: circular variance and bandwidth.

Spikes are measured at the centre of each map, each cell at its own best grating; silent cells are
excluded and counted.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from scnnbio.analysis import tuning
from scnnbio.errors import SpecError
from scnnbio.validation.claim import Measure, Measured
from scnnbio.validation.comparisons import DistributionLike
from scnnbio.validation.evidence import Evidence
from scnnbio.validation.observation import Observation
from scnnbio.validation.papers import RINGACH_2002
from scnnbio.validation.protocol import Missing, Protocol

Array = NDArray[np.float64]

#: Gratings of the highest contrast that was shown.
GRATINGS = Protocol(stimulus="drifting gratings", columns=("orientation",), highest="contrast")
#: The same, with enough orientations for a curve.
TURN = Protocol(
    stimulus="drifting gratings", columns=("orientation",), highest="contrast", levels=4
)

CIRCULAR_VARIANCE = Observation(
    quantity="circular variance of the mean rate",
    source=RINGACH_2002,
    n=308,
    value=0.605,
    interval=(0.335, 0.785),
    counts=np.array([10, 29, 28, 31, 28, 27, 40, 40, 49, 26]),
    edges=np.linspace(0.0, 1.0, 11),
    stimulus="drifting gratings of all orientations",
    window="mean rate of the steady response",
    state="not stated",
    pooling="mean rate over trials, spontaneous rate not subtracted; each cell at its own best"
    " spatial frequency",
    differs="the best spatial frequency shown is taken as the preferred one, and"
    " the whole trial counts, with its onset; few spikes make a flat curve look tuned",
)

HALF_BANDWIDTH = Observation(
    quantity="half width at 1/sqrt(2) of the peak",
    source=RINGACH_2002,
    n=308,
    unit="deg",
    value=23.5,
    interval=(19.0, 33.0),
    counts=np.array([90, 122, 51, 17, 11, 6, 2, 1]),
    edges=np.linspace(10.0, 90.0, 9),
    above=8,
    stimulus=CIRCULAR_VARIANCE.stimulus,
    window=CIRCULAR_VARIANCE.window,
    state=CIRCULAR_VARIANCE.state,
    pooling="curve of mean rates smoothed by (0.4, 1, 0.4) and splined, spontaneous rate not"
    " subtracted; a curve that never falls that low counts as above 90 deg",
    differs="the smoothing is in samples, and the model's orientations need not be spaced"
    " as in the paper; otherwise as for the circular variance",
)


def curves(evidence: Evidence) -> tuple[Array, Array]:
    """Angles, and tuning curves of the cells that are not silent."""
    angles, rates = evidence.orientation_curves
    if len(angles) < evidence.protocol.levels:
        raise Missing(f"{len(angles)} orientations are too few for a tuning curve")
    rates = rates[evidence.responsive]
    if np.isnan(rates).any():
        raise Missing("not every orientation was shown at every spatial frequency")
    return angles, rates


class SpikeCircularVariance(Measure):
    """Circular variance of each cell's mean rates."""

    name: ClassVar[str] = "circular_variance"
    windowed: ClassVar[bool] = True

    def of(self, evidence: Evidence) -> Measured:
        """Measure the cells that are not silent."""
        angles, rates = curves(evidence)
        values = tuning.circular_variance(rates, angles)
        return Measured(values, evidence.silent, evidence.units[evidence.responsive])


class SpikeHalfBandwidth(Measure):
    """Half bandwidth of each cell; infinite where its curve never falls far enough."""

    name: ClassVar[str] = "half_bandwidth"
    unit: ClassVar[str] = "deg"
    windowed: ClassVar[bool] = True

    def of(self, evidence: Evidence) -> Measured:
        """Measure the cells that are not silent."""
        angles, rates = curves(evidence)
        try:
            width = tuning.half_bandwidth(rates, angles)
        except SpecError as error:  # angles that are not equally spaced over a turn
            raise Missing(str(error)) from None
        values = np.where(np.isnan(width), np.inf, width)
        return Measured(values, evidence.silent, evidence.units[evidence.responsive])


CLAIMS = (
    DistributionLike(
        name="ringach2002_circular_variance",
        observation=CIRCULAR_VARIANCE,
        measure=SpikeCircularVariance(),
        protocol=TURN,
    ),
    DistributionLike(
        name="ringach2002_half_bandwidth",
        observation=HALF_BANDWIDTH,
        measure=SpikeHalfBandwidth(),
        protocol=TURN,
    ),
)
