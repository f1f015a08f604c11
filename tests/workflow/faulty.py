"""Backends that are wrong on purpose: the reference, spoiled in a known way."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

import numpy as np

from scnnbio.backends.base import Stopwatch
from scnnbio.backends.outcome import Outcome
from scnnbio.backends.promises import Exact, Promise, Statistical, UnlessAtThreshold, Within
from scnnbio.backends.reference import ReferenceBackend
from scnnbio.errors import Unsupported
from scnnbio.experiment import Experiment, Inputs, Report

NUMBERS: tuple[Promise, ...] = (
    Within("signals", difference=1e-9),
    Within("weights", difference=1e-10),
)


class Forgetful(ReferenceBackend):
    """Loses one spike of every hundred, and the first of each population among them.

    Parameters
    ----------
    promise : str
        What it promises of its spikes all the same.
    """

    name: ClassVar[str] = "forgetful"
    neutral_options: ClassVar[frozenset[str]] = frozenset({"promise"})
    promises: ClassVar[tuple[Promise, ...]] = NUMBERS

    def __init__(self, promise: str = "exact") -> None:
        self.promise_ = promise
        spikes: dict[str, Promise] = {
            "exact": Exact("spikes"),
            "rounding": UnlessAtThreshold("spikes", distance=1e-9),
            "statistical": Statistical("spikes", rate=0.25, cv=0.25),
        }
        self.promises = (spikes[promise], *NUMBERS)  # type: ignore[misc]

    @property
    def options(self) -> dict[str, object]:
        return {"promise": self.promise_}

    def _simulate(
        self, experiment: Experiment, inputs: Inputs, watch: Stopwatch, report: Report
    ) -> Outcome:
        outcome = super()._simulate(experiment, inputs, watch, report)
        source = experiment.source.name
        spikes = {
            name: (step, unit) if name == source else (_thinned(step), _thinned(unit))
            for name, (step, unit) in outcome.spikes.items()
        }
        return dataclasses.replace(outcome, spikes=spikes)


def _thinned(values: np.ndarray) -> np.ndarray:
    return values[np.arange(len(values)) % 100 != 0]


class Shy(ReferenceBackend):
    """Its thresholds are a rounding higher: who meets the threshold exactly does not fire."""

    name: ClassVar[str] = "shy"
    promises: ClassVar[tuple[Promise, ...]] = (
        UnlessAtThreshold("spikes", distance=1e-9),
        *NUMBERS,
    )

    def _simulate(
        self, experiment: Experiment, inputs: Inputs, watch: Stopwatch, report: Report
    ) -> Outcome:
        network = experiment.network
        raised = [
            p
            if p.is_source
            else dataclasses.replace(
                p, parameters={**p.parameters, "v_thresh": p.values()["v_thresh"] + 1e-12}
            )
            for p in network.populations
        ]
        shifted = dataclasses.replace(network, populations=tuple(raised))
        changed = dataclasses.replace(experiment, network=shifted)
        return super()._simulate(changed, inputs, watch, report)


class Picky(ReferenceBackend):
    """Takes nothing that learns, and no step but 0.5 ms."""

    name: ClassVar[str] = "picky"

    def unsupported(self, experiment: Experiment) -> list[Unsupported]:
        found = []
        if experiment.network.learns:
            found.append(Unsupported("network", "learns", "learn on reference"))
        if experiment.dt != 0.5:
            found.append(Unsupported("dt", f"is {experiment.dt:g} ms", "use 0.5 ms"))
        return found
