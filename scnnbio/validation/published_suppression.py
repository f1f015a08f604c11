"""Published suppression in V1: by the surround, and by a grating laid over another."""

from __future__ import annotations

from scnnbio.validation.brain_score_counts import CAVANAUGH_2002
from scnnbio.validation.comparisons import FractionLike
from scnnbio.validation.intervals import Positive
from scnnbio.validation.observation import Observation
from scnnbio.validation.physiology import Physiology
from scnnbio.validation.protocol import Protocol

SIZES = Protocol("gratings of several diameters", ("diameter",), "contrast", levels=3)
MASKED = Protocol("gratings with and without a mask", ("mask_contrast", "contrast"), "contrast")

SUPPRESSED_SHARE = Observation(
    quantity="share of cells that the surround suppresses by less than 10 %",
    source=CAVANAUGH_2002,
    n=190,
    value=42 / 190,
    stimulus="drifting gratings of growing diameter",
    window="not stated",
    state="not stated",
    pooling="(peak - plateau) / peak of the larger of mean rate, less the spontaneous one, and F1",
)
STRONG_SUPPRESSION = Observation(
    quantity="share of cells that the surround suppresses by less than 70 %",
    source="Jones et al. (2001), J. Neurophysiol. 86, 2011",
    n=105,
    value=0.57,
    stimulus="gratings of growing diameter",
    window="not stated",
    state="not stated",
    pooling="reduction from the largest response to that at the largest diameter",
    differs="is measured as the index of Cavanaugh et al. (2002)",
    note="43 % of the cells are above 70 %; 99 of 105 are suppressed, by 67 % on average",
)
CROSS_ORIENTATION = Observation(
    quantity="suppression by a grating at right angles, (alone - both) / alone",
    source="M. A. Smith, W. Bair and J. A. Movshon (2006), J. Neurosci. 26, 4826-4834",
    stimulus="a grating, and a mask at right angles to it",
    window="not stated",
    state="not stated",
    pooling="mean rates less the spontaneous rate, at the strongest mask",
    note="its direction alone: the size is not compared",
)

CLAIMS = (
    FractionLike(
        name="cavanaugh2002_suppressed", observation=SUPPRESSED_SHARE,
        measure=Physiology("surround_suppression_index", blanks=True), protocol=SIZES, below=0.1,
    ),
    FractionLike(
        name="jones2001_strong_suppression", observation=STRONG_SUPPRESSION,
        measure=Physiology("surround_suppression_index", blanks=True), protocol=SIZES, below=0.7,
    ),
    Positive(
        name="smith2006_cross_orientation", observation=CROSS_ORIENTATION,
        measure=Physiology("mask_suppression", blanks=True), protocol=MASKED,
    ),
)  # fmt: skip
