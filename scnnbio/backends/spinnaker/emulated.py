"""Emulation of the machine's integer arithmetic, with the same spikes as its own code.

In each tick, for every neuron: the ring buffers' sums for this tick are shifted and added to the
receptors' inputs; the potential is recorded; the new potential is computed from input and
potential, unless the neuron is refractory; at threshold it fires and is reset; the inputs decay.
Then spikes are sent, and each adds its weights to the ring buffers, in the slot of the tick in
which it is due.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from scnnbio.backends.spinnaker.arithmetic import (
    FULL,
    ONE,
    Ints,
    decay,
    fine_decay,
    fixed,
    mean_of_step,
    overflows,
    product,
    quotient,
)
from scnnbio.backends.spinnaker.layers import Layer, Pathway
from scnnbio.backends.spinnaker.lowering import Lowered
from scnnbio.errors import DataError
from scnnbio.experiment import Report


class Membrane(ABC):
    """Neurons of one layer, as integers.

    Attributes
    ----------
    v : ndarray of int64 (size,)
        Membrane potential in s16.15.
    inputs : ndarray of int64 (2, size)
        Inputs of the positive and the negative pool.
    """

    def __init__(self, layer: Layer, dt: float) -> None:
        cells = layer.cells
        if cells is None:
            raise DataError("a source has no membrane", where=layer.name)
        values = {name: layer.each(v).astype(float) for name, v in cells.parameters.items()}
        self.values = {name: fixed(v) for name, v in values.items()}
        self.resistance = quotient(self.values["tau_m"], self.values["cm"])
        self.decay = decay(dt, values["tau_m"])
        # The machine rounds the quotient of period and step up to whole steps.
        held = quotient(self.values["tau_refrac"], fixed(dt))
        self.held_for = (held >> 15) + ((held & (ONE - 1)) > 0)
        self.v = fixed(layer.each(cells.initial).astype(float))
        self.held = np.zeros(layer.size, dtype=np.int64)
        self.inputs = np.stack([fixed(layer.each(v).astype(float)) for v in cells.inputs])

    @abstractmethod
    def arrive(self, pool: int, amount: Ints) -> None:
        """Add the sum from the ring buffers, in s16.15."""

    @abstractmethod
    def current(self) -> Ints:
        """Synaptic input current of this tick."""

    @abstractmethod
    def decay_inputs(self) -> None:
        """Decay the inputs at the end of a tick."""

    def tick(self) -> Ints:
        """Advance one tick, after input has arrived; the neurons that fire."""
        current = self.current() + self.values["i_offset"]
        target = product(current, self.resistance) + self.values["v_rest"]
        moved = target - product(self.decay, target - self.v)
        if overflows((current, target, moved)):
            raise DataError(
                "a potential is out of range for the machine's numbers; make weights smaller",
                where="backend 'spinnaker'",
            )
        free = self.held <= 0
        self.v = np.where(free, moved, self.v)
        self.held -= ~free
        fired = np.flatnonzero(self.v >= self.values["v_thresh"])
        self.v[fired] = self.values["v_reset"][fired]
        self.held[fired] = self.held_for[fired]
        self.decay_inputs()
        return fired


class ExponentialCurrents(Membrane):
    """IF_curr_exp."""

    def __init__(self, layer: Layer, dt: float) -> None:
        super().__init__(layer, dt)
        taus = [self.values[name] / ONE for name in ("tau_syn_E", "tau_syn_I")]
        self.decays = np.array([fine_decay(dt, tau) for tau in taus])
        self.first = np.array([mean_of_step(dt, tau) for tau in taus])

    def arrive(self, pool: int, amount: Ints) -> None:
        """Add the arriving input's mean over this step."""
        self.inputs[pool] += (amount * self.first[pool]) >> 32

    def current(self) -> Ints:
        """Positive minus negative input."""
        return np.asarray(self.inputs[0] - self.inputs[1])

    def decay_inputs(self) -> None:
        """Exponential decay."""
        self.inputs = (self.inputs * self.decays) >> 32


