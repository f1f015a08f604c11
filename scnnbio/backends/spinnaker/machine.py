"""An experiment in sPyNNaker: on a board, or mapped to a virtual one."""

from __future__ import annotations

import atexit
import contextlib
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from scnnbio._exclusive import ignore_warnings
from scnnbio.backends.spinnaker.arithmetic import CORE_NEURONS, Floats, Ints
from scnnbio.backends.spinnaker.configuration import silence
from scnnbio.backends.spinnaker.emulated import Activity
from scnnbio.backends.spinnaker.layers import Layer, Pathway
from scnnbio.backends.spinnaker.loader import load_spynnaker
from scnnbio.backends.spinnaker.lowering import Lowered, lists
from scnnbio.connectors.spinnaker import RECEPTORS, turned


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Suppress sPyNNaker's output, log and warnings."""
    with ignore_warnings(), silence():
        yield


@dataclass
class Machine:
    """sPyNNaker's objects of one experiment, between its ``setup`` and its ``end``.

    Attributes
    ----------
    populations : dict of str to list
        Populations of sPyNNaker by layer, one per part.
    """

    lowered: Lowered
    inputs: Mapping[str, tuple[Ints, Ints]]
    sampled: Mapping[str, Ints]
    populations: dict[str, list[Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.sim = load_spynnaker()

    @contextlib.contextmanager
    def built(self) -> Iterator[None]:
        """Set up sPyNNaker, build the network, and end sPyNNaker after the block."""
        with _quiet():
            self._set_up()
        try:
            with _quiet():
                for layer in self.lowered.layers.values():
                    self.populations[layer.name] = self._populations(layer)
                for pathway in self.lowered.pathways:
                    self._connect(pathway)
            yield
        finally:
            with _quiet():
                self.sim.end()

    def _set_up(self) -> None:
        from spinn_utilities.data.utils_data_writer import UtilsDataWriter

        dt = self.lowered.experiment.dt
        # The machine needs a millisecond of real time per step, however short the step is.
        slower = max(1, math.ceil(1.0 / dt - 1e-9))
        try:
            self.sim.setup(timestep=dt, time_scale_factor=slower)
        finally:
            # At exit it would write to the temporary folder, which is then removed.
            atexit.unregister(UtilsDataWriter.write_errored_file)

    def run(self) -> None:
        """Map the network; on a board, also load and run it."""
        with _quiet():
            self.sim.run(self.lowered.clock.total * self.lowered.experiment.dt)

    def _populations(self, layer: Layer) -> list[Any]:
        made = []
        trains = self._trains(layer) if layer.cells is None else []
        for part in range(layer.parts):
            begin = part * layer.part_size
            chosen = slice(begin, begin + layer.part_size)
            if layer.cells is None:
                cell = self.sim.SpikeSourceArray(spike_times=trains[chosen])
            else:
                values = {
                    name: layer.each(v)[chosen].tolist()
                    for name, v in layer.cells.parameters.items()
                }
                cell = getattr(self.sim, layer.cells.type.name)(**values)
            population = self.sim.Population(
                layer.part_size, cell, label=f"{layer.name}_{part}", **self._extra(layer, part)
            )
            if layer.planes:
                population.set_max_atoms_per_core(layer.core_shape)
            elif layer.name in self.lowered.extensions:
                # The default of 500 for sources may need more memory than a delay extension has.
                population.set_max_atoms_per_core(CORE_NEURONS)
            if layer.cells is not None:
                first = {"v": layer.cells.initial}
                first |= {
                    name: values
                    for name, values in zip(
                        ("isyn_exc", "isyn_inh"), layer.cells.inputs, strict=True
                    )
                    if values.any()
                }
                population.initialize(
                    **{name: layer.each(v)[chosen].tolist() for name, v in first.items()}
                )
                population.record(["spikes", "v"] if layer.name in self.sampled else ["spikes"])
            made.append(population)
        return made

    def _extra(self, layer: Layer, part: int) -> dict[str, Any]:
        extra: dict[str, Any] = {}
        if layer.planes:
            _, rows, columns = layer.population.shape
            extra["structure"] = self.sim.Grid2D(columns / rows)
        if layer.cells is not None:
            # Synapses and neurons share a core, as in the emulation.
            extra["n_synapse_cores"] = 0
            # sPyNNaker's estimate ignores the unit of conductances, whose ring buffers would
            # overflow.
            room = self.lowered.room(layer)[:, part]
            extra["max_expected_summed_weight"] = room.tolist()
        return extra

    def _trains(self, layer: Layer) -> list[list[float]]:
        """Spike times of a source in ms; a silent population gets one spike after the run."""
        ticks, units = self.inputs[layer.name]
        dt = self.lowered.experiment.dt
        trains: list[list[float]] = [[] for _ in range(layer.size)]
        for tick, unit in zip(ticks.tolist(), units.tolist(), strict=True):
            trains[unit].append(round(tick * dt, 3))
        for part in range(layer.parts):
            begin = part * layer.part_size
            if not any(trains[begin : begin + layer.part_size]):
                trains[begin].append((self.lowered.clock.total + 1) * dt)
        return trains

    def _connect(self, pathway: Pathway) -> None:
        pre = self.lowered.layers[pathway.projection.pre]
        post = self.lowered.layers[pathway.projection.post]
        delay = pathway.delay * self.lowered.experiment.dt
        make = self._convolutions if pathway.native else self._lists
        make(pathway, pre, post, delay)

    def _convolutions(self, pathway: Pathway, pre: Layer, post: Layer, delay: float) -> None:
        """One projection per pair of channels."""
        padding = int(pathway.projection.connector.padding[0])
        for out in range(post.parts):
            for channel in range(pre.parts):
                self.sim.Projection(
                    self.populations[pre.name][channel],
                    self.populations[post.name][out],
                    self.sim.ConvolutionConnector(
                        turned(pathway.kernel[out, channel]), padding=(padding, padding)
                    ),
                    self.sim.Convolution(delay=delay),
                )

    def _lists(self, pathway: Pathway, pre: Layer, post: Layer, delay: float) -> None:
        """One list per pair of populations and sign."""
        for part in lists(pathway, pre, post):
            self.sim.Projection(
                self.populations[pre.name][part.source],
                self.populations[post.name][part.target],
                # A single delay, since sPyNNaker would treat equal delays in a list as different.
                self.sim.FromListConnector(
                    np.column_stack([part.pre, part.post, part.weight]), column_names=["weight"]
                ),
                self.sim.StaticSynapse(delay=delay),
                receptor_type=RECEPTORS[part.pool],
            )

    def shifts(self, layer: Layer) -> Ints:
        """Shift of each ring buffer (pool, part), as sPyNNaker chose it."""
        rows = [p._vertex.get_ring_buffer_shifts() for p in self.populations[layer.name]]
        return np.array(rows, dtype=np.int64).T

    def activity(self) -> Activity:
        """Spikes and potentials recorded on a board."""
        dt = self.lowered.experiment.dt
        spikes, potentials = {}, {}
        for layer in self.lowered.layers.values():
            if layer.cells is None:
                continue
            rows: list[tuple[Ints, Ints]] = []
            traces: list[Floats] = []
            for part, population in enumerate(self.populations[layer.name]):
                table = np.asarray(population.spinnaker_get_data("spikes")).reshape(-1, 2)
                unit = table[:, 0].astype(np.int64) + part * layer.part_size
                rows.append((np.rint(table[:, 1] / dt).astype(np.int64), unit))
                if layer.name in self.sampled:
                    whole = population.spinnaker_get_data("v", as_matrix=True)
                    traces.append(np.asarray(whole)[self.sampled[layer.name]])
            ticks, units = (np.concatenate(column) for column in zip(*rows, strict=True))
            order = np.lexsort((units, ticks))
            spikes[layer.name] = ticks[order], units[order]
            if traces:
                potentials[layer.name] = np.concatenate(traces, axis=1)
        return Activity(spikes, potentials)
