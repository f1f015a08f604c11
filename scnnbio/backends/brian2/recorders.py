"""Recorders of an experiment, and conversion of results to the public numbering.

At runtime the recorders are Brian2's monitors; a compiled program writes files instead
(:mod:`scnnbio.backends.brian2.program`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import brian2 as b2
import numpy as np
from numpy.typing import NDArray

from scnnbio.backends.brian2.layout import internal_of_public, public_kernel, public_of_internal
from scnnbio.backends.brian2.lists import is_listed
from scnnbio.backends.brian2.lowering import Lowered
from scnnbio.backends.outcome import Outcome
from scnnbio.experiment import Experiment, Sampling

_MS = b2.ms


@dataclass(frozen=True, eq=False)
class Raw:
    """Recorded data, in the internal numbering.

    Parameters
    ----------
    spikes : mapping of str to (step, neuron)
        By recorded population.
    counts : mapping of str to int
        Spikes by population.
    signals : mapping of (population, variable) to ndarray (samples, units)
    learned : mapping of str to ndarray (elements,)
        Kernels by projection and thresholds by population.
    snapshots : mapping of str to ndarray (snapshots, elements)
        The same, at the snapshots.
    """

    spikes: Mapping[str, tuple[NDArray[np.int64], NDArray[np.int32]]]
    counts: Mapping[str, int]
    signals: Mapping[tuple[str, str], NDArray[np.float64]]
    learned: Mapping[str, NDArray[np.float64]]
    snapshots: Mapping[str, NDArray[np.float64]]

    def outcome(self, experiment: Experiment) -> Outcome:
        """The same data in the public numbering."""
        network = experiment.network
        projections = {p.name: p for p in network.projections}

        def public(name: str, values: NDArray[np.float64]) -> NDArray[np.float64]:
            if name not in projections:
                return values
            projection = projections[name]
            return public_kernel(values, projection.kernel.shape, projection.connector.groups)

        return Outcome(
            spikes={
                name: (step, _public_units(network.population(name).shape, neuron))
                for name, (step, neuron) in self.spikes.items()
            },
            signals=self.signals,
            weights={name: public(name, values) for name, values in self.learned.items()},
            snapshots={name: public(name, values) for name, values in self.snapshots.items()},
            output_spikes={
                name: count
                for name, count in self.counts.items()
                if not network.population(name).is_source
            },
            pathways={
                p.name: "expanded" if is_listed(p) else "procedural" for p in network.projections
            },
        )


def _public_units(shape: tuple[int, int, int], neuron: NDArray[Any]) -> NDArray[np.int32]:
    return public_of_internal(shape).astype(np.int32)[neuron]


def learned(lowered: Lowered) -> dict[str, tuple[Any, str]]:
    """Groups with learned values, and their variable, by projection or population."""
    kernels = {
        p.name: (lowered.kernels[p.name], "w")
        for p in lowered.experiment.network.projections
        if p.plasticity is not None
    }
    return kernels | {name: (group, "level") for name, group in lowered.thresholds.items()}


def counted(lowered: Lowered) -> dict[str, bool]:
    """Populations whose spikes are counted, and whether they are recorded."""
    experiment = lowered.experiment
    return {
        p.name: p.name in experiment.record.spikes
        for p in experiment.network.populations
        if p.name in experiment.record.spikes or not p.is_source
    }


def sampled_neurons(experiment: Experiment, sampling: Sampling) -> NDArray[np.int64]:
    """Neurons to sample, in the internal numbering."""
    internal = internal_of_public(experiment.network.population(sampling.population).shape)
    return internal if sampling.units is None else internal[list(sampling.units)]


@dataclass
class Recorders:
    """Monitors of one experiment."""

    lowered: Lowered
    spikes: dict[str, Any] = field(default_factory=dict)
    signals: list[tuple[Any, Any]] = field(default_factory=list)
    snapshots: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        experiment = self.lowered.experiment
        for name, recorded in counted(self.lowered).items():
            # Competition removes spikes after the threshold, so the monitor must run after it.
            competes = experiment.network.population(name).competition is not None
            self.spikes[name] = b2.SpikeMonitor(
                self.lowered.groups[name],
                record=recorded,
                when="after_thresholds" if competes else None,
                order=10 if competes else None,
                name=f"spikes_{name}",
            )
        for number, sampling in enumerate(experiment.record.signals):
            monitor = b2.StateMonitor(
                self.lowered.groups[sampling.population],
                list(sampling.variables),
                record=sampled_neurons(experiment, sampling),
                dt=(sampling.period or experiment.dt) * _MS,
                name=f"signal_{number}",
            )
            self.signals.append((sampling, monitor))
        if trials := experiment.snapshot_trials():
            for name, (group, variable) in learned(self.lowered).items():
                self.snapshots[name] = b2.StateMonitor(
                    group,
                    variable,
                    record=True,
                    dt=trials.step * self.lowered.trial,
                    name=f"snapshot_{name}",
                )

    @property
    def objects(self) -> list[Any]:
        """All monitors."""
        signals = [monitor for _, monitor in self.signals]
        return [*self.spikes.values(), *signals, *self.snapshots.values()]

    def outcome(self) -> Outcome:
        """Results in the public numbering."""
        experiment, variables = self.lowered.experiment, learned(self.lowered)
        spikes = {}
        for name in experiment.record.spikes:
            monitor = self.spikes[name]
            # Brian2's spike times are the beginning of the step.
            step = np.round(np.asarray(monitor.t / _MS) / experiment.dt).astype(np.int64) + 1
            spikes[name] = step, np.asarray(monitor.i)
        raw = Raw(
            spikes=spikes,
            counts={name: int(np.sum(m.count)) for name, m in self.spikes.items()},
            signals={
                (sampling.population, variable): np.asarray(getattr(monitor, variable)).T.copy()
                for sampling, monitor in self.signals
                for variable in sampling.variables
            },
            learned={
                name: np.array(getattr(group, variable)[:])
                for name, (group, variable) in variables.items()
            },
            snapshots={
                name: np.asarray(getattr(monitor, variables[name][1])).T.copy()
                for name, monitor in self.snapshots.items()
            },
        )
        return raw.outcome(experiment)
