"""Recorders of a run on NEST: spikes, without the 30 kB per neuron of NEST's, and states.

Every process stores the data of its own neurons, which are gathered at the end of the run.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import nest
import numpy as np
from numpy.typing import NDArray

from scnnbio.backends.nest.lowering import Lowered
from scnnbio.backends.outcome import Outcome
from scnnbio.backends.processes import Team
from scnnbio.experiment import Sampling


class SpikeLog:
    """Spikes of all neurons through one synapse each.

    A NEST device reserves a block of 1024 connections for every neuron that it records. An ordinary
    synapse takes tens of bytes, and with a weight recorder it reports the time of every spike. The
    synapses of the log end on a cell without effect; there is one on every virtual process, for the
    neurons of that process. In a competing layer, the competition records the spikes.
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
        n = nest.total_num_virtual_procs
        # NEST distributes nodes over virtual processes in the order of their numbers.
        sinks = nest.Create("parrot_neuron", n)
        # NEST communicates once per shortest delay, which the log must not shorten.
        delays = [experiment.delay_steps(p)[0] for p in experiment.network.projections]
        delay = round(min(delays, default=1) * experiment.dt, 3)
        synapse = {"synapse_model": "scnnbio_log", "receptor_type": 1, "delay": delay}
        for layer in self.layers:
            self.steps[layer.name], self.units[layer.name] = [], []
            self.counts[layer.name] = 0
            if layer.name in lowered.competitions:
                continue
            shift = lowered.first(layer.name) - sinks[0].tolist()[0]
            for k in range(min(n, layer.size)):
                beside = sinks[(shift + k) % n]
                nest.Connect(lowered.nodes[layer.name][k::n], beside, "all_to_all", synapse)

    def collect(self) -> None:
        """Move new data from NEST's memory to arrays."""
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

    def gathered(self, team: Team) -> dict[str, tuple[NDArray[np.int64], NDArray[np.int32]]]:
        """Steps and neurons of all recorded spikes, by population."""
        found = {}
        for name in self.lowered.experiment.record.spikes:
            if name in self.steps:
                step = np.concatenate([np.zeros(0, np.int64), *self.steps[name]])
                unit = np.concatenate([np.zeros(0, np.int32), *self.units[name]])
                found[name] = team.gathered(step), team.gathered(unit)
        return found

    def counted(self, team: Team) -> dict[str, int]:
        """Number of spikes of each layer."""
        return dict(zip(self.counts, team.total(list(self.counts.values())), strict=True))


class SignalLog:
    """Samples of one population's states."""

    def __init__(self, lowered: Lowered, sampling: Sampling, team: Team) -> None:
        experiment, self.schedule = lowered.experiment, lowered.schedule
        self.sampling = sampling
        self.period = experiment.steps(sampling.period or experiment.dt, "period")
        population = experiment.network.population(sampling.population)
        size = population.size
        units = np.arange(size) if sampling.units is None else np.array(sampling.units)
        # Neurons listed twice are sampled once.
        self.units, self.order = np.unique(units, return_inverse=True)
        nodes = lowered.nodes[sampling.population][self.units.tolist()]
        #: Units of this process, and the column of each.
        self.own = self.units[np.atleast_1d(nodes.local)] if team.size > 1 else self.units
        self.first = lowered.first(sampling.population)
        self.column = np.full(size, -1)
        self.column[self.own] = np.arange(len(self.own))
        samples = -(-self.schedule.n_trials * self.schedule.trial // self.period)
        self.values = {name: np.zeros((samples, len(self.own))) for name in sampling.variables}
        self.recordable = {n: lowered.cells.recordable(population, n) for n in sampling.variables}
        self.meter = nest.Create(
            "multimeter",
            params={
                "interval": round(self.schedule.interval(self.period) * experiment.dt, 3),
                "record_from": [name for name, _ in self.recordable.values()],
                "time_in_steps": True,
            },
        )
        nest.Connect(self.meter, nodes)

    def collect(self) -> None:
        """Move new data from NEST's memory to arrays."""
        events = self.meter.events
        step = self.schedule.samples(np.asarray(events["times"], dtype=np.int64))
        wanted = (step >= 0) & (step % self.period == 0)
        row = step[wanted] // self.period
        senders = np.asarray(events["senders"], dtype=np.int64)
        column = self.column[senders[wanted] - self.first]
        for name, values in self.values.items():
            theirs, factor = self.recordable[name]
            values[row, column] = np.asarray(events[theirs])[wanted] / factor
        self.meter.n_events = 0

    def gathered(self, team: Team) -> dict[str, NDArray[np.float64]]:
        """Samples of all units (samples, units), by variable."""
        if team.size == 1:
            return {name: values[:, self.order] for name, values in self.values.items()}
        units = team.gathered(self.own)
        columns = np.searchsorted(self.units, units)
        found = {}
        for name, values in self.values.items():
            # Rows are neurons here, since each process has other neurons.
            whole = np.zeros((len(units), len(values)))
            whole[columns] = team.gathered(values.T)
            found[name] = whole.T[:, self.order] if len(units) else whole.T
        return found


@dataclass
class Recorders:
    """All recorders of one experiment."""

    lowered: Lowered
    team: Team
    spikes: SpikeLog = field(init=False)
    signals: list[SignalLog] = field(init=False)

    def __post_init__(self) -> None:
        self.spikes = SpikeLog(self.lowered)
        samplings = self.lowered.experiment.record.signals
        self.signals = [SignalLog(self.lowered, sampling, self.team) for sampling in samplings]

    def collect(self) -> None:
        """Empty NEST's recorders, so that their memory does not grow with the length of the run."""
        self.spikes.collect()
        for log in self.signals:
            log.collect()

    def outcome(self) -> Outcome:
        """Results in the public numbering."""
        experiment, inputs = self.lowered.experiment, self.lowered.inputs
        spikes: dict[str, Any] = self.spikes.gathered(self.team)
        # Spikes of sources are those given.
        for name, given in inputs.by_source(experiment).items():
            if name in experiment.record.spikes:
                spikes[name] = given
        signals = {
            (log.sampling.population, name): values
            for log in self.signals
            for name, values in log.gathered(self.team).items()
        }
        engines = self.lowered.engines
        learned = {name: engine for name, engine in engines.items() if engine.learns}
        with_snapshots = experiment.record.snapshots > 0
        return Outcome(
            spikes,
            signals,
            weights={name: engine.values() for name, engine in learned.items()},
            snapshots={
                name: engine.snapshots() for name, engine in learned.items() if with_snapshots
            },
            output_spikes=self.spikes.counted(self.team),
            pathways={
                p.name: "procedural" if p.name in engines else "expanded"
                for p in experiment.network.projections
            },
            details={"processes": self.team.size} if self.team.size > 1 else {},
        )
