"""Writing networks as NIR graphs."""

from __future__ import annotations

import graphlib
import importlib
import importlib.util
import itertools
import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from scnnbio.connectors import ConvolutionConnector, DenseConnector, PoolingConnector
from scnnbio.connectors.matrices import as_matrix
from scnnbio.errors import BackendMissing, Unsupported, UnsupportedError, install, unwritable
from scnnbio.network import Network, Projection
from scnnbio.neurons import LIBRARY
from scnnbio.nir.cells import PERFECT
from scnnbio.population import Population, spread
from scnnbio.units import Milliseconds, plain

#: What a projection's weight has to be beside, in the words of an error.
_JUMPS = "a receptor that moves the potential itself"


def write(path: str | os.PathLike[str], network: Network, dt: Milliseconds) -> None:
    """Write a network as a NIR graph, completely or not at all.

    Parameters
    ----------
    path : path
    network : Network
        Of LIF_curr_delta, or of neurons that :func:`read` made of IF nodes, on receptor
        ``membrane``.
    dt : float
        Step in ms with which it runs.

    Raises
    ------
    UnsupportedError
        With everything in the network that a graph cannot represent.
    BackendMissing
        If the package nir is not installed.
    DataError
        If the file cannot be written.

    Notes
    -----
    Edges of a graph have no delays: the smallest delay over all paths to a layer is omitted, and
    any excess becomes a Delay. A network that :func:`read` makes from the graph fires the same
    spikes; its numbers are equal up to rounding. A layer after a dense connection is flat.
    """
    graph = as_graph(network, dt)
    place = Path(path).expanduser()
    try:
        with tempfile.TemporaryDirectory(dir=place.parent) as folder:
            part = Path(folder) / "part.nir"
            _package().write(part, graph)
            part.replace(place)
    except OSError as error:
        raise unwritable(error, place) from None


def as_graph(network: Network, dt: Milliseconds) -> Any:
    """The ``nir.NIRGraph`` of a network.

    Parameters
    ----------
    network : Network
    dt : float
        Time step for which parameters of discrete time are meant (ms).

    Returns
    -------
    nir.NIRGraph

    Raises
    ------
    UnsupportedError
        As of :func:`write`.
    """
    return _Writer(network, plain(dt, "ms", where="nir.write.dt")).graph()


def _package() -> Any:
    if importlib.util.find_spec("nir") is None:
        raise BackendMissing(f"nir not found: {install('nir')}", where="nir.write")
    return importlib.import_module("nir")


