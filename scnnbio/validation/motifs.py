"""Motifs of sequences that a layer finds without labels."""

from __future__ import annotations

import math
from typing import ClassVar

import numpy as np

from scnnbio.analysis.motifs import Ranked, enriched_motifs, learned_motifs
from scnnbio.errors import SpecError
from scnnbio.validation.claim import About, Measure, Measured
from scnnbio.validation.comparisons import AllWithin
from scnnbio.validation.evidence import Evidence
from scnnbio.validation.observation import Observation
from scnnbio.validation.protocol import Missing

#: Share of the kept words that match a planted motif.
PRECISION = 0.95


def _found(evidence: Evidence, *, words: bool = False) -> Ranked:
    try:
        if words:
            return evidence.once(enriched_motifs)
        return evidence.once(learned_motifs, evidence.projection)
    except Missing:
        raise
    except (SpecError, KeyError) as error:
        raise Missing(str(error)) from None


class MotifRecall(Measure):
    """Share of planted motifs that the layer's kernels match, at a precision of 0.95."""

    name: ClassVar[str] = "motif_recall"
    about: ClassVar[About] = "projection"

    def of(self, evidence: Evidence) -> Measured:
        """Rank the kernels by their information."""
        return Measured(np.array([_found(evidence).best(PRECISION)[0]]))


class WordRecall(Measure):
    """The same share of the words that are enriched in the sequences."""

    name: ClassVar[str] = "word_recall"
    about: ClassVar[About] = "projection"

    def of(self, evidence: Evidence) -> Measured:
        """Rank the words by their p-value."""
        return Measured(np.array([_found(evidence, words=True).best(PRECISION)[0]]))


_QUANTITY = (
    "share of the planted motifs that a kernel matches, of the largest set of kernels with the most"
    f" information of which {PRECISION:.0%} match one"
)

CLAIMS = (
    AllWithin(
        name="motifs_found",
        observation=Observation(
            quantity=_QUANTITY,
            source="design: as set before the experiment was run",
            species="model that learned from sequences with planted motifs",
            interval=(PRECISION, math.inf),
            stimulus="sequences with planted motifs",
            window="the whole trial",
            state="none: a model",
            pooling="all kernels of the layer",
        ),
        measure=MotifRecall(),
        beside=(WordRecall(),),
    ),
    AllWithin(
        name="motifs_control",
        observation=Observation(
            quantity=_QUANTITY,
            source="design: a control. Where the bases of each sequence are shuffled there is no"
            " motif, and one of ten may match by chance",
            species="model that learned from shuffled sequences",
            interval=(-math.inf, 0.1),
            stimulus="sequences with planted motifs, then shuffled",
            window="the whole trial",
            state="none: a model",
            pooling="all kernels of the layer",
        ),
        measure=MotifRecall(),
        beside=(WordRecall(),),
    ),
)
