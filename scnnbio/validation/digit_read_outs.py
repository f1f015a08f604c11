"""Digits classified by a linear read-out of layers that learned without labels."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from scnnbio.analysis.digits import layer_read_out, pixel_read_out, unsettled
from scnnbio.inputs import FromImages
from scnnbio.plasticity import LearningRule
from scnnbio.validation.claim import About, Measure, Measured
from scnnbio.validation.closed_forms import closed
from scnnbio.validation.comparisons import AllWithin
from scnnbio.validation.evidence import Evidence
from scnnbio.validation.observation import Observation
from scnnbio.validation.protocol import Missing

#: Number of digits in the test set of MNIST, and their rows and columns.
_MNIST_TEST, _MNIST_SIDE = 10_000, 28


class ReadOutAccuracy(Measure):
    """Fraction of test digits that a linear read-out of layers classifies correctly."""

    name: ClassVar[str] = "read_out_accuracy"
    about: ClassVar[About] = "populations"
    columns: ClassVar[tuple[str, ...]] = ("read_out_accuracy", "low", "high")

    def of(self, evidence: Evidence) -> Measured:
        """Train, choose the cost, and test; see :func:`~scnnbio.analysis.digits.layer_read_out`."""
        found = evidence.once(layer_read_out, *_layers(evidence)).accuracy
        return Measured(np.array([[found.value, *found.interval]]))


class PublishedAccuracy(Measure):
    """The same, on the test digits of MNIST only."""

    name: ClassVar[str] = "mnist_accuracy"
    about: ClassVar[About] = "populations"

    def of(self, evidence: Evidence) -> Measured:
        """Measure; raises Missing for other digits than those of the published number."""
        check_mnist(evidence)
        found = evidence.once(layer_read_out, *_layers(evidence)).accuracy
        return Measured(np.array([found.value]))


class GainOverPixels(Measure):
    """Accuracy of a read-out of layers minus that of the pixels, on the same test digits."""

    name: ClassVar[str] = "gain_over_pixels"
    about: ClassVar[About] = "populations"

    def of(self, evidence: Evidence) -> Measured:
        """Read out both, on the same split."""
        layers = evidence.once(layer_read_out, *_layers(evidence)).accuracy
        return Measured(np.array([layers.value - evidence.once(pixel_read_out).accuracy.value]))


class Unsettled(Measure):
    """Mean of 4 w (1 - w) of learned weights, scaled to their bounds."""

    name: ClassVar[str] = "unsettled"
    about: ClassVar[About] = "projection"

    def of(self, evidence: Evidence) -> Measured:
        """Scale the weights to 0 and 1."""
        rule = evidence.run.experiment.network.projection(evidence.projection).plasticity
        weights = evidence.weights
        if not isinstance(rule, LearningRule):
            raise Missing(f"{evidence.projection!r} does not learn")
        return Measured(np.array([unsettled((weights - rule.w_min) / (rule.w_max - rule.w_min))]))


def check_mnist(evidence: Evidence) -> None:
    """Raise Missing unless the test digits are those of MNIST, by their number and size."""
    shapes = [
        driven.values.shape[-2:]
        for driven in evidence.run.experiment.inputs.values()
        if isinstance(driven, FromImages)
    ]
    part = evidence.recording.trials.get("part", np.zeros(0))
    if shapes != [(_MNIST_SIDE,) * 2] or (part == "test").sum() != _MNIST_TEST:
        raise Missing("the number is for the 10,000 test digits of MNIST")


def _layers(evidence: Evidence) -> tuple[str, ...]:
    """The populations that are read out; raises Missing where their spikes were not recorded."""
    for part in evidence.each:
        if part.population not in evidence.recording.spikes:
            raise Missing(f"the run recorded no spikes of {part.population!r}")
    return evidence.populations


CLAIMS = (
    AllWithin(
        name="above_pixels",
        observation=Observation(
            quantity="accuracy of a linear read-out of spikes minus that of the pixels",
            source="design",
            species="digits",
            interval=(0.0, 1.0),
            stimulus="images of digits, one per trial",
            window="the whole trial",
            pooling="square roots of counts in windows of a quarter of the layer; each test digit"
            " once",
        ),
        measure=GainOverPixels(),
        beside=(ReadOutAccuracy(),),
    ),
    AllWithin(
        name="goupy2023_mnist",
        observation=Observation(
            quantity="accuracy of a linear read-out of one layer that learned by STDP",
            source="G. Goupy, A. Juneau-Fecteau, N. Garg, I. Balafrej, F. Alibart, L. Frechette,"
            " D. Drouin and Y. Beilliard (2023), Unsupervised and efficient learning in sparsely"
            " activated convolutional spiking neural networks enabled by voltage-dependent synaptic"
            " plasticity, Neuromorph. Comput. Eng. 3, 014001",
            species="digits",
            n=10_000,
            value=0.9856,
            interval=(0.9851, 1.0),
            stimulus="MNIST, one image per trial, latency by rank",
            pooling="mean of ten seeds; the interval begins one standard deviation below it",
            differs="is from one seed, and pools square roots of counts in larger windows",
        ),
        measure=PublishedAccuracy(),
    ),
    AllWithin(
        name="kernels_settled",
        observation=closed(
            "mean of 4 w (1 - w) of learned weights",
            "closed form: the rule is at rest where every weight is at a bound",
            0.0,
            0.2,
        ),
        measure=Unsettled(),
    ),
)