class _Writer:
    def __init__(self, network: Network, dt: float) -> None:
        self.nir = _package()
        self.network, self.dt, self.seconds = network, dt, dt * 1e-3
        self.nodes: dict[str, Any] = {}
        self.edges: list[tuple[str, str]] = []
        self.problems: list[Unsupported] = []

    def graph(self) -> Any:
        """All nodes and edges."""
        for population in self.network.populations:
            self._check_population(population)
        for projection in self.network.projections:
            self._check_projection(projection)
        shift = self._shifts()
        if self.problems:
            raise UnsupportedError("nir", self.problems)
        flat = self._flat()
        for population in self.network.populations:
            shape = (population.size,) if population.name in flat else population.shape
            self._add_population(population, shape)
        for projection in self.network.projections:
            self._add_projection(projection, shift, flat)
        self._add_output(flat)
        return self.nir.NIRGraph(self.nodes, self.edges, type_check=False)

    def _refuse(self, element: str, feature: str, remedy: str) -> None:
        self.problems.append(Unsupported(element, feature, remedy))

    def _check_population(self, population: Population) -> None:
        if population.is_source:
            return
        element = f"population {population.name!r}"
        if population.model not in (LIBRARY["LIF_curr_delta"], PERFECT):
            self._refuse(
                element,
                f"a graph has no {population.model.name}",
                "use LIF_curr_delta",
            )
            return
        values = population.values()
        if values["tau_refrac"].any() or population.initial or values["i_offset"].any():
            self._refuse(
                element,
                "a graph has no refractory period, initial value or constant current",
                "set tau_refrac and i_offset to 0, and leave out initial",
            )
        # An IF of a graph has no rest: its potential begins at 0.
        begins = values["v_rest"] if population.model == PERFECT else np.zeros(1)
        if begins.any() or (values["v_rest"] >= values["v_thresh"]).any():
            self._refuse(
                element,
                "a graph has no neuron that begins at its threshold or above, and no IF that begins"
                " elsewhere than at 0",
                "set v_rest below v_thresh, and to 0 for neurons without leak",
            )
        if population.noise:
            self._refuse(element, "a graph has no background noise", "leave out noise")
        if population.homeostasis is not None or population.competition is not None:
            self._refuse(
                element, "a graph has no homeostasis and no competition",
                "take network.without_plasticity()",
            )  # fmt: skip

    def _check_projection(self, projection: Projection) -> None:
        element, connector = f"projection {projection.name!r}", projection.connector
        if projection.plasticity is not None:
            self._refuse(element, "a graph learns nothing", "take network.without_plasticity()")
        if projection.receptor != "membrane":
            self._refuse(element, f"receptor {projection.receptor!r}", f"use {_JUMPS}")
        if connector.lags is not None:
            self._refuse(element, "a graph has no kernel with lags", "use a projection per lag")
        if isinstance(connector, PoolingConnector) and connector.passes_first_spike:
            self._refuse(element, "a graph has no pooling by first spikes", "use mode 'sum'")
        steps = projection.delay / self.dt
        if abs(steps - round(steps)) > 1e-6 or round(steps) < 1:
            self._refuse(
                element, f"a delay of {projection.delay:g} ms in steps of {self.dt:g} ms",
                "give a dt of which it is a multiple",
            )  # fmt: skip

    def _shifts(self) -> dict[str, int]:
        """Smallest number of steps over all paths to each population."""
        within = [p for p in self.network.projections if p.pre != p.post]
        graph: dict[str, set[str]] = {p.name: set() for p in self.network.populations}
        for projection in within:
            graph[projection.post].add(projection.pre)
        try:
            order = list(graphlib.TopologicalSorter(graph).static_order())
        except graphlib.CycleError as error:
            self._refuse(
                f"population {error.args[1][0]!r}", "a loop over several layers",
                "join these layers into one",
            )  # fmt: skip
            return {}
        shift = dict.fromkeys(order, 0)
        for name in order:
            into = [shift[p.pre] + self._steps(p) for p in within if p.post == name]
            shift[name] = min(into, default=0)
        return shift

    def _steps(self, projection: Projection) -> int:
        return round(projection.delay / self.dt)

    def _flat(self) -> set[str]:
        """Layers that have one axis in the graph: those behind a matrix, and what follows them."""
        flat: set[str] = set()
        for _ in self.network.populations:
            flat |= {p.post for p in self.network.projections if self._is_matrix(p, flat)}
        return flat

    @staticmethod
    def _is_matrix(projection: Projection, flat: set[str]) -> bool:
        """Whether a projection becomes a matrix: no node gives a flat layer its axes back."""
        shaped = isinstance(projection.connector, ConvolutionConnector | PoolingConnector)
        return not shaped or projection.pre in flat

    def _add_population(self, population: Population, shape: tuple[int, ...]) -> None:
        if population.is_source:
            self.nodes[population.name] = self.nir.Input(np.array(shape))
            return
        values = {
            name: np.array(spread(value, population.size)).reshape(shape)
            for name, value in population.values().items()
        }
        level = np.nextafter(values["v_thresh"], -np.inf)
        if "tau_m" in values:
            lost = -np.expm1(-self.dt / values["tau_m"])
            made = self.nir.LIF(
                self.seconds / lost, 1.0 / lost, values["v_rest"], level, values["v_reset"]
            )
        else:
            made = self.nir.IF(np.full(shape, 1.0 / self.seconds), level, values["v_reset"])
        self.nodes[population.name] = made

    def _add_projection(
        self, projection: Projection, shift: dict[str, int], flat: set[str]
    ) -> None:
        connector, pre = projection.connector, projection.pre
        weight, name = projection.weight, projection.name
        parts: list[tuple[str, Any]] = []
        shape = self.network.population(pre).shape
        if self._is_matrix(projection, flat):
            dense = isinstance(connector, DenseConnector)
            matrix = connector.kernel if dense else as_matrix(connector).toarray()
            if pre not in flat:
                parts.append((f"{name}_flat", self.nir.Flatten({"input": np.array(shape)}, 0)))
            parts.append((name, self.nir.Linear(weight * np.array(matrix))))
        elif isinstance(connector, ConvolutionConnector):
            kernel = weight * np.array(connector.kernel)
            zeros = np.zeros(len(kernel))
            parts.append((name, self.nir.Conv2d(
                shape[1:], kernel, connector.stride, connector.padding, (1, 1), connector.groups,
                zeros,
            )))  # fmt: skip
        elif isinstance(connector, PoolingConnector):
            kind = self.nir.AvgPool2d if connector.mode == "average" else self.nir.SumPool2d
            sizes = (connector.size, connector.stride, connector.padding)
            parts.append((name, kind(*(np.array(pair) for pair in sizes))))
            factor = np.full(connector.out_shape, weight * connector.weight)
            parts.append((f"{name}_weight", self.nir.Scale(factor)))
        if projection.post in flat and not self._is_matrix(projection, flat):
            after = {"input": np.array(connector.out_shape)}
            parts.append((f"{name}_flat", self.nir.Flatten(after, 0)))
        steps = shift[pre] - shift[projection.post] + self._steps(projection)
        steps -= pre == projection.post
        if steps:
            size = self.network.population(projection.post)
            axes = (size.size,) if projection.post in flat else size.shape
            parts.append((f"{name}_delay", self.nir.Delay(np.full(axes, steps * self.seconds))))
        parts = [(self._free(label), node) for label, node in parts]
        names = [pre, *(label for label, _ in parts), projection.post]
        self.nodes |= dict(parts)
        self.edges += list(itertools.pairwise(names))

    def _free(self, label: str) -> str:
        """A name that no node has."""
        while label in self.nodes:
            label += "_"
        return label

    def _add_output(self, flat: set[str]) -> None:
        """One Output after each population without targets."""
        feeding = {p.pre for p in self.network.projections if p.pre != p.post}
        for population in self.network.populations:
            if population.name in feeding or population.is_source:
                continue
            shape = (population.size,) if population.name in flat else population.shape
            name = self._free(f"{population.name}_output")
            self.nodes[name] = self.nir.Output(np.array(shape))
            self.edges.append((population.name, name))
