"""Delays that are longer than a core's ring buffers: delay extensions.

For each core of a population with such delays sPyNNaker adds a *delay extension* core. It sends
every spike again after one, two, ... turns of the target's ring buffer (its stages), and the
synapse has the rest of the delay: from one tick to a whole turn. The spike arrives in the same tick
as with a longer ring buffer.

sPyNNaker 7.4.1 has three bugs that are avoided here:

- lists are read at a wrong address from the second stage on, unless the cores at both ends have
  equally many neurons;
- its convolution loses spikes whose delay is a whole number of turns, beyond the first;
- its convolution truncates a delay to whole steps, after a product that rounding may have
  decreased.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from scnnbio.backends.spinnaker.arithmetic import CORE_NEURONS
from scnnbio.backends.spinnaker.layers import Layer, Pathway
from scnnbio.errors import Unsupported

#: Most stages of an extension, for lists (False) and for convolutions (True).
_STAGES = {False: 1, True: 8}
#: Memory of a core for delayed spikes, in bytes; 64 more would be too much.
_MEMORY = 58_632


def stages(delay: int, slots: int) -> int:
    """Stages that a delay needs with this many slots in the ring buffers.

    Examples
    --------
    >>> [stages(delay, 32) for delay in (1, 32, 33, 64, 65)]
    [0, 0, 1, 1, 2]
    """
    return -(-delay // slots) - 1


def convolves_late(delay: int, slots: int, dt: float) -> bool:
    """Whether sPyNNaker's convolution delivers after exactly this delay.

    Parameters
    ----------
    delay, slots : int
        In ticks.
    dt : float
        Tick in ms.
    """
    microseconds = round(dt * 1000)
    # In sPyNNaker's order of operations, since the last bit decides.
    steps = delay * (microseconds / 1000) * (1000 / microseconds)
    if int(steps % slots) != delay % slots or (steps > slots) != (delay > slots):
        return False
    return delay <= slots or delay % slots > 0


@dataclass(frozen=True)
class Extension:
    """The delay extensions of one layer.

    Parameters
    ----------
    layer : str
        Layer whose spikes are delayed.
    projections : tuple of str
        Projections that need it.
    delay : int
        The longest of their delays, in ticks.
    slots : int
        Ticks per stage: slots of the target's ring buffers.
    stages : int
    cores : int
        Number of cores: one per core of the layer with such delays.
    """

    layer: str
    projections: tuple[str, ...]
    delay: int
    slots: int
    stages: int
    cores: int


def extensions(
    layers: Mapping[str, Layer], pathways: tuple[Pathway, ...], dt: float
) -> dict[str, Extension] | list[Unsupported]:
    """The extensions that a network needs, by layer, or the reasons against them."""
    long = [p for p in pathways if p.delay > layers[p.projection.post].slots]
    problems = [problem for p in long for problem in _too_long(p, layers, dt)]
    found: dict[str, Extension] = {}
    for name in () if problems else dict.fromkeys(p.projection.pre for p in long):
        slots = {p: layers[p.projection.post].slots for p in long if p.projection.pre == name}
        found[name] = _extension(layers[name], slots)
        problems += _unsupported(found[name], layers[name], slots, dt)
    return problems or found


def _extension(layer: Layer, slots: dict[Pathway, int]) -> Extension:
    parts: set[int] = set()
    for pathway in slots:
        before = np.arange(layer.size) if pathway.native else pathway.connections[0]
        parts |= set(np.unique(before // layer.part_size).tolist())
    return Extension(
        layer.name,
        tuple(dict.fromkeys(p.name for p in slots)),
        max(p.delay for p in slots),
        next(iter(slots.values())),
        max(stages(p.delay, count) for p, count in slots.items()),
        len(parts) * -(-layer.part_size // _core_neurons(layer)),
    )


def _core_neurons(layer: Layer) -> int:
    """Neurons per core of a layer with delay extensions."""
    shape = int(np.prod(layer.core_shape)) if layer.planes else CORE_NEURONS
    return min(layer.part_size, shape)


def _most_stages(native: bool, slots: int, neurons: int) -> int:
    """Most stages without bugs of sPyNNaker for which a core with this many neurons has memory."""
    # It stores a byte per neuron and tick, in rows of whole words, for a power of two of ticks.
    row = 4 + 8 + (neurons + 3) // 4 * 4
    return max(
        (n for n in range(1, _STAGES[native] + 1) if row << (n * slots).bit_length() < _MEMORY),
        default=0,
    )


def _too_long(pathway: Pathway, layers: Mapping[str, Layer], dt: float) -> list[Unsupported]:
    slots = layers[pathway.projection.post].slots
    neurons = _core_neurons(layers[pathway.projection.pre])
    held = _most_stages(pathway.native, slots, neurons)
    if stages(pathway.delay, slots) <= held:
        return []
    most = (1 + held) * slots - (pathway.native and held > 0)
    given, shorter = ((ticks - pathway.kind.late) * dt for ticks in (pathway.delay, most))
    return [
        Unsupported(
            f"projection {pathway.name!r}",
            f"a delay of {given:g} ms is {pathway.delay} ticks of the machine; cores with this"
            f" many neurons hold {slots} ticks, and {most} with delay extensions",
            f"shorten it to {shorter:g} ms, or use a longer dt",
        )
    ]


def _unsupported(
    extension: Extension, layer: Layer, slots: dict[Pathway, int], dt: float
) -> list[Unsupported]:
    """Reasons against the single extension that sPyNNaker allows per population."""
    names = ", ".join(extension.projections)
    lists = ", ".join(dict.fromkeys(p.name for p in slots if not p.native))
    if len(set(slots.values())) > 1:
        feature = f"its delay extensions cannot serve cores with different ring buffers ({names})"
        remedy = "shorten the delays of all but one of these projections"
    elif extension.stages > _STAGES[False] and lists:
        feature = f"delay extensions of {extension.stages} stages do not work for lists ({lists})"
        shorter = (2 * extension.slots - 2) * dt
        remedy = f"shorten the delays of its other projections to {shorter:g} ms"
    else:
        return []
    return [Unsupported(f"population {layer.name!r}", feature, remedy)]
