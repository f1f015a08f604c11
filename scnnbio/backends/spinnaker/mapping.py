"""Tables about the mapping of a network: precision, ring buffers, placement and warnings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from scnnbio.backends.spinnaker.arithmetic import FULL, ONE
from scnnbio.backends.spinnaker.layers import Layer, Pathway
from scnnbio.backends.spinnaker.lowering import Lowered

if TYPE_CHECKING:
    from scnnbio.backends.spinnaker.machine import Machine

Row = dict[str, Any]

#: Most entries of a chip's router.
_ROUTER = 1023
_POOLS = ("+", "-")


def numbers(lowered: Lowered) -> dict[str, Any]:
    """Precision of populations and projections in the machine's numbers.

    Parameters
    ----------
    lowered : Lowered

    Returns
    -------
    dict
        ``populations`` and ``projections``, with one row each, ``warnings``, and the ``silence``
        between trials in ms.
    """
    populations = [_population(lowered, layer) for layer in lowered.layers.values()]
    projections = [_projection(lowered, pathway) for pathway in lowered.pathways]
    return {
        "populations": populations,
        "projections": projections,
        "silence": round(lowered.clock.gap * lowered.experiment.dt, 6),
        "warnings": [
            *_full_rings(lowered),
            *_lost_weights(projections),
            *_delay_extensions(lowered),
        ],
    }


def _population(lowered: Lowered, layer: Layer) -> Row:
    cell = layer.cells.type.name if layer.cells is not None else "SpikeSourceArray"
    row: Row = {"population": layer.name, "cell": cell, "neurons": layer.size}
    if layer.cells is not None:
        row["unit of weights"] = layer.cells.type.quantity
        # The largest step among its parts.
        for sign, shifts in zip(_POOLS, lowered.shifts(layer), strict=True):
            step = 2.0 ** int(shifts.max()) / ONE / layer.cells.type.unit
            row[f"weight step {sign}"] = float(f"{step:.4g}")
    if layer.name in lowered.extensions:
        row["delay extensions"] = lowered.extensions[layer.name].cores
    return row


def _projection(lowered: Lowered, pathway: Pathway) -> Row:
    post = lowered.layers[pathway.projection.post]
    _, after, weight = pathway.connections
    lags = pathway.projection.connector.lags
    row: Row = {
        "projection": pathway.name,
        **({} if lags is None else {"lag": lags[pathway.lag]}),
        "pathway": _path(pathway),
        "ticks": pathway.delay,
        "longest": post.slots,
        "connections": len(weight),
    }
    if len(weight):
        shift = lowered.shifts(post)[(weight < 0).astype(int), after // post.part_size]
        step = 2.0**shift / ONE / pathway.kind.unit
        found = lowered.integer_weights(pathway) * step
        error = np.abs(found - np.abs(weight)) / np.abs(weight)
        row["rounded to zero"] = int((found == 0).sum())
        row["median error"] = float(f"{np.median(error):.2g}")
    return row


def _path(pathway: Pathway) -> str:
    return "native" if pathway.native else "expanded"


def pathways(lowered: Lowered) -> dict[str, str]:
    """How each projection is computed: by the machine's convolution, or by lists."""
    return {pathway.name: _path(pathway) for pathway in lowered.pathways}


def _full_rings(lowered: Lowered) -> list[str]:
    """Warnings about ring buffers too small for the largest possible input."""
    found = []
    for layer in lowered.layers.values():
        if layer.cells is None:
            continue
        shifts = lowered.shifts(layer)
        room = FULL * 2.0**shifts / ONE / layer.cells.type.unit
        most = lowered.most_at_once(layer)
        for sign, has, needs in zip(_POOLS, room, most, strict=True):
            part = int(np.argmax(needs / has))
            if needs[part] > has[part]:
                found.append(
                    f"population {layer.name!r}: a ring buffer of the {sign} pool holds"
                    f" {has[part]:.3g}, but {needs[part]:.3g} arrive if all neurons that project"
                    " there fire in one step; input above is lost"
                )
    return found


def _lost_weights(projections: list[Row]) -> list[str]:
    return [
        f"projection {row['projection']!r}: {row['rounded to zero']} of {row['connections']}"
        " connections are rounded to zero"
        for row in projections
        if row.get("rounded to zero")
    ]


def _delay_extensions(lowered: Lowered) -> list[str]:
    return [
        f"population {held.layer!r}: a delay of {held.delay} ticks ({', '.join(held.projections)})"
        f" is longer than the {held.slots} of its cores' ring buffers; it uses {held.cores} delay"
        f" extension{'s' * (held.cores > 1)} of {held.stages * held.slots} ticks, each on a core"
        " of its own"
        for held in lowered.extensions.values()
    ]


def saturation(counts: Mapping[str, int]) -> list[str]:
    """Warnings about ring buffers that were full in a run."""
    return [
        f"population {name!r}: ring buffers were full {count} times, so that input was lost"
        for name, count in counts.items()
        if count
    ]


def placed(machine: Machine) -> dict[str, Any]:
    """Placement of a network by sPyNNaker.

    Parameters
    ----------
    machine : Machine
        After its ``run``.

    Returns
    -------
    dict
        As :func:`numbers`, with cores, chips and memory by population, and the whole ``board``.
    """
    from spynnaker.pyNN.data import SpynnakerDataView as View
    from spynnaker.pyNN.models.utility_models.delays import DelayExtensionVertex

    behind: dict[Any, list[Any]] = {}
    for extension in View.get_vertices_by_type(DelayExtensionVertex):
        behind[extension.source_vertex] = list(extension.machine_vertices)
    found = numbers(machine.lowered)
    ticks = machine.lowered.clock.total
    everywhere: list[Any] = []
    for row in found["populations"]:
        vertices = [
            vertex
            for population in machine.populations[row["population"]]
            for vertex in population._vertex.machine_vertices
        ]
        places = [View.get_placement_of_vertex(vertex) for vertex in vertices]
        everywhere += places
        held = [
            View.get_placement_of_vertex(vertex)
            for population in machine.populations[row["population"]]
            for vertex in behind.get(population._vertex, ())
        ]
        everywhere += held
        if held:
            row["delay extensions"] = len(held)
        memory = sum(v.sdram_required.get_total_sdram(ticks) for v in vertices)
        row["cores"] = len(vertices)
        row["chips"] = len({(place.x, place.y) for place in places})
        row["SDRAM (kB)"] = round(memory / 1024)
    for layer in machine.lowered.layers.values():
        if (
            layer.cells is not None
            and (machine.shifts(layer) != machine.lowered.shifts(layer)).any()
        ):
            found["warnings"].append(
                f"population {layer.name!r}: sPyNNaker scales weights differently than listed here"
            )
    found["board"] = _board(View, everywhere)
    most = found["board"]["most routing entries of a chip"]
    if most > _ROUTER:
        found["warnings"].append(
            f"{most} routing entries on one chip, whose router holds {_ROUTER}: they must be"
            " compressed"
        )
    return found


def _board(view: Any, places: list[Any]) -> Row:
    entries = [t.number_of_entries for t in view.get_uncompressed().routing_tables]
    return {
        "chips of the machine": view.get_machine().n_chips,
        "chips of the network": len({(place.x, place.y) for place in places}),
        "cores of the network": len(places),
        "cores with sPyNNaker's own": view.get_n_placements(),
        "routing entries": sum(entries),
        "most routing entries of a chip": max(entries, default=0),
    }
