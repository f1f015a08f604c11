"""Translation of an experiment for the machine: layers of its cells, pathways, and a clock.

All targets start from it, both sPyNNaker and the emulation.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from scnnbio.backends.spinnaker.arithmetic import (
    TOO_LARGE,
    Floats,
    Ints,
    delay_slots,
    ring_shift,
    weight_scale,
)
from scnnbio.backends.spinnaker.cells import Cells, CellType, cells_of, feeds
from scnnbio.backends.spinnaker.clock import Clock
from scnnbio.backends.spinnaker.delays import Extension, convolves_late, extensions
from scnnbio.backends.spinnaker.layers import Layer, Pathway, core_shape
from scnnbio.backends.spinnaker.refusals import unsupported_rest
from scnnbio.connectors.spinnaker import convolves
from scnnbio.errors import Unsupported
from scnnbio.experiment import Experiment
from scnnbio.network import Projection
from scnnbio.population import Population

#: The machine's convolution needs separate cores per channel; with fewer neurons per core than
#: this, lists of connections need far fewer cores.
_MIN_CORE_NEURONS = 16


@dataclass(frozen=True, eq=False)
class Lists:
    """Connections from one sPyNNaker population to another, for one pool.

    Parameters
    ----------
    source, target : int
        Indices of the populations in their layers.
    pool : int
        0 positive, 1 negative.
    pre, post : ndarray of int64
        Neurons of these populations.
    weight : ndarray
        Not negative.
    """

    source: int
    target: int
    pool: int
    pre: Ints
    post: Ints
    weight: Floats


def lists(pathway: Pathway, pre: Layer, post: Layer) -> Iterator[Lists]:
    """Connections of a pathway by pair of sPyNNaker populations and by pool."""
    before, after, weight = pathway.connections
    source, from_unit = np.divmod(before, pre.part_size)
    target, to_unit = np.divmod(after, post.part_size)
    which = (source * post.parts + target) * 2 + (weight < 0)
    order = np.argsort(which, kind="stable")
    found, begins = np.unique(which[order], return_index=True)
    # Of no connections there is one part, which is empty.
    parts = np.split(order, begins[1:]) if len(order) else []
    for number, chosen in zip(found.tolist(), parts, strict=True):
        pair, pool = divmod(number, 2)
        a, b = divmod(pair, post.parts)
        yield Lists(a, b, pool, from_unit[chosen], to_unit[chosen], np.abs(weight[chosen]))


@dataclass(frozen=True, eq=False)
class Lowered:
    """An experiment translated for the machine.

    Parameters
    ----------
    experiment : Experiment
    layers : dict of str to Layer
    pathways : tuple of Pathway
    clock : Clock
    extensions : dict of str to Extension
        By layer whose spikes are delayed.
    headroom : float
        Fraction of the largest possible input of one step that ring buffers can hold.
    """

    experiment: Experiment
    layers: dict[str, Layer]
    pathways: tuple[Pathway, ...]
    clock: Clock
    extensions: dict[str, Extension]
    headroom: float = 1.0
    _room: dict[str, Floats] = field(default_factory=dict, init=False)

    def incoming(self, layer: Layer) -> tuple[Pathway, ...]:
        """Pathways that end in a layer."""
        return tuple(p for p in self.pathways if p.projection.post == layer.name)

    def _loads(self, layer: Layer) -> tuple[Floats, Floats]:
        """Largest input in one step, and largest weight, of each ring buffer (pool, part)."""
        total = np.zeros((2, layer.parts))
        largest = np.zeros((2, layer.parts))
        for pathway in self.incoming(layer):
            pre = self.layers[pathway.projection.pre]
            rows = _native_bounds(pathway, pre) if pathway.native else _bounds(pathway, pre, layer)
            for pool, part, weight, fan_in in rows:
                total[pool, part] += weight * fan_in
                largest[pool, part] = max(largest[pool, part], weight)
        return total, largest

    def most_at_once(self, layer: Layer) -> Floats:
        """Input (pool, part) if all neurons that project to a layer fire in the same step."""
        return self._loads(layer)[0]

    def room(self, layer: Layer) -> Floats:
        """Sums (pool, part) that ring buffers must hold; at least the largest weight."""
        if layer.name not in self._room:
            total, largest = self._loads(layer)
            self._room[layer.name] = np.maximum(self.headroom * total, largest)
        return self._room[layer.name]

    def shifts(self, layer: Layer) -> Ints:
        """Shift of each ring buffer (pool, part); see ``ring_shift`` of this package."""
        unit = layer.cells.type.unit if layer.cells is not None else 1.0
        shift = np.vectorize(ring_shift, otypes=[np.int64])
        return np.asarray(shift(self.room(layer) * unit))

    def integer_weights(self, pathway: Pathway) -> Ints:
        """Absolute weights of a pathway's connections as 16-bit integers."""
        post = self.layers[pathway.projection.post]
        _, after, weight = pathway.connections
        shift = self.shifts(post)[(weight < 0).astype(int), after // post.part_size]
        scaled = np.abs(weight) * weight_scale(shift, pathway.kind.unit)
        return np.rint(scaled).astype(np.int64) & 0xFFFF


def _bounds(pathway: Pathway, pre: Layer, post: Layer) -> Iterator[tuple[int, int, float, int]]:
    """(pool, part, largest weight, largest fan-in) of each list."""
    for part in lists(pathway, pre, post):
        yield part.pool, part.target, float(part.weight.max()), int(np.bincount(part.post).max())


def _native_bounds(pathway: Pathway, pre: Layer) -> Iterator[tuple[int, int, float, int]]:
    """As :func:`_bounds` for convolutions; their fan-in counts all kernel elements in each pool."""
    kernel = pathway.kernel
    fan_in = min(kernel.shape[2] * kernel.shape[3], pre.part_size)
    for out, kernels in enumerate(kernel):
        for plane in kernels:
            yield 0, out, max(float(plane.max()), 0.0), fan_in
            yield 1, out, max(-float(plane.min()), 0.0), fan_in


def lower(
    experiment: Experiment, gap: float | None = None, headroom: float = 1.0
) -> Lowered | list[Unsupported]:
    """Translate an experiment for the machine, or list all reasons against it.

    Parameters
    ----------
    experiment : Experiment
    gap : float, optional
        Silence between trials in ms; default: the time in which the network comes to rest.
    headroom : float
        Fraction of the largest possible input of one step that ring buffers can hold.

    Returns
    -------
    Lowered or list of Unsupported
    """
    network, dt = experiment.network, experiment.dt
    cells: dict[str, Cells] = {}
    problems: list[Unsupported] = []
    for population in network.populations:
        if not population.is_source:
            found = cells_of(network, population, dt)
            if isinstance(found, Cells):
                cells[population.name] = found
            else:
                problems += found
    problems += unsupported_rest(experiment, cells)
    native = _native_targets(experiment, cells)
    planes = native | {p.pre for p in network.projections if p.post in native}
    pathways = tuple(
        Pathway(p, kind, steps + kind.late, p.post in native, lag)
        for p in network.projections
        if p.post in cells
        for kind in (cells[p.post].type,)
        for lag, steps in enumerate(experiment.delay_steps(p))
    )
    layers = {p.name: Layer(p, cells.get(p.name), p.name in planes) for p in network.populations}
    held = extensions(layers, pathways, dt)
    if problems or not isinstance(held, dict):
        return problems + (held if isinstance(held, list) else [])
    longest = max((p.delay for p in pathways), default=1)
    clock = Clock.of(experiment, cells, longest, gap)
    lowered = Lowered(experiment, layers, pathways, clock, held, headroom)
    return _unsupported_sums(lowered) or lowered


def _unsupported_sums(lowered: Lowered) -> list[Unsupported]:
    """Layers whose input sums are out of range for the machine's numbers."""
    return [
        Unsupported(
            f"population {layer.name!r}",
            f"weights that add up to {lowered.room(layer).max():.6g} {layer.cells.type.quantity}"
            " in one step are out of range for the machine's numbers",
            "make weights smaller",
        )
        for layer in lowered.layers.values()
        if layer.cells is not None
        and lowered.room(layer).max() * layer.cells.type.unit >= TOO_LARGE
    ]


def _native_targets(experiment: Experiment, cells: dict[str, Cells]) -> set[str]:
    """Populations for which the machine's convolution can compute all input."""
    network = experiment.network
    return {
        name
        for name, found in cells.items()
        if found.type.name == "IF_curr_exp"
        and network.incoming(name)
        and all(
            p.pre != p.post
            and not convolves(p.connector)
            and _convolves_late(experiment, p, found.type)
            and any(feeds(p, found.type))
            and _fits(network.population(p.pre))
            and _fits(network.population(p.post))
            for p in network.incoming(name)
        )
    }


def _convolves_late(experiment: Experiment, projection: Projection, kind: CellType) -> bool:
    post = experiment.network.population(projection.post)
    slots = delay_slots(int(np.prod(core_shape(post))))
    return convolves_late(experiment.delay_steps(projection)[-1] + kind.late, slots, experiment.dt)


def _fits(population: Population) -> bool:
    """Whether its channels can be divided among cores with enough neurons each."""
    return int(np.prod(core_shape(population))) >= _MIN_CORE_NEURONS
