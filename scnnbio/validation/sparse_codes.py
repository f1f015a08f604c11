"""Effect of lateral inhibition on the code of photographs: sparser, less correlated, no worse."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from scnnbio.analysis.sparse_codes import Code, code_of
from scnnbio.errors import SpecError
from scnnbio.validation.claim import About, Measure, Measured
from scnnbio.validation.evidence import Evidence
from scnnbio.validation.intervals import Positive
from scnnbio.validation.observation import Observation
from scnnbio.validation.protocol import Missing

_VINJE_2000 = (
    "W. E. Vinje and J. L. Gallant (2000), Sparse coding and decorrelation in primary visual cortex"
    " during natural vision, Science 287, 1273-1276"
)
_OLSHAUSEN_1996 = (
    "B. A. Olshausen and D. J. Field (1996), Emergence of simple-cell receptive field properties by"
    " learning a sparse code for natural images, Nature 381, 607-609"
)


def codes(evidence: Evidence) -> tuple[Code, Code]:
    """Codes of the two populations that are judged: with inhibition, and without.

    Raises
    ------
    Missing
        Unless there are two, and pictures were shown.
    """
    if len(evidence.populations) != 2:
        raise Missing("the claim needs two populations: with inhibition, without")
    try:
        first, second = (evidence.once(code_of, name) for name in evidence.populations)
    except Missing:
        raise
    except (SpecError, KeyError) as error:
        raise Missing(str(error)) from None
    if len(first.lifetime) != len(second.lifetime):
        raise Missing("the two populations have different numbers of maps")
    return first, second


class Sparsening(Measure):
    """Lifetime sparseness of each map's central unit with inhibition, less that without."""

    name: ClassVar[str] = "sparsening"
    about: ClassVar[About] = "populations"

    def of(self, evidence: Evidence) -> Measured:
        """Compare the layers map by map."""
        first, second = codes(evidence)
        return _kept(first.lifetime - second.lifetime, "silent in one of the layers")


class Decorrelation(Measure):
    """Size of the correlation of two maps without inhibition, less that with it."""

    name: ClassVar[str] = "decorrelation"
    about: ClassVar[About] = "populations"

    def of(self, evidence: Evidence) -> Measured:
        """Compare the layers pair by pair."""
        first, second = codes(evidence)
        change = np.abs(second.correlation) - np.abs(first.correlation)
        return _kept(change, "one of the pair is silent in one of the layers")


class Reconstruction(Measure):
    """Variance left by a reconstruction without inhibition, less that with it, per part."""

    name: ClassVar[str] = "reconstruction_gain"
    about: ClassVar[About] = "populations"

    def of(self, evidence: Evidence) -> Measured:
        """Compare the layers on the same held-out pictures."""
        first, second = codes(evidence)
        return Measured(second.error - first.error)


def _kept(change: np.ndarray, reason: str) -> Measured:
    some = ~np.isnan(change)
    lost = int((~some).sum())
    return Measured(change[some], {reason: lost} if lost else {})


CLAIMS = (
    Positive(
        name="inhibition_sparsens",
        observation=Observation(
            quantity="lifetime sparseness with inhibition, less that without",
            source=_VINJE_2000,
            stimulus="natural images",
            pooling="(1 - <r>^2 / <r^2>) / (1 - 1/n) over images, map by map",
            differs="surrounds of the receptive field, not a lateral inhibition, changed it",
            note="a direction alone",
        ),
        measure=Sparsening(),
    ),
    Positive(
        name="inhibition_decorrelates",
        observation=Observation(
            quantity="absolute correlation of two maps without inhibition, less that with it",
            source=_VINJE_2000,
            stimulus="natural images",
            pooling="Pearson's correlation of counts over images, each shown once; pair by pair",
            differs="surrounds of the receptive field, not a lateral inhibition, changed it",
            note="a direction alone; pairs share cells, so that the test is too sure",
        ),
        measure=Decorrelation(),
    ),
    Positive(
        name="picture_is_kept",
        observation=Observation(
            quantity="variance of held-out pictures that a linear reconstruction leaves without"
            " inhibition, less that with it",
            source=_OLSHAUSEN_1996,
            species="theory",
            stimulus="natural images",
            pooling="ridge regression from counts, five parts, each reconstructed from the others",
            note="a direction alone: agreement says that the inhibited layer tells more",
        ),
        measure=Reconstruction(),
        minimum=5,
    ),
)
