"""The machine's arithmetic in whole numbers: spike for spike what its own code computes.

A tick of the machine, for every neuron: what the rings hold for this tick is shifted and added to
the receptors' inputs; the potential is recorded; input and potential make the new potential, unless
the neuron is refractory; at the threshold it fires and is reset; the inputs decay. Then the spikes
go out, and each adds its weights to the rings, in the slot of the tick in which it is due.
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
    """Neurons of one layer, in whole numbers.

    Attributes
    ----------
    v : ndarray of int64 (size,)
        Membrane potential in s16.15.
    inputs : ndarray of int64 (2, size)
        The receptors' inputs, positive and negative pool.
    """

    def __init__(self, layer: Layer, dt: float) -> None:
        cells = layer.cells
        if cells is None:
            raise DataError("a source has no membrane", where=layer.name)
        values = {name: layer.each(v).astype(float) for name, v in cells.parameters.items()}
        self.values = {name: fixed(v) for name, v in values.items()}
        self.resistance = quotient(self.values["tau_m"], self.values["cm"])
        self.keep = decay(dt, values["tau_m"])
        # The machine rounds the quotient of period and step up to whole steps.
        held = quotient(self.values["tau_refrac"], fixed(dt))
        self.held_for = (held >> 15) + ((held & (ONE - 1)) > 0)
        self.v = fixed(layer.each(cells.initial).astype(float))
        self.held = np.zeros(layer.size, dtype=np.int64)
        self.inputs = np.stack([fixed(layer.each(v).astype(float)) for v in cells.inputs])

    @abstractmethod
    def arrive(self, pool: int, amount: Ints) -> None:
        """Add what the rings held, in s16.15."""

    @abstractmethod
    def current(self) -> Ints:
        """Input current of this tick, without the constant one."""

    @abstractmethod
    def fade(self) -> None:
        """Decay of the inputs at the end of a tick."""

    def tick(self) -> Ints:
        """One tick after what arrived; the neurons that fire."""
        current = self.current() + self.values["i_offset"]
        target = product(current, self.resistance) + self.values["v_rest"]
        moved = target - product(self.keep, target - self.v)
        if overflows((current, target, moved)):
            raise DataError(
                "the input drives a potential beyond the machine's numbers; make weights smaller",
                where="backend 'spinnaker'",
            )
        free = self.held <= 0
        self.v = np.where(free, moved, self.v)
        self.held -= ~free
        fired = np.flatnonzero(self.v >= self.values["v_thresh"])
        self.v[fired] = self.values["v_reset"][fired]
        self.held[fired] = self.held_for[fired]
        self.fade()
        return fired


class ExponentialCurrents(Membrane):
    """IF_curr_exp."""

    def __init__(self, layer: Layer, dt: float) -> None:
        super().__init__(layer, dt)
        taus = [self.values[name] / ONE for name in ("tau_syn_E", "tau_syn_I")]
        self.fading = np.array([fine_decay(dt, tau) for tau in taus])
        self.first = np.array([mean_of_step(dt, tau) for tau in taus])

    def arrive(self, pool: int, amount: Ints) -> None:
        """Add what the mean over this step is of what arrived."""
        self.inputs[pool] += (amount * self.first[pool]) >> 32

    def current(self) -> Ints:
        """Positive less negative."""
        return np.asarray(self.inputs[0] - self.inputs[1])

    def fade(self) -> None:
        """Exponential decay."""
        self.inputs = (self.inputs * self.fading) >> 32


class ExponentialConductances(ExponentialCurrents):
    """IF_cond_exp; the rings hold 1024 times the conductances in uS."""

    def current(self) -> Ints:
        """Driving force times conductance, one for each pool."""
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
        """Positive less negative."""
        excite, inhibit = product(self.inputs, self.factor)
        return np.asarray(excite - inhibit)

    def fade(self) -> None:
        """Nothing is left."""
        self.inputs[:] = 0


MEMBRANES: dict[str, type[Membrane]] = {
    "IF_curr_exp": ExponentialCurrents,
    "IF_cond_exp": ExponentialConductances,
    "IF_curr_delta": Jumps,
}


@dataclass
class Rings:
    """What is under way to a layer: a ring of slots for each pool and neuron.

    Attributes
    ----------
    saturated : int
        How often a slot was full, so that part of a spike was lost.
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
            # The order of additions does not matter: nothing is ever taken away.
            self.saturated += int(full.sum())
            row[full] = FULL
        self.waiting[slot] = True

    def due(self, tick: int, membrane: Membrane) -> None:
        """Hand a tick's slot to the neurons, and empty it."""
        slot = tick % self.slots
        if self.waiting[slot]:
            for pool in range(2):
                membrane.arrive(pool, self.values[slot, pool] << self.shifts[pool])
            self.values[slot] = 0
            self.waiting[slot] = False


