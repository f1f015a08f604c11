"""Digits named by a network that learned by gradient, in spikes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from scnnbio.analysis.converted_digits import converted_course
from scnnbio.analysis.digit_votes import vote
from scnnbio.analysis.digits import pixel_read_out
from scnnbio.errors import SpecError
from scnnbio.validation.claim import About, Measure, Measured
from scnnbio.validation.comparisons import AllWithin
from scnnbio.validation.digit_read_outs import check_mnist
from scnnbio.validation.evidence import Evidence
from scnnbio.validation.observation import Observation
from scnnbio.validation.protocol import Missing


class VoteAccuracy(Measure):
    """Fraction of test digits that a population's channels name rightly by their spikes."""

    name: ClassVar[str] = "vote_accuracy"
    about: ClassVar[About] = "population"
    columns: ClassVar[tuple[str, ...]] = ("vote_accuracy", "low", "high")

    def of(self, evidence: Evidence) -> Measured:
        """Count; the channel that fires most is the answer."""
        found = evidence.once(vote, _voters(evidence))
        return Measured(np.array([[found.value, *found.interval]]))


class VoteOverPixels(Measure):
    """Accuracy of the vote minus that of a linear classifier of pixels, on the same digits."""

    name: ClassVar[str] = "vote_over_pixels"
    about: ClassVar[About] = "population"

    def of(self, evidence: Evidence) -> Measured:
        """Count, and read out the pixels."""
        found = evidence.once(vote, _voters(evidence))
        return Measured(np.array([found.value - evidence.once(pixel_read_out).accuracy.value]))


class MnistVote(Measure):
    """The accuracy of the vote, on the test digits of MNIST only."""

    name: ClassVar[str] = "mnist_vote"
    about: ClassVar[About] = "population"

    def of(self, evidence: Evidence) -> Measured:
        """Measure; raises Missing for other digits."""
        check_mnist(evidence)
        return Measured(np.array([evidence.once(vote, _voters(evidence)).value]))


@dataclass(frozen=True, eq=False, repr=False)
class ConvertedAccuracy(Measure):
    """Accuracy of a converted network after so many steps minus that of its module.

    Parameters
    ----------
    steps : int
    """

    steps: int = 8
    name: ClassVar[str] = "converted_accuracy"
    about: ClassVar[About] = "population"

    def of(self, evidence: Evidence) -> Measured:
        """Compare; raises Missing for a shorter run."""
        try:
            found = evidence.once(converted_course, evidence.population)
            return Measured(np.array([found.loss(self.steps)]))
        except SpecError as error:
            raise Missing(str(error)) from None


def _voters(evidence: Evidence) -> str:
    """The population that votes; raises Missing where its spikes were not recorded."""
    if evidence.population not in evidence.recording.spikes:
        raise Missing(f"the run recorded no spikes of {evidence.population!r}")
    return evidence.population


def _converted(steps: int, lost: float) -> AllWithin:
    return AllWithin(
        name=f"converted_{steps}_steps",
        observation=Observation(
            quantity=f"accuracy of a converted network after {steps} steps minus that of its"
            " module",
            source="design: few steps lose little",
            species="digits",
            interval=(-lost, 1.0),
            stimulus="images of digits, one per trial",
            pooling="each test digit once",
        ),
        measure=ConvertedAccuracy(steps),
    )


CLAIMS = (
    AllWithin(
        name="vote_above_pixels",
        observation=Observation(
            quantity="accuracy of the vote of a spiking network minus that of a linear classifier"
            " of pixels",
            source="design",
            species="digits",
            interval=(0.0, 1.0),
            stimulus="images of digits, one per trial",
            window="the whole trial",
            pooling="each test digit once",
        ),
        measure=VoteOverPixels(),
        beside=(VoteAccuracy(),),
    ),
    AllWithin(
        name="surrogate_mnist",
        observation=Observation(
            quantity="accuracy of a spiking network that learned by surrogate gradients",
            source="design: two convolutional layers, half an hour of training on two cores",
            species="digits",
            n=10_000,
            interval=(0.99, 1.0),
            stimulus="MNIST, one image per trial",
            pooling="each of the 10,000 test digits once",
        ),
        measure=MnistVote(),
    ),
    _converted(8, 0.005),
    _converted(32, 0.001),
)
