"""Claims about a model or a recording: the published observation, the measure, and the verdict.

::

    recording = scnnbio.Recording.load("recording.h5")
    score = CLAIMS["fano_factor"].judge(recording, population="units")
"""

from scnnbio.validation.claim import Claim, Measure, Measured
from scnnbio.validation.comparisons import (
    AllWithin,
    Covered,
    DistributionLike,
    FractionAtMost,
    FractionLike,
    Median,
)
from scnnbio.validation.evidence import Evidence
from scnnbio.validation.observation import Observation
from scnnbio.validation.protocol import Missing, Protocol
from scnnbio.validation.registry import CLAIMS, MEASURES, judge_all
from scnnbio.validation.scores import Score, chance_limit, total_variation

__all__ = [
    "CLAIMS",
    "MEASURES",
    "AllWithin",
    "Claim",
    "Covered",
    "DistributionLike",
    "Evidence",
    "FractionAtMost",
    "FractionLike",
    "Measure",
    "Measured",
    "Median",
    "Missing",
    "Observation",
    "Protocol",
    "Score",
    "chance_limit",
    "judge_all",
    "total_variation",
]
