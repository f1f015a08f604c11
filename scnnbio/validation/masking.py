"""What a mask at right angles does to the contrast response: division, or subtraction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from scnnbio.analysis.masking import MaskedCurves, MaskFit, fit_masks, masked_curves
from scnnbio.errors import SpecError
from scnnbio.validation.central_units import central_units
from scnnbio.validation.claim import Measure, Measured
from scnnbio.validation.evidence import Evidence
from scnnbio.validation.intervals import Positive
from scnnbio.validation.observation import Observation
from scnnbio.validation.protocol import ANY, Missing

#: Hz; a unit whose response to the grating alone is smaller has no curve.
_LEAST = 5.0


@dataclass(frozen=True)
class _Curves:
    def of(self, evidence: Evidence) -> tuple[MaskedCurves, MaskFit]:
        name = evidence.population
        try:
            curves = masked_curves(central_units(evidence.bind(protocol=ANY)), name)
        except Missing:
            raise
        except SpecError as error:
            raise Missing(str(error)) from None
        return curves, fit_masks(curves.alone, curves.masked, curves.contrast)


def curves_and_fits(evidence: Evidence) -> tuple[MaskedCurves, MaskFit]:
    """Curves of the central units of one population with and without a mask, and their fits.

    Raises
    ------
    Missing
        If the recording has no such trials.
    """
    return evidence.measured(_Curves())


def responds(curves: MaskedCurves) -> np.ndarray:
    """Units with a response to the grating alone, shape (units,)."""
    return np.asarray(curves.alone[:, -1] - curves.spontaneous >= _LEAST)


@dataclass(frozen=True, eq=False)
class Division(Measure):
    """Variance that division of the contrast explains, less that of a subtraction.

    Parameters
    ----------
    sign : {1, -1}
        -1 for what subtraction explains more.
    """

    sign: Literal[1, -1] = 1

    name: ClassVar[str] = "division"

    def of(self, evidence: Evidence) -> Measured:
        """Fit the curves of every unit that responds to the grating alone."""
        curves, fits = curves_and_fits(evidence)
        shown, fitted = responds(curves), ~np.isnan(fits.division)
        lost = {
            f"responds with less than {_LEAST:g} Hz": int((~shown).sum()),
            "no fit": int((shown & ~fitted).sum()),
        }
        kept = shown & fitted
        return Measured(
            self.sign * fits.division[kept], {k: n for k, n in lost.items() if n},
            evidence.units[kept],
        )  # fmt: skip


def _observed(quantity: str, source: str) -> Observation:
    return Observation(
        quantity=quantity,
        source=source,
        stimulus="gratings of growing contrast, alone and with a mask at right angles",
        window="the whole trial",
        pooling="mean rates over repeats; one Naka-Rushton function and one number for the mask are"
        " fitted to both curves of a unit",
        note="a direction alone; sign test over maps, which share a network",
    )


CLAIMS = (
    Positive(
        name="mask_divides",
        observation=_observed(
            "variance explained if the mask multiplies c50, less that explained if it subtracts",
            "M. Carandini, D. J. Heeger and J. A. Movshon (1997), Linearity and normalization in"
            " simple cells of the macaque primary visual cortex, J. Neurosci. 17, 8621-8644",
        ),
        measure=Division(),
    ),
    Positive(
        name="mask_subtracts",
        observation=_observed(
            "variance explained if the mask subtracts, less that explained if it multiplies c50",
            "design",
        ),
        measure=Division(sign=-1),
    ),
)  # fmt: skip
