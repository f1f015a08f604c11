"""Observations that are no recording: what a closed form says, and how far from it a value may be.

A tolerance is a round number that was chosen for what the experiment is about, such as "within
5 %"; what came out is in the documents of each experiment.
"""

from __future__ import annotations

from scnnbio.validation.claim import Observation

#: Of what no animal is.
NEURON = "model neuron"


def closed(quantity: str, source: str, low: float, high: float, unit: str = "1") -> Observation:
    """What a closed form says, and the interval in which a value agrees with it."""
    return Observation(
        quantity=quantity, source=source, species=NEURON, unit=unit, interval=(low, high)
    )