class ExponentialConductances(ExponentialCurrents):
    """IF_cond_exp; the ring buffers hold 1024 times the conductances in uS."""

    def current(self) -> Ints:
        """Sum over both pools of driving force times conductance."""
        excite, inhibit = self.inputs >> 10
        inward = product(excite, self.values["e_rev_E"] - self.v)
        outward = product(-inhibit, self.values["e_rev_I"] - self.v)
        return inward - outward


class Jumps(Membrane):
    """IF_curr_delta: a weight is a current for one step."""

    def __init__(self, layer: Layer, dt: float) -> None:
        super().__init__(layer, dt)
        self.factor = quotient(fixed(1.0), fixed(dt))

    def arrive(self, pool: int, amount: Ints) -> None:
        """Set the input."""
        self.inputs[pool] += amount

    def current(self) -> Ints:
        """Positive minus negative input."""
        excite, inhibit = product(self.inputs, self.factor)
        return np.asarray(excite - inhibit)

    def decay_inputs(self) -> None:
        """Set the inputs to zero."""
        self.inputs[:] = 0


MEMBRANES: dict[str, type[Membrane]] = {
    "IF_curr_exp": ExponentialCurrents,
    "IF_cond_exp": ExponentialConductances,
    "IF_curr_delta": Jumps,
}


@dataclass
class Rings:
    """Input in flight to a layer: a ring buffer of slots per pool and neuron.

    Attributes
    ----------
    saturated : int
        Number of times that a slot was full, so that part of a spike was lost.
    """

    size: int
    slots: int
    shifts: Ints
    saturated: int = 0

    def __post_init__(self) -> None:
        self.values = np.zeros((self.slots, 2, self.size), dtype=np.int64)
        self.waiting = np.zeros(self.slots, dtype=bool)

    def add(self, tick: int, places: Ints, weights: Ints) -> None:
        """Add weights to a tick's slot; ``places`` are pool * size + neuron."""
        slot = tick % self.slots
        row = self.values[slot].reshape(-1)
        np.add.at(row, places, weights)
        full = row > FULL
        if full.any():
            # The order of additions does not matter, since weights are not negative.
            self.saturated += int(full.sum())
            row[full] = FULL
        self.waiting[slot] = True

    def due(self, tick: int, membrane: Membrane) -> None:
        """Deliver a tick's slot to the neurons, and clear it."""
        slot = tick % self.slots
        if self.waiting[slot]:
            for pool in range(2):
                membrane.arrive(pool, self.values[slot, pool] << self.shifts[pool])
            self.values[slot] = 0
            self.waiting[slot] = False


@dataclass(frozen=True, eq=False)
class _Fan:
    """Targets and weights of each neuron of a pathway, as concatenated rows."""

    delay: int
    target: str
    starts: Ints
    places: Ints
    weights: Ints

    @classmethod
    def of(cls, lowered: Lowered, pathway: Pathway) -> _Fan:
        pre, post, weight = pathway.connections
        layer = lowered.layers[pathway.projection.post]
        places = np.where(weight < 0, layer.size, 0) + post
        order = np.argsort(pre, kind="stable")
        size = lowered.layers[pathway.projection.pre].size
        starts = np.searchsorted(pre[order], np.arange(size + 1))
        integers = lowered.integer_weights(pathway)
        return cls(pathway.delay, layer.name, starts, places[order], integers[order])

    def of_neurons(self, units: Ints) -> tuple[Ints, Ints]:
        """Places and weights of all connections of some neurons."""
        begin, end = self.starts[units], self.starts[units + 1]
        lengths = end - begin
        # Positions of each row: a running count, shifted to the row's start.
        shift = np.repeat(begin - np.concatenate([[0], np.cumsum(lengths)[:-1]]), lengths)
        chosen = np.arange(int(lengths.sum())) + shift
        return self.places[chosen], self.weights[chosen]


