"""Delays beyond what a core's rings hold: cores that hold spikes back.

Behind each core of a population that has such delays sPyNNaker puts a *delay extension*. It sends
every spike again after one, two, ... turns of the target's ring, its stages, and the synapse has
what is left of the delay: a tick at least, a whole turn at most. Nothing is added: the spike
arrives in the tick in which it would have arrived in a longer ring.

Three things are wrong in sPyNNaker 7.4.1, and are kept from:

- lists are read at the wrong place from the second stage on, unless cores at both ends hold equally
  many neurons;
- its convolution loses what is a whole number of turns, beyond the first;
- its convolution cuts a delay off to whole steps, after a product whose rounding may have made it
  less than it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from scnnbio.backends.spinnaker.arithmetic import CORE_NEURONS
from scnnbio.backends.spinnaker.layers import Layer, Pathway
from scnnbio.errors import Unsupported

#: Stages of an extension that feeds lists, or convolutions.
_STAGES = {False: 1, True: 8}
#: Bytes that a core has for the spikes that it holds back; the next step, of 64, is too much.
_MEMORY = 58_632


def stages(delay: int, slots: int) -> int:
    """Stages that a delay takes where rings have so many slots.

    Examples
    --------
    >>> [stages(delay, 32) for delay in (1, 32, 33, 64, 65)]
    [0, 0, 1, 1, 2]
    """
    return -(-delay // slots) - 1


def convolves_late(delay: int, slots: int, dt: float) -> bool:
    """Whether sPyNNaker's convolution delivers after this delay, and not after another.

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
        Whose spikes are held back.
    projections : tuple of str
        That need it.
    delay : int
        The longest of their delays, in ticks.
    slots : int
        Ticks of a stage: slots of the rings at the other end.
    stages : int
    cores : int
        One for each core of the layer that has such delays.
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
    """The extensions that a network takes, by layer, or what stands against them."""
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
    """Neurons on each core of a layer whose spikes are held back."""
    shape = int(np.prod(layer.core_shape)) if layer.planes else CORE_NEURONS
    return min(layer.part_size, shape)


def _most_stages(native: bool, slots: int, neurons: int) -> int:
    """Stages that sPyNNaker gets right, and that a core of so many neurons has memory for."""
    # It keeps a byte for each neuron and tick, in rows of whole words, of a power of two of ticks.
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
    told, shorter = ((ticks - pathway.kind.late) * dt for ticks in (pathway.delay, most))
    return [
        Unsupported(
            f"projection {pathway.name!r}",
            f"a delay of {told:g} ms is {pathway.delay} ticks of the machine; cores with so many"
            f" neurons hold {slots}, and {most} with delay extensions",
            f"shorten it to {shorter:g} ms, or take a longer dt",
        )
    ]


def _unsupported(
    extension: Extension, layer: Layer, slots: dict[Pathway, int], dt: float
) -> list[Unsupported]:
    """What stands against the one extension that sPyNNaker gives a population."""
    names = ", ".join(extension.projections)
    lists = ", ".join(dict.fromkeys(p.name for p in slots if not p.native))
    if len(set(slots.values())) > 1:
        feature = f"its delay extensions cannot serve cores of different rings ({names})"
        remedy = "shorten the delays of all but one of these projections"
    elif extension.stages > _STAGES[False] and lists:
        feature = f"delay extensions of {extension.stages} stages do not serve lists ({lists})"
        shorter = (2 * extension.slots - 2) * dt
        remedy = f"shorten the delays of its other projections to {shorter:g} ms"
    else:
        return []
    return [Unsupported(f"population {layer.name!r}", feature, remedy)]
