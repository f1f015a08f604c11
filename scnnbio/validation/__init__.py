"""Claims about a model: what was published, how the model's number is made, and the verdict.

::

    evidence = {"learn": Evidence(run), "control": Evidence(control), "gratings": Evidence(test)}
    scores = judge_stages(CLAIMS, evidence)
"""

from scnnbio.validation import neurons, v1
from scnnbio.validation.claim import Claim, Measured, Observation, judge_stages
from scnnbio.validation.comparisons import (
    AllWithin,
    Covered,
    Distribution,
    FractionAtMost,
    FractionLike,
    Median,
)
from scnnbio.validation.evidence import Evidence
from scnnbio.validation.scores import Score, chance_limit, total_variation

#: Every claim by name: those on V1, and those on neurons and backends.
CLAIMS: dict[str, Claim] = {**v1.CLAIMS, **neurons.CLAIMS}

__all__ = [
    "CLAIMS",
    "AllWithin",
    "Claim",
    "Covered",
    "Distribution",
    "Evidence",
    "FractionAtMost",
    "FractionLike",
    "Measured",
    "Median",
    "Observation",
    "Score",
    "chance_limit",
    "judge_stages",
    "total_variation",
]
