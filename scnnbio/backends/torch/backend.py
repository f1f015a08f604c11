"""The torch backend: the network unrolled in time, trials in parallel."""

from __future__ import annotations

import dataclasses
import importlib
from collections.abc import Mapping
from typing import ClassVar

from scnnbio._torch import load_torch, missing
from scnnbio.backends.base import Backend, Stopwatch
from scnnbio.backends.outcome import Outcome
from scnnbio.backends.promises import Promise, UnlessAtThreshold, Within
from scnnbio.backends.support import LINEAR_EQUATIONS, Refusal
from scnnbio.errors import Unsupported
from scnnbio.experiment import Experiment, Feature, Inputs, Report
from scnnbio.network import Network

_LEARNS = Refusal(
    "{what} {is_} not available on torch, whose trials run in parallel and which learns by"
    " gradient",
    "learn on brian2-standalone and run network.with_weights(run.weights) here, with learning ="
    " false; or train with scnnbio.backends.torch.train",
)
_RULES = (
    Feature.SHARED_STDP,
    Feature.TRIPLET_STDP,
    Feature.TRACE_RULE,
    Feature.MSTDP,
    Feature.MSTDPET,
    Feature.OTHER_RULE,
    Feature.REWARD,
    Feature.EACH_STEP,
    Feature.NEAREST_PAIRING,
    Feature.POWER_BOUNDS,
    Feature.HALF_LIFE,
    Feature.GROWTH,
    Feature.NORMALISATION,
    Feature.SHARED_THRESHOLD,
    Feature.WINNERS_LEARN,
    Feature.SNAPSHOTS,
)


#: Why training refuses background noise, and what to do instead.
NO_NOISE = (
    "training draws no background noise",
    "train without noise, and run network.with_weights(...) with it",
)


def without_thresholds(experiment: Experiment) -> Experiment:
    """The experiment without rules of thresholds."""
    populations = experiment.network.populations
    network = Network(
        tuple(dataclasses.replace(p, homeostasis=None) for p in populations),
        experiment.network.projections,
    )
    return dataclasses.replace(experiment, network=network)


class TorchBackend(Backend):
    """The network as torch operations in double precision, on the processor.

    :func:`scnnbio.backends.torch.train` trains through the same operations.
    """

    name: ClassVar[str] = "torch"
    summary: ClassVar[str] = "unrolled in time, differentiable: for training by surrogate gradients"
    supports: ClassVar[frozenset[Feature]] = LINEAR_EQUATIONS | {
        Feature.INPUT_VALUES,
        Feature.INPUT_CURRENT,
        Feature.WANDERING_NOISE,
        Feature.FIRST_SPIKE,
        Feature.NONLINEAR,
        Feature.CONDUCTANCES,
        Feature.FORWARD_EULER,
        Feature.GRADIENT,
    }
    refusals: ClassVar[Mapping[Feature, Refusal]] = dict.fromkeys(_RULES, _LEARNS)
    promises: ClassVar[tuple[Promise, ...]] = (
        UnlessAtThreshold(
            "spikes", distance=1e-9, why="torch sums simultaneous inputs in its own order"
        ),
        Within("signals", difference=1e-9),
    )

    @property
    def packages(self) -> tuple[str, ...]:
        """Torch."""
        return ("torch",)

    def missing(self) -> str:
        """What must be installed before this backend can run; empty if nothing."""
        return missing()

    def unsupported(self, experiment: Experiment) -> list[Unsupported]:
        """Find everything that cannot run or be trained. See :meth:`Backend.unsupported`."""
        found = super().unsupported(experiment)
        if experiment.training is None:
            return found
        noisy = [p.name for p in experiment.network.populations if p.noise]
        return found + [Unsupported(f"population {name!r}", *NO_NOISE) for name in noisy]

    def _simulate(
        self, experiment: Experiment, inputs: Inputs, watch: Stopwatch, report: Report
    ) -> Outcome:
        with watch.phase("import"):
            load_torch()
        if experiment.training is not None:
            # Imported by name when used, since training depends on this module.
            stages = importlib.import_module("scnnbio.backends.torch.stages")
            with watch.phase("train"):
                outcome: Outcome = stages.trained_stage(experiment, report)
                return outcome
        from scnnbio.backends.torch.running import Running

        with watch.phase("build"):
            running = Running(experiment)
        with watch.phase("simulate"):
            return running.run(inputs, report)
