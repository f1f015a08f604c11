"""Reading NIR graphs as networks."""

from __future__ import annotations

import graphlib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np

from scnnbio.errors import SpecError, not_one_of
from scnnbio.network import Network, Projection
from scnnbio.nir.cells import CELLS, Cell, cell
from scnnbio.nir.nodes import FloatArray, Graph, Node, graph_of
from scnnbio.nir.operations import BETWEEN, Operation, as_shape, joined, operation
from scnnbio.population import Population, SpikeSource
from scnnbio.shapes import Shape
from scnnbio.units import Milliseconds, plain

Integration = Literal["euler", "exact"]


@dataclass(frozen=True, eq=False)
class FromNIR:
    """Result of reading a graph.

    Parameters
    ----------
    network : Network
        One population per Input and per layer of neurons, named like its node.
    shift : mapping of str to int
        By population: steps by which its spikes are later than in the framework, where a spike
        passes all layers in the step in which it is fired. A trial must be longer by as many steps.
    dt : float
        Step in ms with which the network must run.
    names : mapping of str to str
        Node → population; they differ where a node's name is not a valid name here.
    """

    network: Network
    shift: Mapping[str, int]
    dt: float
    names: Mapping[str, str]


def read(
    source: str | os.PathLike[str] | Any, dt: Milliseconds, integration: Integration = "euler"
) -> FromNIR:
    """Read a NIR graph as a network, which fires the framework's spikes, later by whole steps.

    Parameters
    ----------
    source : path or nir.NIRGraph
    dt : float
        The step in ms with which the network was trained, which a graph does not contain. snnTorch
        writes graphs of a step of 0.1 ms unless it is given another.
    integration : {"euler", "exact"}
        Integration of the framework: Euler's rule, as in snnTorch and Norse, or exact.

    Returns
    -------
    FromNIR

    Raises
    ------
    DataError
        If the file is missing, damaged or cut off, or a value is NaN or infinite.
    SpecError
        If a node has no counterpart, or a shape, a delay or a bias does not fit; the node is named.

    Notes
    -----
    Potentials are in mV in place of the graph's numbers without unit. Spikes from a layer to
    itself act one step later, as in the frameworks. Loops over several layers are refused, since a
    graph does not define where the delay is.
    """
    step = plain(dt, "ms", where="nir.read.dt")
    if step <= 0:
        raise SpecError(f"{step:g} ms is not positive", where="nir.read.dt")
    if integration not in get_args(Integration):
        raise SpecError(
            not_one_of(integration, get_args(Integration)), where="nir.read.integration"
        )
    return _Reader(graph_of(source), step, integration).made()


@dataclass(frozen=True, eq=False)
class _Chain:
    """Nodes from one population to another."""

    pre: str
    post: str
    nodes: tuple[str, ...]