@dataclass(frozen=True, eq=False)
class _Fan:
    """Targets and weights of each neuron of a pathway, in rows one after another."""

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
        # Each row's positions: a running count, set back to the row's own begin.
        shift = np.repeat(begin - np.concatenate([[0], np.cumsum(lengths)[:-1]]), lengths)
        chosen = np.arange(int(lengths.sum())) + shift
        return self.places[chosen], self.weights[chosen]


@dataclass
class Activity:
    """What the machine did, on its own clock.

    Attributes
    ----------
    spikes : dict of str to (tick, unit)
        By layer, sources left out.
    potentials : dict of str to ndarray (samples, size)
        Membrane potentials in mV before the update of each tick that was asked for.
    saturated : dict of str to int or None
        By layer; None where it cannot be known.
    """

    spikes: dict[str, tuple[Ints, Ints]]
    potentials: dict[str, Any] = field(default_factory=dict)
    saturated: dict[str, int] = field(default_factory=dict)


class _Cores:
    """All layers of a lowered experiment: membranes, what is under way to them, and who is told."""

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
        """One tick, in which neurons of sources send; the neurons that fire, by layer."""
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
    """Run a lowered experiment in whole numbers.

    Parameters
    ----------
    lowered : Lowered
    inputs : mapping of str to (tick, unit)
        Spikes of each source, sorted by tick.
    sampled : mapping of str to ndarray of int64
        By layer, ticks before whose update to keep the potentials.
    report : callable
        As in :meth:`~scnnbio.backends.Backend.run`.

    Returns
    -------
    Activity

    Raises
    ------
    DataError
        If a potential leaves the range of the machine's numbers.
    """
    cores, total = _Cores(lowered), lowered.clock.total
    given = {
        name: (units, np.searchsorted(ticks, np.arange(total + 1)))
        for name, (ticks, units) in inputs.items()
    }
    wanted = {name: set(ticks.tolist()) for name, ticks in sampled.items()}
    kept: dict[str, list[Ints]] = {name: [] for name in sampled}
    spikes: dict[str, list[tuple[int, Ints]]] = {name: [] for name in cores.membranes}
    for tick in range(total):
        for name, ticks in wanted.items():
            if tick in ticks:
                kept[name].append(cores.membranes[name].v.copy())
        sent = {name: u[cuts[tick] : cuts[tick + 1]] for name, (u, cuts) in given.items()}
        for name, units in cores.tick(tick, sent).items():
            if len(units):
                spikes[name].append((tick, units))
        if tick % 1000 == 0 or tick == total - 1:
            report("simulating", tick + 1, total)
    return Activity(
        {name: _flat(rows) for name, rows in spikes.items()},
        {name: np.array(rows) / ONE for name, rows in kept.items()},
        {name: ring.saturated for name, ring in cores.rings.items()},
    )


def _flat(rows: list[tuple[int, Ints]]) -> tuple[Ints, Ints]:
    empty = np.zeros(0, dtype=np.int64)
    ticks = [np.full(len(units), tick, dtype=np.int64) for tick, units in rows]
    return np.concatenate([empty, *ticks]), np.concatenate([empty, *(u for _, u in rows)])
