"""Effect of driven VIP cells on how pyramidal cells respond to gratings of growing diameter."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from scnnbio.analysis.curves import Curves, tuning_curves
from scnnbio.analysis.measurements import Bootstrap
from scnnbio.analysis.measures_of_size import sizes_of
from scnnbio.errors import SpecError
from scnnbio.validation.central_units import central_units
from scnnbio.validation.claim import About, Measure, Measured
from scnnbio.validation.evidence import Evidence
from scnnbio.validation.intervals import Positive
from scnnbio.validation.observation import Observation
from scnnbio.validation.protocol import ANY, Missing, Protocol

SIZES = Protocol("gratings of several diameters", ("diameter",), "contrast", levels=3)
#: Hz; a unit whose largest response is smaller has no curve.
_LEAST = 2.0


@dataclass(frozen=True)
class _Curves:
    def of(self, evidence: Evidence) -> Curves:
        try:
            return tuning_curves(
                central_units(evidence.bind(protocol=ANY)), evidence.population, "diameter",
                bootstrap=Bootstrap(draws=0), f1=True,
            )  # fmt: skip
        except Missing:
            raise
        except SpecError as error:
            raise Missing(str(error)) from None


def size_curves(evidence: Evidence) -> Curves:
    """Size tuning of the central units of one population.

    Raises
    ------
    Missing
        If the recording has no such trials.
    """
    return evidence.measured(_Curves())


@dataclass(frozen=True, eq=False)
class Release(Measure):
    """Change of each unit between two circuits, of which the VIP cells of the second are driven.

    Parameters
    ----------
    of_what : {"response", "suppression"}
        Rise of the mean rate at the largest diameter, in Hz, or fall of the suppression index.
    """

    of_what: Literal["response", "suppression"] = "response"

    name: ClassVar[str] = "release"
    about: ClassVar[About] = "populations"

    @property
    def unit(self) -> str:  # type: ignore[override]
        """Unit of the change."""
        return "Hz" if self.of_what == "response" else "1"

    def of(self, evidence: Evidence) -> Measured:
        """Compare the two circuits unit by unit."""
        if len(evidence.populations) != 2:
            raise Missing("the claim needs two populations: at rest, with driven VIP cells")
        rest, driven = (size_curves(part) for part in evidence.each)
        if rest.rate.shape != driven.rate.shape:
            raise Missing("the two populations have different numbers of maps")
        if self.of_what == "response":
            change = driven.rate[:, -1] - rest.rate[:, -1]
        else:
            change = sizes_of(rest)[1][0] - sizes_of(driven)[1][0]
        peaks = [sizes_of(one)[0].max(axis=1) for one in (rest, driven)]
        kept = (np.minimum(*peaks) >= _LEAST) & ~np.isnan(change)
        lost = int((~kept).sum())
        reason = f"respond with less than {_LEAST:g} Hz in one of the circuits"
        return Measured(change[kept], {reason: lost} if lost else {})


CLAIMS = (
    Positive(
        name="vip_disinhibits",
        observation=Observation(
            quantity="rise of pyramidal responses to a large grating when VIP cells are driven",
            source="Y. Fu, J. M. Tucciarone, J. S. Espinosa, N. Sheng, D. P. Darcy, R. A. Nicoll,"
            " Z. J. Huang and M. P. Stryker (2014), A cortical circuit for gain control by"
            " behavioral state, Cell 156, 1139-1152",
            species="mouse V1",
            unit="Hz",
            stimulus="gratings that fill the field",
            pooling="mean rates, unit by unit",
            note="a direction alone",
        ),
        measure=Release(),
        protocol=SIZES,
    ),
    Positive(
        name="vip_frees_surround",
        observation=Observation(
            quantity="fall of the surround suppression index when VIP cells are driven",
            source="A. J. Keller, M. Dipoppa, M. M. Roth, M. S. Caudill, A. Ingrosso, K. D. Miller"
            " and M. Scanziani (2020), A disinhibitory circuit for contextual modulation in"
            " primary visual cortex, Neuron 108, 1181-1193",
            species="mouse V1",
            stimulus="gratings of growing diameter",
            pooling="(peak - plateau) / peak, unit by unit",
            note="a direction alone",
        ),
        measure=Release("suppression"),
        protocol=SIZES,
    ),
)
