"""What a lowered experiment keeps while it runs, and what is read back in the public numbering."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import brian2 as b2
import numpy as np
from numpy.typing import NDArray

from scnnbio.backends.base import Outcome
from scnnbio.backends.brian2.layout import internal_of_public, public_kernel, public_of_internal
from scnnbio.backends.brian2.lowering import Lowered
from scnnbio.network import Projection

_MS = b2.ms


@dataclass
class Recorders:
    """Monitors of one lowered experiment."""

    lowered: Lowered
    spikes: dict[str, Any] = field(default_factory=dict)
    signals: list[tuple[Any, Any]] = field(default_factory=list)
    snapshots: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._add_spikes()
        self._add_signals()
        if len(self.lowered.experiment.snapshot_trials()):
            self._add_snapshots(self.lowered.experiment.snapshot_trials().step)

    @property
    def objects(self) -> list[Any]:
        """All monitors."""
        signals = [monitor for _, monitor in self.signals]
        return [*self.spikes.values(), *signals, *self.snapshots.values()]

    def _add_spikes(self) -> None:
        wanted = self.lowered.experiment.record.spikes
        for population in self.lowered.experiment.network.populations:
            # Spikes of every layer are counted; those of the recorded ones are kept.
            if population.name in wanted or not population.is_source:
                # Competition takes spikes back between the threshold and the monitor.
                competes = population.competition is not None
                self.spikes[population.name] = b2.SpikeMonitor(
                    self.lowered.groups[population.name],
                    record=population.name in wanted,
                    when="after_thresholds" if competes else None,
                    order=10 if competes else None,
                    name=f"spikes_{population.name}",
                )

    def _add_signals(self) -> None:
        experiment = self.lowered.experiment
        for number, sampling in enumerate(experiment.record.signals):
            internal = internal_of_public(experiment.network.population(sampling.population).shape)
            monitor = b2.StateMonitor(
                self.lowered.groups[sampling.population],
                list(sampling.variables),
                record=internal if sampling.units is None else internal[list(sampling.units)],
                dt=(sampling.period or experiment.dt) * _MS,
                name=f"signal_{number}",
            )
            self.signals.append((sampling, monitor))

    def _add_snapshots(self, every: int) -> None:
        learned = {n: (g, "level") for n, g in self.lowered.thresholds.items()}
        for projection in self.lowered.experiment.network.projections:
            if projection.plasticity is not None:
                learned[projection.name] = self.lowered.kernels[projection.name], "w"
        for name, (group, variable) in learned.items():
            self.snapshots[name] = b2.StateMonitor(
                group,
                variable,
                record=True,
                dt=every * self.lowered.trial,
                name=f"snapshot_{name}",
            )

    def outcome(self) -> Outcome:
        """Results in the public numbering."""
        network, dt = self.lowered.experiment.network, self.lowered.experiment.dt
        spikes, counts = {}, {}
        for name, monitor in self.spikes.items():
            population = network.population(name)
            if not population.is_source:
                counts[name] = int(np.sum(monitor.count))
            if name in self.lowered.experiment.record.spikes:
                # Brian2 stamps a spike with the beginning of its step.
                step = np.round(np.asarray(monitor.t / _MS) / dt).astype(np.int64) + 1
                unit = public_of_internal(population.shape)[np.asarray(monitor.i)]
                spikes[name] = step, unit.astype(np.int32)
        signals = {
            (sampling.population, variable): np.asarray(getattr(monitor, variable)).T.copy()
            for sampling, monitor in self.signals
            for variable in sampling.variables
        }
        plastic = {p.name: p for p in network.projections if p.plasticity is not None}
        weights = {
            name: self._kernel(p, np.array(self.lowered.kernels[name].w[:]))
            for name, p in plastic.items()
        }
        weights |= {n: np.array(group.level[:]) for n, group in self.lowered.thresholds.items()}
        snapshots = {}
        for name, monitor in self.snapshots.items():
            if name in plastic:
                snapshots[name] = self._kernel(plastic[name], np.asarray(monitor.w).T)
            else:
                snapshots[name] = np.asarray(monitor.level).T.copy()
        pathways = {p.name: "procedural" for p in network.projections}
        return Outcome(spikes, signals, weights, snapshots, counts, pathways)

    @staticmethod
    def _kernel(projection: Projection, values: NDArray[np.float64]) -> NDArray[np.float64]:
        return public_kernel(values, projection.kernel.shape, projection.connector.groups)
