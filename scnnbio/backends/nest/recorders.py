"""What a run on NEST keeps: spikes without a recorder's 30 kB a neuron, and sampled states."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import nest
import numpy as np
from numpy.typing import NDArray

from scnnbio.backends.base import Outcome
from scnnbio.backends.nest.lowering import Lowered
from scnnbio.experiment import Sampling


class SpikeLog:
    """Spikes of all neurons through one synapse each.

    A device reserves a block of 1024 connections for every neuron it listens to. An ordinary
    synapse takes tens of bytes, and one that has a weight recorder reports every spike that it
    carries, with its stamp. These end on a cell that ignores them. Where a layer competes, its
    competition tells which of them were let fire.
    """

    def __init__(self, lowered: Lowered) -> None:
        experiment = lowered.experiment
        self.lowered = lowered
        self.steps: dict[str, list[NDArray[np.int64]]] = {}
        self.units: dict[str, list[NDArray[np.int32]]] = {}
        self.counts: dict[str, int] = {}
        self.layers = [p for p in experiment.network.populations if not p.is_source]
        self.recorder = nest.Create("weight_recorder", params={"time_in_steps": True})
        nest.CopyModel("static_synapse", "scnnbio_log", {"weight_recorder": self.recorder})
        ignoring = nest.Create("parrot_neuron")
        # NEST's slices are as long as the shortest delay: the log must not shorten it.
        delays = [experiment.delay_steps(p)[0] for p in experiment.network.projections]
        delay = round(min(delays, default=1) * experiment.dt, 3)
        synapse = {"synapse_model": "scnnbio_log", "receptor_type": 1, "delay": delay}
        for layer in self.layers:
            if layer.name not in lowered.competitions:
                nest.Connect(lowered.nodes[layer.name], ignoring, "all_to_all", synapse)
            self.steps[layer.name], self.units[layer.name] = [], []
            self.counts[layer.name] = 0

    def collect(self) -> None:
        """Take what has arrived out of the kernel."""
        events = self.recorder.events
        schedule = self.lowered.schedule
        stamps = schedule.stamps(np.asarray(events["times"], dtype=np.int64))
        senders = np.asarray(events["senders"], dtype=np.int64)
        self.recorder.n_events = 0
        inside = (stamps >= 1) & (stamps <= schedule.n_trials * schedule.trial)
        for layer in self.layers:
            competition = self.lowered.competitions.get(layer.name)
            if competition is not None:
                step, fired = competition.collect()
            else:
                unit = senders - self.lowered.first(layer.name)
                ours = inside & (unit >= 0) & (unit < layer.size)
                step, fired = stamps[ours], unit[ours].astype(np.int32)
            self.counts[layer.name] += len(step)
            if layer.name in self.lowered.experiment.record.spikes:
                self.steps[layer.name].append(step)
                self.units[layer.name].append(fired)


class SignalLog:
    """Samples of one population's states."""

    def __init__(self, lowered: Lowered, sampling: Sampling) -> None:
        experiment, self.schedule = lowered.experiment, lowered.schedule
        self.sampling = sampling
        self.period = experiment.steps(sampling.period or experiment.dt, "period")
        population = experiment.network.population(sampling.population)
        size = population.size
        units = np.arange(size) if sampling.units is None else np.array(sampling.units)
        # A neuron named twice is sampled once.
        distinct = np.unique(units)
        self.first = lowered.first(sampling.population)
        self.column = np.full(size, -1)
        self.column[distinct] = np.arange(len(distinct))
        self.order = self.column[units]
        samples = -(-self.schedule.n_trials * self.schedule.trial // self.period)
        self.values = {name: np.zeros((samples, len(distinct))) for name in sampling.variables}
        self.recordable = {n: lowered.cells.recordable(population, n) for n in sampling.variables}
        self.meter = nest.Create(
            "multimeter",
            params={
                "interval": round(self.schedule.interval(self.period) * experiment.dt, 3),
                "record_from": [name for name, _ in self.recordable.values()],
                "time_in_steps": True,
            },
        )
        nest.Connect(self.meter, lowered.nodes[sampling.population][distinct.tolist()])

    def collect(self) -> None:
        """Take what has arrived out of the kernel."""
        events = self.meter.events
        step = self.schedule.samples(np.asarray(events["times"], dtype=np.int64))
        wanted = (step >= 0) & (step % self.period == 0)
        row = step[wanted] // self.period
        column = self.column[np.asarray(events["senders"])[wanted] - self.first]
        for name, values in self.values.items():
            theirs, factor = self.recordable[name]
            values[row, column] = np.asarray(events[theirs])[wanted] / factor
        self.meter.n_events = 0


@dataclass
class Recorders:
    """Logs of one lowered experiment."""

    lowered: Lowered
    spikes: SpikeLog = field(init=False)
    signals: list[SignalLog] = field(init=False)

    def __post_init__(self) -> None:
        self.spikes = SpikeLog(self.lowered)
        self.signals = [SignalLog(self.lowered, s) for s in self.lowered.experiment.record.signals]

    def collect(self) -> None:
        """Empty the kernel's memory, so that it does not grow with the run's length."""
        self.spikes.collect()
        for log in self.signals:
            log.collect()

    def outcome(self) -> Outcome:
        """Results in the public numbering."""
        experiment, inputs = self.lowered.experiment, self.lowered.inputs
        spikes: dict[str, Any] = {
            name: (
                np.concatenate([np.zeros(0, np.int64), *self.spikes.steps[name]]),
                np.concatenate([np.zeros(0, np.int32), *self.spikes.units[name]]),
            )
            for name in experiment.record.spikes
            if name in self.spikes.steps
        }
        if experiment.source.name in experiment.record.spikes:
            # They fire as they are told to.
            spikes[experiment.source.name] = inputs.step.astype(np.int64), inputs.unit
        signals = {
            (log.sampling.population, name): values[:, log.order]
            for log in self.signals
            for name, values in log.values.items()
        }
        engines = self.lowered.engines
        learned = {name: engine for name, engine in engines.items() if engine.learns}
        kept = experiment.record.snapshots > 0
        return Outcome(
            spikes,
            signals,
            weights={name: engine.values() for name, engine in learned.items()},
            snapshots={name: engine.snapshots() for name, engine in learned.items() if kept},
            output_spikes=self.spikes.counts,
            pathways={
                p.name: "procedural" if p.name in engines else "expanded"
                for p in experiment.network.projections
            },
        )
