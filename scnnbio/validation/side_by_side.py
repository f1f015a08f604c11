"""Two runs or recordings judged by the same claims, and how far apart their own values are."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import scipy

from scnnbio.errors import SpecError
from scnnbio.experiment import ClaimBinding
from scnnbio.validation.claim import Claim, Measured
from scnnbio.validation.evidence import Evidence, bind_as
from scnnbio.validation.scores import Score


class SideBySide(NamedTuple):
    """Scores of two on one claim, and the distance of their values.

    ``distance`` is the Kolmogorov-Smirnov distance of the units' values, and ``p`` the chance of
    one as large in two samples of one distribution; None where a side has too few values, or
    several quantities per unit. Where the claim is on what the first tells of the second, there is
    no other score, and ``about`` names what is predicted. ``values`` are those of each score.
    """

    one: Score
    other: Score | None
    distance: float | None = None
    p: float | None = None
    about: str = ""
    values: tuple[Measured | None, ...] = ()

    @property
    def reason(self) -> str:
        """The distance in words; why one claim has its verdict, where there is no other."""
        if self.other is None:
            return self.one.reason
        if self.distance is None or self.p is None:
            return "their values are not compared"
        verdict = "differ" if self.p < 0.05 else "do not differ measurably"
        return (
            f"their values {verdict}: distance {self.distance:.3f}, p = {self.p:.2g}"
            f" (n = {self.one.n} and {self.other.n})"
        )


def side_by_side(
    claim: Claim, one: tuple[Evidence, ClaimBinding], other: tuple[Evidence, ClaimBinding]
) -> SideBySide:
    """Judge two by a claim, and compare their values.

    Parameters
    ----------
    claim : Claim
    one, other : (Evidence, ClaimBinding)
        What is judged, and what the claim is about in it.

    Returns
    -------
    SideBySide
        Infinite values count as the largest. The p values of many claims are not corrected for
        their number.
    """
    scores = [claim.judge(evidence, bound=bound) for evidence, bound in (one, other)]
    values = tuple(values_of(claim, *pair) for pair in (one, other))
    if any(v is None or v.values.ndim > 1 or len(v.values) < claim.minimum for v in values):
        return SideBySide(scores[0], scores[1], values=values)
    # Ranks are all that counts, and of those infinite values have the largest.
    ours, theirs = (np.nan_to_num(v.values, posinf=1e300) for v in values if v is not None)
    found = scipy.stats.ks_2samp(ours, theirs)
    return SideBySide(
        scores[0], scores[1], float(found.statistic), float(found.pvalue), values=values
    )


def values_of(claim: Claim, evidence: Evidence, bound: ClaimBinding) -> Measured | None:
    """The values that a score rests on; None where there are none."""
    try:
        return claim.measured(bind_as(evidence, bound), bound.shares)
    except SpecError:
        return None
