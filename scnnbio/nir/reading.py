"""Reading NIR graphs as networks."""

from __future__ import annotations

import graphlib
import math
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np

from scnnbio.errors import SpecError, not_one_of
from scnnbio.network import Network, Projection
from scnnbio.nir.cells import CELLS, Cell, cell
from scnnbio.nir.nodes import FloatArray, Graph, Node, as_shape, graph_of
from scnnbio.nir.operations import BETWEEN, Operation, joined, operation
from scnnbio.population import Population, SpikeSource
from scnnbio.shapes import Shape
from scnnbio.units import Milliseconds, plain

Integration = Literal["euler", "exact"]
#: Constant input of a layer (neurons,), by the steps after which it begins.
_Bias = dict[int, FloatArray]


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
        #: The graph's own axes of what each node gives.
        self.lengths: dict[str, tuple[int, ...]] = {}
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
        self._check_ends()
        chains = [chain for name in self.names for chain in self._chains(name)]
        shift = self._shifts(chains)
        biases, arrives = self._biases(order), self._arrives(chains)
        populations = [
            Population(self.names[name], self._layer(name), SpikeSource())
            if self.nodes[name].kind == "Input"
            else self._population(name, biases[name], shift[name], arrives[name])
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
        graph = dict(self.before)
        for name in self.names:
            # A loop of a layer to itself, through nodes between, is cut where it returns.
            cut = {name, *self._between_itself(name)}
            graph[name] = [n for n in graph[name] if n not in cut]
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
            self.lengths[name] = tuple(int(n) for n in node.array("shape").ravel())
            as_shape(self.lengths[name], node)
            return
        given = [self.lengths[n] for n in self.before[name] if n in self.lengths]
        if not given:
            raise SpecError("no path leads to it from an Input", where=node.where)
        if any(shape != given[0] for shape in given):
            sizes = " and ".join(map(str, dict.fromkeys(given)))
            raise SpecError(f"its inputs have the different shapes {sizes}", where=node.where)
        if node.kind in BETWEEN:
            self.operations[name] = operation(node, given[0])
            self.lengths[name] = self.operations[name].lengths
            return
        self.lengths[name] = given[0]
        if node.kind == "Output" and "shape" in node.fields:
            stated = node.array("shape").ravel().astype(int).tolist()
            if math.prod(stated) != math.prod(given[0]):
                raise SpecError(
                    f"its shape is {stated}, and what comes in has the shape {given[0]}",
                    where=node.where,
                )
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
        return sum(map(self._steps, chain.nodes))

    def _steps(self, name: str) -> int:
        """Steps that a node between neurons takes."""
        seconds = self.operations[name].delay
        steps = seconds * 1e3 / self.dt
        if seconds < 0 or abs(steps - round(steps)) > 1e-6:
            raise SpecError(
                f"{seconds:g} s is not a whole number of steps of {self.dt:g} ms",
                where=self.nodes[name].where,
            )
        return round(steps)

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
        before = self._layer(chain.pre)
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

    def _biases(self, order: list[str]) -> dict[str, _Bias]:
        """Constant input of each population, through all nodes before it."""
        found: dict[str, _Bias] = {}
        for name in (name for name in order if name in self.operations):
            one, late = self.operations[name], self._steps(name)
            given = self._added(self.before[name], found)
            matrix = one.matrix()
            made = {steps + late: matrix @ bias for steps, bias in given.items()}
            if one.bias.any():
                made[0] = made.get(0, 0.0) + one.bias
            found[name] = made
        # A layer's own spikes return through nodes that follow it in the order.
        return {name: self._added(self.before[name], found) for name in self.cells}

    @staticmethod
    def _added(names: Sequence[str], found: Mapping[str, _Bias]) -> _Bias:
        """Sum of what some nodes give."""
        total: _Bias = {}
        for name in names:
            for steps, bias in found.get(name, {}).items():
                total[steps] = total.get(steps, 0.0) + bias
        return {steps: bias for steps, bias in total.items() if bias.any()}

    def _layer(self, name: str) -> Shape:
        """Shape (channel, row, column) of a node's output."""
        return as_shape(self.lengths[name], self.nodes[name])

    def _arrives(self, chains: Sequence[_Chain]) -> dict[str, int]:
        """Steps by which the first spikes of each layer's input are late, by Delay nodes."""
        found: dict[str, int] = {}
        for chain in chains:
            if chain.pre != chain.post:
                late = self._delay(chain)
                found[chain.post] = min(late, found.get(chain.post, late))
        return found

    def _population(self, name: str, bias: _Bias, shift: int, arrives: int) -> Population:
        """A layer of neurons, with its constant input."""
        ((late, values), *others) = bias.items() or [(0, np.zeros(math.prod(self.lengths[name])))]
        # What holds a bias back until it begins is lost with a spike.
        if others or late > arrives:
            raise SpecError(
                f"a bias reaches it through a Delay, {max(bias)} steps late, and other input before"
                " that; put the bias behind the Delay",
                where=self.nodes[name].where,
            )
        return self.cells[name].population(self.names[name], values, shift + late)

    def _check_ends(self) -> None:
        """Raise if what a node does reaches no neurons, and would be lost."""
        if not self.cells:
            raise SpecError("the graph has no neurons; put a LIF, an IF or a LI in it", where="nir")
        used, waiting = set(), list(self.cells)
        while waiting:
            for name in self.before[waiting.pop()]:
                if name not in used and name in self.operations:
                    used.add(name)
                    waiting.append(name)
        for name, one in self.operations.items():
            if name not in used and one.node.kind != "Flatten":
                raise SpecError(
                    "what it gives reaches no neurons, and only neurons are read out here; put a LI"
                    " behind it, or leave it out",
                    where=one.node.where,
                )