@dataclass
class Activity:
    """Spikes and potentials of a run, on the machine's clock.

    Attributes
    ----------
    spikes : dict of str to (tick, unit)
        By layer, without sources.
    potentials : dict of str to ndarray (samples, size)
        Membrane potentials in mV before the update of each sampled tick.
    saturated : dict of str to int
        Number of full slots by layer; empty if unknown.
    """

    spikes: dict[str, tuple[Ints, Ints]]
    potentials: dict[str, Any] = field(default_factory=dict)
    saturated: dict[str, int] = field(default_factory=dict)


class _Cores:
    """All layers of an experiment: membranes, ring buffers and outgoing connections."""

    def __init__(self, lowered: Lowered) -> None:
        self.membranes: dict[str, Membrane] = {}
        self.rings: dict[str, Rings] = {}
        self.fans: dict[str, list[_Fan]] = {name: [] for name in lowered.layers}
        slots = 1 + max((p.delay for p in lowered.pathways), default=1)
        for name, layer in lowered.layers.items():
            if layer.cells is not None:
                membrane = MEMBRANES[layer.cells.type.name]
                self.membranes[name] = membrane(layer, lowered.experiment.dt)
                shifts = np.repeat(lowered.shifts(layer), layer.part_size, axis=1)
                self.rings[name] = Rings(layer.size, slots, shifts)
        for pathway in lowered.pathways:
            self.fans[pathway.projection.pre].append(_Fan.of(lowered, pathway))

    def tick(self, tick: int, sent: Mapping[str, Ints]) -> dict[str, Ints]:
        """Advance one tick with these spikes of sources; the neurons that fire, by layer."""
        fired = {}
        for name, membrane in self.membranes.items():
            self.rings[name].due(tick, membrane)
            fired[name] = membrane.tick()
        for name, units in {**sent, **fired}.items():
            if len(units):
                for fan in self.fans[name]:
                    self.rings[fan.target].add(tick + fan.delay, *fan.of_neurons(units))
        return fired


def simulate(
    lowered: Lowered,
    inputs: Mapping[str, tuple[Ints, Ints]],
    sampled: Mapping[str, Ints],
    report: Report,
) -> Activity:
    """Run an experiment in the machine's integer arithmetic.

    Parameters
    ----------
    lowered : Lowered
    inputs : mapping of str to (tick, unit)
        Spikes of each source, sorted by tick.
    sampled : mapping of str to ndarray of int64
        By layer, ticks before whose update potentials are recorded.
    report : callable
        As in :meth:`~scnnbio.backends.Backend.run`.

    Returns
    -------
    Activity

    Raises
    ------
    DataError
        If a potential is out of range for the machine's numbers.
    """
    cores, total = _Cores(lowered), lowered.clock.total
    given = {
        name: (units, np.searchsorted(ticks, np.arange(total + 1)))
        for name, (ticks, units) in inputs.items()
    }
    wanted = {name: set(ticks.tolist()) for name, ticks in sampled.items()}
    recorded: dict[str, list[Ints]] = {name: [] for name in sampled}
    spikes: dict[str, list[tuple[int, Ints]]] = {name: [] for name in cores.membranes}
    for tick in range(total):
        for name, ticks in wanted.items():
            if tick in ticks:
                recorded[name].append(cores.membranes[name].v.copy())
        sent = {name: u[cuts[tick] : cuts[tick + 1]] for name, (u, cuts) in given.items()}
        for name, units in cores.tick(tick, sent).items():
            if len(units):
                spikes[name].append((tick, units))
        if tick % 1000 == 0 or tick == total - 1:
            report("simulating", tick + 1, total)
    return Activity(
        {name: _flat(rows) for name, rows in spikes.items()},
        {name: np.array(rows) / ONE for name, rows in recorded.items()},
        {name: ring.saturated for name, ring in cores.rings.items()},
    )


def _flat(rows: list[tuple[int, Ints]]) -> tuple[Ints, Ints]:
    empty = np.zeros(0, dtype=np.int64)
    ticks = [np.full(len(units), tick, dtype=np.int64) for tick, units in rows]
    return np.concatenate([empty, *ticks]), np.concatenate([empty, *(u for _, u in rows)])
