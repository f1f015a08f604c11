"""The encoding claim: a model's responses predict what recorded cells do with the same stimuli."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import scipy
from numpy.typing import NDArray

from scnnbio.analysis.measures_of_encoding import encoding_measures
from scnnbio.errors import SpecError
from scnnbio.validation.claim import About, Claim, Measure, Measured, Outcome
from scnnbio.validation.estimates import Estimate, median_of
from scnnbio.validation.evidence import Evidence
from scnnbio.validation.observation import Observation
from scnnbio.validation.protocol import Missing

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class PredictedShares(Measure):
    """Noise ceiling of each recorded unit, and the share of it that the model predicts.

    Parameters
    ----------
    folds : int
        Parts into which stimuli are divided; each is predicted from the others.
    seed : int
        Of the division.
    """

    folds: int = 5
    seed: int = 0

    name: ClassVar[str] = "predicted_shares"
    about: ClassVar[About] = "recording"
    windowed: ClassVar[bool] = True
    columns: ClassVar[tuple[str, ...]] = ("explainable_share", "explained_share")

    def of(self, evidence: Evidence) -> Measured:
        """Predict the recorded units; those without an explainable response are counted."""
        target = evidence.predicted
        if target is None:
            raise Missing(
                "no recording to predict; name one as recording = ... in the claim, or compare"
                " two places with 'scnnbio score'"
            )
        try:
            found = encoding_measures(
                evidence.recording, evidence.population, target.recording, target.population,
                window=evidence.window, folds=self.folds, seed=self.seed,
            )  # fmt: skip
        except SpecError as error:
            raise Missing(str(error)) from None
        explained, ceiling = found["explained_share"], found["explainable_share"]
        kept = explained.sufficient & ceiling.sufficient
        values = np.column_stack([np.asarray(m.value)[kept] for m in (ceiling, explained)])
        why = Counter(text for text in explained.insufficient if text)
        return Measured(values, dict(why), np.flatnonzero(kept))


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Predicts(Claim):
    """The explained share of most recorded units is above 0, by a sign test at 5 %.

    Values have two columns: the noise ceiling of each unit, and the share of it that is explained
    in stimuli which no fit has seen. Responses that have nothing to do with the recording predict
    less than the mean count does, so that their share is below 0 for most units.
    """

    minimum: int = 5

    def compare(self, values: Array) -> Outcome:
        """Count the units that are predicted; see :class:`Predicts`."""
        share = values[:, 1]
        above, n = int((share > 0).sum()), int((share != 0).sum())
        p = float(scipy.stats.binomtest(above, n, alternative="greater").pvalue) if n else 1.0
        found, ceiling = median_of(share), float(np.median(values[:, 0]))
        return Outcome(
            value=found.value,
            agrees=p < 0.05,
            reason=f"of {len(share)} recorded units {above} are predicted better than by their mean"
            f" count (sign test p = {p:.2g}); the median share of the explainable variance is"
            f" {found.value:.3g}, and {ceiling:.3g} of the variance of mean counts is explainable",
            prediction={"median": found.value, "ceiling": ceiling, "above": above},
            against={"p": p},
            estimate=found,
            published=Estimate("more than", 0.0),
        )


ENCODING = Observation(
    quantity="share of the explainable variance of recorded counts that the responses predict",
    source="The recording that the claim names",
    species="the recorded cells",
    stimulus="the same stimuli on both sides",
    window="whole trials, or the claim's window in the model",
    state="that of the recording",
    pooling="cross-validated ridge regression of mean counts on the model's mean rates, five fixed"
    " parts; explained share = 1 - (error - noise) / (variance - noise), noise from repeats",
    note="its sign alone is judged; the share depends on the cells, the stimuli and their number",
)

CLAIMS = (Predicts(name="encoding", observation=ENCODING, measure=PredictedShares()),)
