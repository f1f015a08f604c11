"""A stage: one experiment of a study."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from scnnbio.errors import SpecError
from scnnbio.experiment.experiment import Experiment, checked_seed
from scnnbio.experiment.run import Run
from scnnbio.network import Network
from scnnbio.values import Value


@dataclass(frozen=True, eq=False)
class Stage(Value):
    """One experiment of a study.

    Parameters
    ----------
    experiment : Experiment
        The experiment, whose ``stage`` is the stage's name.
    network : Network
        The network before any learning.
    weights_from : str, optional
        Earlier stage from whose learned kernels and thresholds this one starts.
    shuffled : int, optional
        Seed for a random permutation of the elements of each learned kernel, as a control: every
        map keeps its weights, but not their places.

    Raises
    ------
    SpecError
        If ``shuffled`` is given without ``weights_from``.
    """

    experiment: Experiment
    network: Network
    weights_from: str | None = None
    shuffled: int | None = None

    def __post_init__(self) -> None:
        if self.shuffled is not None:
            where = f"stages.{self.experiment.stage}.shuffled"
            object.__setattr__(self, "shuffled", checked_seed(self.shuffled, where))
            if self.weights_from is None:
                raise SpecError("needs weights_from, the stage that learned", where=where)

    @property
    def name(self) -> str:
        """Name of the stage."""
        return self.experiment.stage

    def ready(self, runs: Mapping[str, Run]) -> Experiment:
        """The experiment with the weights that earlier stages learned."""
        if self.weights_from is None:
            return self.experiment
        weights = dict(runs[self.weights_from].weights)
        if self.shuffled is not None:
            rng = np.random.default_rng(self.shuffled)
            for projection in self.network.projections:
                if projection.name in weights:
                    kernel = weights[projection.name]
                    mixed = rng.permuted(kernel.reshape(len(kernel), -1), axis=1)
                    weights[projection.name] = mixed.reshape(kernel.shape)
        learned = self.network.with_weights(weights)
        return dataclasses.replace(self.experiment, network=learned)