class _Reader:
    def __init__(self, graph: Graph, dt: float, integration: str) -> None:
        self.nodes, edges = graph
        self.dt, self.integration = dt, integration
        self.after: dict[str, list[str]] = {name: [] for name in self.nodes}
        self.before: dict[str, list[str]] = {name: [] for name in self.nodes}
        for a, b in edges:
            self.after[a].append(b)
            self.before[b].append(a)
        self.thresholds = self._thresholds()
        self.names = self._named()
        self.shapes: dict[str, Shape] = {}
        self.cells: dict[str, Cell] = {}
        self.operations: dict[str, Operation] = {}

    def _thresholds(self) -> dict[str, Node]:
        """Nodes that fire by the Threshold that follows them."""
        found = {}
        for name, node in self.nodes.items():
            if node.kind != "Threshold":
                continue
            before = [self.nodes[n] for n in self.before[name]]
            if len(before) != 1 or before[0].kind not in ("LI", "I"):
                raise SpecError("a Threshold must follow exactly one LI or I", where=node.where)
            if self.after[before[0].name] != [name]:
                raise SpecError(
                    "its potential goes elsewhere than to its Threshold, and only spikes go from"
                    " one population to another",
                    where=before[0].where,
                )
            found[before[0].name] = node
        return found

    def _named(self) -> dict[str, str]:
        found: dict[str, str] = {}
        for name, node in self.nodes.items():
            if node.kind not in CELLS | {"Input"}:
                continue
            word = re.sub(r"\W", "_", name, flags=re.ASCII).strip("_") or "n"
            word = word if word[0].isalpha() else f"n{word}"
            if word in found.values():
                raise SpecError(
                    f"its name would be {word!r}, as another's; rename it", where=node.where
                )
            found[name] = word
        return found

    def made(self) -> FromNIR:
        """The network."""
        order = self._order()
        for name in order:
            self._shape(name)
        chains = [chain for name in self.names for chain in self._chains(name)]
        shift = self._shifts(chains)
        biases = self._biases(order)
        populations = [
            Population(self.names[name], self.shapes[name], SpikeSource())
            if self.nodes[name].kind == "Input"
            else self.cells[name].population(self.names[name], biases[name], shift[name])
            for name in order
            if name in self.names
        ]
        projections, taken = [], set(self.names.values())
        for chain in chains:
            label = f"{self.names[chain.pre]}_{self.names[chain.post]}"
            while label in taken:
                label += "_"
            taken.add(label)
            projections.append(self._projection(chain, label, shift))
        shifts = {self.names[name]: shift[name] for name in self.names}
        network = Network(tuple(populations), tuple(projections))
        return FromNIR(network, shifts, self.dt, dict(self.names))

    def _order(self) -> list[str]:
        """Nodes in an order in which each follows its inputs, apart from loops within a layer."""
        graph = {name: set(before) for name, before in self.before.items()}
        for name in self.names:
            # A loop of a layer to itself, through nodes between, is cut where it returns.
            graph[name] -= {name, *self._between_itself(name)}
        try:
            return list(graphlib.TopologicalSorter(graph).static_order())
        except graphlib.CycleError as error:
            loop = [n for n in error.args[1] if n in self.names] or list(error.args[1])
            raise SpecError(
                "is part of a loop over several layers, and the graph does not say which of its"
                " edges takes a step; join these layers into one",
                where=self.nodes[loop[0]].where,
            ) from None

    def _between_itself(self, name: str) -> set[str]:
        """Nodes that only carry a layer's own spikes back to it."""
        found: set[str] = set()
        for end in self.before[name]:
            seen, waiting = set(), [end]
            while waiting:
                node = waiting.pop()
                if node in seen or node == name or self.nodes[node].kind not in BETWEEN:
                    continue
                seen.add(node)
                waiting += self.before[node]
            starts = {n for s in seen for n in self.before[s]} - seen
            if seen and starts == {name}:
                found.add(end)
        return found

    def _shape(self, name: str) -> None:
        """Output shape of a node."""
        node = self.nodes[name]
        if node.kind == "Input":
            self.shapes[name] = as_shape([int(n) for n in node.array("shape").ravel()], node)
            return
        given = [self.shapes[n] for n in self.before[name] if n in self.shapes]
        if not given:
            raise SpecError("no path leads to it from an Input", where=node.where)
        if any(shape != given[0] for shape in given):
            sizes = " and ".join(map(str, dict.fromkeys(given)))
            raise SpecError(f"its inputs have the different shapes {sizes}", where=node.where)
        if node.kind in BETWEEN:
            self.operations[name] = operation(node, given[0])
            self.shapes[name] = self.operations[name].after
            return
        self.shapes[name] = given[0]
        if node.kind in CELLS:
            threshold = self.thresholds.get(name)
            self.cells[name] = cell(node, given[0], self.dt, self.integration, threshold)

    def _chains(self, name: str) -> list[_Chain]:
        """All paths from a population to others, through nodes between."""
        found = []
        waiting: list[tuple[str, tuple[str, ...]]] = [(n, ()) for n in self._out_of(name)]
        while waiting:
            node, passed = waiting.pop(0)
            kind = self.nodes[node].kind
            if kind in CELLS:
                found.append(_Chain(name, node, passed))
            elif kind in BETWEEN:
                waiting += [(n, (*passed, node)) for n in self.after[node]]
            elif kind == "Input":
                raise SpecError("something leads to it", where=self.nodes[node].where)
        made = self.cells.get(name)
        if found and made is not None and not made.fires:
            raise SpecError(
                "its potential goes on to other neurons, and only spikes do here; put a Threshold"
                " behind it, or use a LIF or IF",
                where=self.nodes[name].where,
            )
        return found

    def _out_of(self, name: str) -> list[str]:
        threshold = self.thresholds.get(name)
        return self.after[name] if threshold is None else self.after[threshold.name]

    def _delay(self, chain: _Chain) -> int:
        """Steps that the Delay nodes of a chain take."""
        total = 0
        for name in chain.nodes:
            seconds = self.operations[name].delay
            steps = seconds * 1e3 / self.dt
            if seconds < 0 or abs(steps - round(steps)) > 1e-6:
                raise SpecError(
                    f"{seconds:g} s is not a whole number of steps of {self.dt:g} ms",
                    where=self.nodes[name].where,
                )
            total += round(steps)
        return total

    def _shifts(self, chains: list[_Chain]) -> dict[str, int]:
        """Steps by which each population is later; each projection takes at least one."""
        shift = dict.fromkeys(self.names, 0)
        forward = [chain for chain in chains if chain.pre != chain.post]
        # The longest path; the order has no loops.
        for _ in self.names:
            for chain in forward:
                least = shift[chain.pre] + 1 + self.cells[chain.post].late
                shift[chain.post] = max(shift[chain.post], least)
        return shift

    def _projection(self, chain: _Chain, label: str, shift: Mapping[str, int]) -> Projection:
        made = self.cells[chain.post]
        itself = chain.pre == chain.post
        steps = shift[chain.post] - shift[chain.pre] - made.late + self._delay(chain) + itself
        if steps < 1:
            raise SpecError(
                "its spikes to itself must act in the next step, which a synapse with a time course"
                " here does not; put a Delay of one step or more between",
                where=made.node.where,
            )
        parts = [self.operations[name] for name in chain.nodes]
        before = self.shapes[chain.pre]
        connector, weight = joined(parts, before, made.shape, made.gain)
        return Projection(
            self.names[chain.pre],
            self.names[chain.post],
            connector,
            weight=weight,
            delay=steps * self.dt,
            receptor=made.receptor,
            name=label,
        )

    def _biases(self, order: list[str]) -> dict[str, FloatArray]:
        """Constant input of each population, through all nodes before it."""
        found: dict[str, FloatArray] = {}
        for name in (name for name in order if name in self.operations):
            given = [found[n] for n in self.before[name] if n in self.operations and n in found]
            one = self.operations[name]
            total: Any = sum(given) if given else np.zeros(int(np.prod(one.before)))
            found[name] = one.matrix() @ total + one.bias
        # A layer's own spikes return through nodes that follow it in the order.
        return {
            name: np.asarray(
                sum(
                    (found[n] for n in self.before[name] if n in found),
                    np.zeros(made.parameters["cm"].size),
                )
            )
            for name, made in self.cells.items()
        }
