"""Simple and complex cells: modulation by a grating, invariance to phase, tolerance to position."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from scnnbio.analysis import modulation_measures
from scnnbio.analysis.measurements import Bootstrap
from scnnbio.analysis.tolerance import position_spread
from scnnbio.errors import SpecError
from scnnbio.recording import Recording
from scnnbio.validation.central_units import central_units
from scnnbio.validation.claim import About, Measure, Measured
from scnnbio.validation.comparisons import FractionAtMost
from scnnbio.validation.evidence import Evidence
from scnnbio.validation.intervals import Positive
from scnnbio.validation.observation import Observation
from scnnbio.validation.physiology import Physiology
from scnnbio.validation.protocol import Missing, Protocol

DRIFTING = Protocol("drifting gratings", ("temporal_frequency", "orientation"), "contrast")
PHASES = Protocol("standing gratings", ("phase", "orientation"), "contrast", levels=3)
BARS = Protocol("moving bars", ("speed", "direction"))

_SKOTTUN_1991 = (
    "B. C. Skottun, R. L. De Valois, D. H. Grosof, J. A. Movshon, D. G. Albrecht and A. B. Bonds"
    " (1991), Classifying simple and complex cells on the basis of response modulation, Vision Res."
    " 31, 1079-1086"
)
_HUBEL_1962 = (
    "D. H. Hubel and T. N. Wiesel (1962), Receptive fields, binocular interaction and functional"
    " architecture in the cat's visual cortex, J. Physiol. 160, 106-154"
)
#: Responses to fewer spikes per second have no meaningful modulation.
_LEAST = 1.0


@dataclass(frozen=True)
class _Modulation:
    def of(self, evidence: Evidence) -> NDArray[np.float64]:
        name = evidence.population
        try:
            found = modulation_measures(
                central_units(evidence), name, bootstrap=Bootstrap(draws=0), least_repeats=1
            )
        except Missing:
            raise
        except SpecError as error:
            raise Missing(str(error)) from None
        ratio, rate = (np.asarray(found[n].value) for n in ("modulation_ratio", "f0"))
        return np.where(rate >= _LEAST, ratio, np.nan)


@dataclass(frozen=True)
class _Spread:
    def of(self, evidence: Evidence) -> NDArray[np.float64]:
        return spread_of(central_units(evidence), evidence.population)


def spread_of(recording: Recording, population: str) -> NDArray[np.float64]:
    """Position spread of each unit (deg).

    Raises
    ------
    Missing
        If no bar moved.
    """
    try:
        return position_spread(recording, population)
    except SpecError as error:
        raise Missing(str(error)) from None


def modulation_of(evidence: Evidence) -> NDArray[np.float64]:
    """F1/F0 of each central unit at its best stimulus; NaN below 1 Hz."""
    return evidence.measured(_Modulation())


def _by_map(
    evidence: Evidence, each: _Modulation | _Spread, sign: float
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Difference of the second population from the first, map by map, and where both have one."""
    if len(evidence.populations) != 2:
        raise Missing("the claim needs two populations: simple, complex")
    first, second = (part.measured(each) for part in evidence.each)
    if len(first) != len(second):
        raise Missing(f"populations of {len(first)} and {len(second)} maps cannot be paired")
    difference = sign * (second - first)
    return difference, ~np.isnan(difference)


def _paired(evidence: Evidence, each: _Modulation | _Spread, sign: float) -> Measured:
    difference, both = _by_map(evidence, each, sign)
    lost = int((~both).sum())
    return Measured(difference[both], {"one of the two fires too little": lost} if lost else {})


class PhaseInvariance(Measure):
    """F1/F0 over the phases of standing gratings: of a map's simple cell less its complex one."""

    name: ClassVar[str] = "phase_invariance"
    about: ClassVar[About] = "populations"

    def of(self, evidence: Evidence) -> Measured:
        """Compare the populations map by map."""
        return _paired(evidence, _Modulation(), -1.0)


class PositionTolerance(Measure):
    """Spread of the positions of a bar at which a map's complex cell fires, less its simple one."""

    name: ClassVar[str] = "position_tolerance"
    unit: ClassVar[str] = "deg"
    about: ClassVar[About] = "populations"

    def of(self, evidence: Evidence) -> Measured:
        """Compare the populations map by map."""
        return _paired(evidence, _Spread(), 1.0)


def _modulated(what: str) -> Observation:
    return Observation(
        quantity=f"share of {what} cells on the other side of F1/F0 = 1",
        source=_SKOTTUN_1991,
        species="cat and macaque V1",
        value=0.2,
        stimulus="drifting gratings, each cell at its best",
        pooling="F1 amplitude over mean rate",
        note="the dip of their histogram is at 1; the share is a round number",
    )


CLAIMS = (
    FractionAtMost(
        name="simple_modulated",
        observation=_modulated("simple"),
        measure=Physiology("modulation_ratio"),
        protocol=DRIFTING,
        below=1.0,
        minimum=8,
    ),
    FractionAtMost(
        name="complex_unmodulated",
        observation=_modulated("complex"),
        # 1 less the ratio is below 0 where the ratio is above 1.
        measure=Physiology("modulation_ratio", reading="one less"),
        protocol=DRIFTING,
        below=0.0,
        minimum=8,
    ),
    Positive(
        name="phase_invariance",
        observation=Observation(
            quantity="F1/F0 over the phases of standing gratings, simple less complex cell",
            source=_HUBEL_1962,
            species="cat V1",
            stimulus="standing gratings at equally spaced phases",
            pooling="first harmonic over the phase, over the mean rate; map by map",
            note="a direction alone",
        ),
        measure=PhaseInvariance(),
        protocol=PHASES,
    ),
    Positive(
        name="position_tolerance",
        observation=Observation(
            quantity="spread of the positions of a bar that make a cell fire, complex less simple",
            source=_HUBEL_1962,
            species="cat V1",
            unit="deg",
            stimulus="a bright bar that moves in the best direction",
            pooling="range between the quartiles of the positions at spikes; map by map",
            note="a direction alone",
        ),
        measure=PositionTolerance(),
        protocol=BARS,
    ),
)
