"""Observations from closed forms: the predicted value, and how far from it a value may be.

A tolerance is a round number that was chosen for the experiment's question, such as "within
5 %"; the document of each experiment states the results.
"""

from __future__ import annotations

from scnnbio.validation.observation import Observation

#: Species of observations that are not from an animal.
NEURON = "model neuron"


def closed(quantity: str, source: str, low: float, high: float, unit: str = "1") -> Observation:
    """Prediction of a closed form, and the interval in which a value agrees with it."""
    return Observation(
        quantity=quantity, source=source, species=NEURON, unit=unit, interval=(low, high)
    )
