"""A stage: one experiment of a study."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass

from scnnbio.experiment.experiment import Experiment
from scnnbio.experiment.run import Run
from scnnbio.network import Network
from scnnbio.values import Value


@dataclass(frozen=True, eq=False)
class Stage(Value):
    """One experiment of a study.

    Parameters
    ----------
    experiment : Experiment
        Its ``stage`` is the stage's name.
    network : Network
        As it is before any learning.
    weights_from : str, optional
        An earlier stage whose learned kernels and thresholds this one starts from.
    """

    experiment: Experiment
    network: Network
    weights_from: str | None = None

    @property
    def name(self) -> str:
        """Name of the stage."""
        return self.experiment.stage

    def ready(self, runs: Mapping[str, Run]) -> Experiment:
        """The experiment, with the weights that earlier stages learned."""
        if self.weights_from is None:
            return self.experiment
        learned = self.network.with_weights(runs[self.weights_from].weights)
        return dataclasses.replace(self.experiment, network=learned)
