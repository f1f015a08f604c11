"""What it does to kernels that all places share them, those of a region, or none."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from scnnbio.analysis.sharing import Learned, learned
from scnnbio.errors import SpecError
from scnnbio.validation.claim import About, Measure, Measured
from scnnbio.validation.closed_forms import closed
from scnnbio.validation.comparisons import AllWithin
from scnnbio.validation.evidence import Evidence
from scnnbio.validation.intervals import Positive
from scnnbio.validation.observation import Observation
from scnnbio.validation.protocol import Missing


def ways(evidence: Evidence) -> dict[str, Learned]:
    """The ways of sharing of a run.

    Raises
    ------
    Missing
        If the run has no such layers.
    """
    try:
        return evidence.once(learned)
    except Missing:
        raise
    except (SpecError, KeyError) as error:
        raise Missing(str(error)) from None


class StrictInvariance(Measure):
    """Mean correlation of a map's kernels at two places, where all places share them."""

    name: ClassVar[str] = "strict_invariance"
    about: ClassVar[About] = "network"

    def of(self, evidence: Evidence) -> Measured:
        """Compare the places of each map."""
        return Measured(ways(evidence)["strict"].invariance)


class LostInvariance(Measure):
    """The same correlation where places of a region share, less that where no places do."""

    name: ClassVar[str] = "lost_invariance"
    about: ClassVar[About] = "network"

    def of(self, evidence: Evidence) -> Measured:
        """Compare the ways map by map."""
        found = ways(evidence)
        return Measured(found["region"].invariance - found["none"].invariance)


class PatternsSaved(Measure):
    """Patterns that a layer needs without sharing, over those with strict sharing.

    A layer has learned once half of its kernels are oriented. Infinite if that without sharing
    never has.
    """

    name: ClassVar[str] = "patterns_saved"
    about: ClassVar[About] = "network"

    def of(self, evidence: Evidence) -> Measured:
        """Divide the numbers of patterns."""
        found = ways(evidence)
        if not np.isfinite(found["strict"].patterns):
            raise Missing("half of the shared kernels never become oriented")
        return Measured(np.array([found["none"].patterns / found["strict"].patterns]))


CLAIMS = (
    AllWithin(
        name="shared_kernel_everywhere",
        observation=closed(
            "correlation of a map's kernels at two places that share them",
            "closed form: they are one kernel",
            1.0 - 1e-9,
            1.0 + 1e-9,
        ),
        measure=StrictInvariance(),
    ),
    AllWithin(
        name="sharing_saves_patterns",
        observation=Observation(
            quantity="patterns needed without sharing, over those needed with it",
            source="design: the updates of P places add up (see sharing_snr), so that sharing"
            " saves patterns, at most P times as many if thresholds took no time",
            species="model",
            interval=(1.0, np.inf),
            stimulus="the same photographs",
            pooling="patterns after which half of the kernels have a circular variance below 0.6",
        ),
        measure=PatternsSaved(),
    ),
    Positive(
        name="places_learn_different_kernels",
        observation=Observation(
            quantity="correlation of a map's kernels at two places: shared by regions, less"
            " unshared",
            source="closed form: of 120 pairs of 16 places 24 lie within a region of four, which"
            " share a kernel",
            species="model",
            stimulus="the same photographs",
            pooling="mean over pairs of places, map by map",
            note="a direction alone",
        ),
        measure=LostInvariance(),
    ),
)
