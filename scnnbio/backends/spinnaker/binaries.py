"""Simulation with the machine's own binaries on emulated cores, from the data sPyNNaker loads."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from scnnbio.backends.spinnaker.arithmetic import ONE, Ints
from scnnbio.backends.spinnaker.arm.board import Board, Chip, Place, Route
from scnnbio.backends.spinnaker.arm.core import Core
from scnnbio.backends.spinnaker.emulated import Activity
from scnnbio.backends.spinnaker.machine import Machine
from scnnbio.errors import BackendMissing, DataError
from scnnbio.experiment import Report

_EXPANDER = "neuron_expander.aplx"
_RECORDING, _POTENTIAL, _SPIKES = "Recording", 0, 3
_PARTITION = "SPIKE"


@dataclass(frozen=True, eq=False)
class _Part:
    """The neurons of one core."""

    layer: str
    units: Ints
    core: Core
    recording: int


def simulate(machine: Machine, report: Report) -> Activity:
    """Boot all cores of a machine that was mapped to a virtual board, and run them.

    Parameters
    ----------
    machine : Machine
        After its ``run``.
    report : callable
        As in :meth:`~scnnbio.backends.Backend.run`.

    Returns
    -------
    Activity

    Raises
    ------
    BackendMissing
        If sPyNNaker does not include a binary.
    DataError
        If a core fails.
    """
    from spynnaker.pyNN.data import SpynnakerDataView as View

    parts, extensions = _booted(machine, View)
    board = Board(
        cores={place: part.core for place, part in parts.items()} | extensions,
        tables=_tables(View),
        neighbour=_neighbours(View),
        colours=_colours(machine),
    )
    total = machine.lowered.clock.total
    board.run(total, _injected(machine, View), lambda done: report("simulating", done, total))
    return _activity(machine, list(parts.values()))


def _booted(machine: Machine, view: Any) -> tuple[dict[Place, _Part], dict[Place, Core]]:
    """Booted cores with their data and expanded parameters, paused before the first step.

    These are the cores of neurons, and the delay extensions.
    """
    from spynnaker.pyNN.models.utility_models.delays import DelayExtensionVertex

    parts, extensions = {}, {}
    database = sqlite3.connect(Path(view.get_run_dir_path(), "ds.sqlite3"))
    try:
        for name, layer in machine.lowered.layers.items():
            if layer.cells is None:
                continue
            for index, population in enumerate(machine.populations[name]):
                for vertex in population._vertex.machine_vertices:
                    placed = view.get_placement_of_vertex(vertex)
                    place = (placed.x, placed.y, placed.p)
                    core, labels = _boot(vertex, place, database)
                    units = np.asarray(vertex.vertex_slice.get_raster_ids(), dtype=np.int64)
                    parts[place] = _Part(
                        name, units + index * layer.part_size, core, labels[_RECORDING]
                    )
        for extension in view.get_vertices_by_type(DelayExtensionVertex):
            for vertex in extension.machine_vertices:
                placed = view.get_placement_of_vertex(vertex)
                place = (placed.x, placed.y, placed.p)
                extensions[place] = _boot(vertex, place, database)[0]
    finally:
        database.close()
    return parts, extensions


def _boot(vertex: Any, place: Place, database: sqlite3.Connection) -> tuple[Core, dict[str, int]]:
    rows = database.execute(
        "select region_num, size, content, region_label from region where x=? and y=? and p=?",
        place,
    ).fetchall()
    core = Core(place[2])
    core.load({number: (size, content) for number, size, content, _ in rows})
    if getattr(vertex, "gen_neurons_on_machine", bool)():
        core.set_user(1, vertex.neuron_generator_region)
        core.boot(_binary(_EXPANDER))
        core.expect("finished")
    core.boot(_binary(vertex.get_binary_file_name()))
    core.expect("paused")
    return core, {label: number for number, _, _, label in rows}


def _binary(name: str) -> Path:
    from spinn_front_end_common import common_model_binaries
    from spynnaker.pyNN import model_binaries

    for module in (model_binaries, common_model_binaries):
        path = Path(str(module.__file__)).parent / name
        if path.is_file():
            return path
    raise BackendMissing(
        f"sPyNNaker does not include {name}; use another target", where="backend.target"
    )


def _tables(view: Any) -> dict[Chip, list[Route]]:
    return {
        (table.x, table.y): [
            Route(entry.key, entry.mask, tuple(entry.processor_ids), tuple(entry.link_ids))
            for entry in table.multicast_routing_entries
        ]
        for table in view.get_uncompressed().routing_tables
    }


def _neighbours(view: Any) -> Callable[[Chip, int], Chip]:
    chips = view.get_machine()

    def neighbour(chip: Chip, link: int) -> Chip:
        found = chips[chip].router.get_link(link)
        return found.destination_x, found.destination_y

    return neighbour


def _colours(machine: Machine) -> int:
    found = {p._vertex.n_colour_bits for row in machine.populations.values() for p in row}
    if len(found) != 1:
        raise DataError("sPyNNaker gave its populations different numbers of colour bits")
    return int(found.pop())


def _injected(machine: Machine, view: Any) -> dict[int, list[tuple[Chip, int]]]:
    """Packets of all sources by tick: (chip, key)."""
    packets: dict[int, list[tuple[Chip, int]]] = {}
    for source in machine.inputs:
        _inject(machine, view, source, packets)
    return packets


def _inject(
    machine: Machine, view: Any, source: str, packets: dict[int, list[tuple[Chip, int]]]
) -> None:
    """Add the packets of one source."""
    from pacman.utilities.utility_calls import get_keys

    layer = machine.lowered.layers[source]
    origin: dict[int, tuple[Chip, int]] = {}
    for index, population in enumerate(machine.populations[layer.name]):
        for vertex in population._vertex.machine_vertices:
            routed = view.get_routing_infos().get_info_from(vertex, _PARTITION)
            if routed is None:
                continue  # it has no projections
            placed = view.get_placement_of_vertex(vertex)
            keys = get_keys(routed.key, vertex.vertex_slice, population._vertex.n_colour_bits)
            units = vertex.vertex_slice.get_raster_ids()
            for unit, key in zip(units, keys, strict=True):
                origin[int(unit) + index * layer.part_size] = (placed.x, placed.y), int(key)
    for tick, unit in zip(*(column.tolist() for column in machine.inputs[source]), strict=True):
        if unit in origin:
            packets.setdefault(tick, []).append(origin[unit])


def _activity(machine: Machine, parts: list[_Part]) -> Activity:
    spikes: dict[str, list[tuple[Ints, Ints]]] = {}
    potentials: dict[str, Any] = {}
    for part in parts:
        words = (len(part.units) + 31) // 32
        table = part.core.recorded(part.recording, _SPIKES).reshape(-1, words + 1)
        bits = np.unpackbits(table[:, 1:].copy().view(np.uint8), axis=1, bitorder="little")
        row, neuron = np.nonzero(bits[:, : len(part.units)])
        found = table[row, 0].astype(np.int64), part.units[neuron]
        spikes.setdefault(part.layer, []).append(found)
        if part.layer in machine.sampled:
            words_of = part.core.recorded(part.recording, _POTENTIAL).view(np.int32)
            trace = words_of.reshape(-1, len(part.units) + 1)[machine.sampled[part.layer]]
            size = machine.lowered.layers[part.layer].size
            whole = potentials.setdefault(part.layer, np.zeros((len(trace), size)))
            whole[:, part.units] = trace[:, 1:] / ONE
    ordered = {}
    for name, rows in spikes.items():
        ticks, units = (np.concatenate(column) for column in zip(*rows, strict=True))
        order = np.lexsort((units, ticks))
        ordered[name] = ticks[order], units[order]
    return Activity(ordered, potentials)
