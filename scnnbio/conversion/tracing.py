"""A torch module as layers with affine maps between them, by torch.fx."""

from __future__ import annotations

import operator
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import fx, nn
from torch.nn import functional

from scnnbio.conversion.activation import QCFS
from scnnbio.conversion.affine import Affine, FloatArray, Term, as_shape
from scnnbio.conversion.copies import check_weights, copied, same
from scnnbio.conversion.modules import LINEAR, average_pooling, refusal
from scnnbio.errors import DataError, SpecError
from scnnbio.units import plain_array

#: Of the largest value of a layer: by how much the traced layer may differ from torch's own.
ROUNDING = 1e-9
#: Number of images for which it is compared.
_COMPARED = 8
#: Name of the population that holds the input.
INPUT = "input"


@dataclass(frozen=True, eq=False)
class Activation:
    """A layer of the module that ends in an activation, or its output.

    Parameters
    ----------
    name : str
        Of the population.
    where : str
        The module, for messages.
    before : Affine
        What comes into the activation.
    values : ndarray (images, neurons)
        The layer's activation for the given images.
    threshold : float or None
        Of a QCFS.
    levels : int or None
        Of a QCFS.
    fires : bool
        Whether there is an activation; False for an output that is a plain sum.
    """

    name: str
    where: str
    before: Affine
    values: FloatArray
    threshold: float | None = None
    levels: int | None = None
    fires: bool = True


class _Tracer(fx.Tracer):
    """Keeps a QCFS whole."""

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        return isinstance(m, QCFS) or super().is_leaf_module(m, module_qualified_name)


class _Recorder(fx.Interpreter):
    """Runs the module, and keeps what every node gives."""

    def __init__(self, graph: fx.GraphModule) -> None:
        super().__init__(graph, garbage_collect_values=False)
        # Else torch would add lines to our errors.
        self.extra_traceback = False
        self.given: dict[str, Any] = {}

    def run_node(self, n: fx.Node) -> Any:
        try:
            self.given[n.name] = super().run_node(n)
        except (RuntimeError, ValueError, TypeError, IndexError) as error:
            said = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise SpecError(
                f"it does not take what comes in: {said}", where=_where(n, self.submodules)
            ) from None
        value = self.given[n.name]
        # An in-place module would change what an earlier node gave.
        self.given[n.name] = value.clone() if isinstance(value, torch.Tensor) else value
        return value


def trace(module: Any, images: Any) -> list[Activation]:
    """Layers of a module in the order in which they are computed; the last one is its output.

    Parameters
    ----------
    module : torch.nn.Module
        In evaluation mode: dropout is dropped, and batch normalisation takes its running values.
    images : array (images, ...)
        Inputs of the module, for which activations are measured.

    Raises
    ------
    SpecError
        If a module or function has no counterpart, or shapes do not fit.
    DataError
        If a weight or a value is NaN or infinite.
    """
    if not isinstance(module, nn.Module):
        raise SpecError(f"{type(module).__name__} is not a torch.nn.Module", where="convert.module")
    check_weights(module)
    array = plain_array(images, "1", where="convert.images")
    if not 2 <= array.ndim <= 4 or 0 in array.shape:
        raise SpecError(
            f"images of shape {array.shape}; give (images, channel, row, column), (images, channel,"
            " length) or (images, values)",
            where="convert.images",
        )
    kept = copied(module)
    try:
        graph = _Tracer().trace(kept)
    except (fx.proxy.TraceError, TypeError, RuntimeError, NotImplementedError) as error:
        raise SpecError(
            f"torch.fx cannot trace it ({str(error).splitlines()[0]}); let forward neither branch"
            " nor loop on values",
            where=f"module {type(module).__name__}",
        ) from None
    recorder = _Recorder(fx.GraphModule(kept, graph))
    shown = torch.from_numpy(array).double()
    with torch.no_grad():
        traced = recorder.run(shown.clone())
        layers = _Reader(graph, dict(kept.named_modules()), recorder.given).layers()
        if not same(traced, kept(shown.clone()), ROUNDING):
            raise SpecError(
                "it computes something else than what torch.fx traces, as by a hook, or by an"
                " operation in place on a value that is used again; remove it",
                where=f"module {type(module).__name__}",
            )
    return layers


def _where(node: fx.Node, modules: Mapping[str, nn.Module]) -> str:
    """The module or function of a node, for messages."""
    if node.op == "call_module":
        target = str(node.target)
        return f"module {target!r} ({type(modules[target]).__name__})"
    if node.op == "get_attr":
        owner, _, field = str(node.target).rpartition(".")
        return f"module {owner!r} ({type(modules[owner]).__name__}), attribute {field!r}"
    named = getattr(node.target, "__name__", node.target)
    kind = "method" if node.op == "call_method" else "function"
    return f"{kind} {named!r} (node {node.name!r})"


def _named(words: str, taken: Iterable[str]) -> str:
    name = re.sub(r"\W", "_", words, flags=re.ASCII).strip("_") or "layer"
    name = name if name[0].isalpha() else f"layer{name}"
    free, k = name, 1
    while free in taken:
        free, k = f"{name}_{k}", k + 1
    return free


_ADD = {operator.add, operator.iadd, torch.add}
_RELU = {torch.relu, functional.relu, torch.relu_}
_RESHAPES = {"flatten", "view", "reshape"}
#: Give no value of a layer, only its size.
_SIZES = {"size", "dim"}


class _Reader:
    """Turns nodes into affine values and activations."""

    def __init__(
        self, graph: fx.Graph, modules: Mapping[str, nn.Module], given: Mapping[str, Any]
    ) -> None:
        self.nodes, self.modules, self.given = list(graph.nodes), modules, given
        self.values: dict[str, Affine] = {}
        self.found: dict[str, Activation] = {}
        #: Values of each layer (neurons, images) for the images that are compared.
        self.samples: dict[str, FloatArray] = {}
        self.compared = _spread(len(self.given[self.nodes[0].name]))

    def layers(self) -> list[Activation]:
        for node in self.nodes:
            if node.op == "placeholder":
                self._input(node)
            elif node.op == "output":
                self._output(node)
            elif node.op == "get_attr":
                raise SpecError(
                    "its forward uses a value of its own, which has no counterpart; use the modules"
                    " of torch.nn",
                    where=self._at(node),
                )
            elif isinstance(self.given[node.name], torch.Tensor):
                self._operation(node)
            elif not self._is_size(node):
                raise SpecError("has no counterpart", where=self._at(node))
        return self._needed()

    def _needed(self) -> list[Activation]:
        """The layers that the output depends on; it is the last one."""
        needed = {self.output}
        for layer in reversed(self.found.values()):
            if layer.name in needed:
                needed |= {term.source for term in layer.before.terms}
        return [layer for layer in self.found.values() if layer.name in needed]

    def _at(self, node: fx.Node) -> str:
        return _where(node, self.modules)

    def _is_size(self, node: fx.Node) -> bool:
        """Whether a node gives numbers of neurons, and no values."""
        if node.target in (*_SIZES, getattr, operator.getitem):
            return True
        return isinstance(self.given[node.name], int)

    def _lengths(self, node: fx.Node) -> tuple[int, ...]:
        value = self.given[node.name]
        lengths = tuple(int(n) for n in value.shape[1:])
        if len(value) != len(self.given[self.nodes[0].name]) or not 1 <= len(lengths) <= 3:
            raise SpecError(
                f"gives the shape {tuple(value.shape)}; layers have an axis of images and one to"
                " three of their own",
                where=self._at(node),
            )
        return lengths

    def _input(self, node: fx.Node) -> None:
        if self.values:
            raise SpecError("the module takes a second input", where=self._at(node))
        lengths = self._lengths(node)
        zeros = np.zeros(int(np.prod(lengths)))
        self.values[node.name] = Affine((Term(INPUT, as_shape(lengths)),), zeros, lengths)
        self.samples[INPUT] = self._sample(node.name)

    def _array(self, name: str) -> FloatArray:
        value = self.given[name]
        return value.detach().reshape(len(value), -1).numpy().astype(np.float64)

    def _sample(self, name: str) -> FloatArray:
        return self._array(name)[self.compared].T

    def _argument(self, node: fx.Node, place: int = 0) -> Affine:
        given = node.args[place] if len(node.args) > place else None
        if not isinstance(given, fx.Node) or given.name not in self.values:
            raise SpecError(
                "works on something else than the values of layers, which has no counterpart",
                where=self._at(node),
            )
        return self.values[given.name]

    def _operation(self, node: fx.Node) -> None:
        where, target = self._at(node), node.target
        module = self.modules.get(str(target)) if node.op == "call_module" else None
        if type(module) in (nn.ReLU, QCFS) or target in _RELU or self._is(node, "relu", "relu_"):
            self._activation(node, module)
            return
        given = self._argument(node)
        lengths = self._lengths(node)
        if type(module) in LINEAR:
            made = LINEAR[type(module)](module, given, lengths, where)
        elif target in _ADD or self._is(node, "add", "add_"):
            made = self._sum(node, given)
        elif target is torch.flatten or self._is(node, *_RESHAPES):
            made = given.reshaped(lengths)
        elif target is functional.dropout:
            made = given
        elif target is functional.avg_pool2d:
            windows: Any = nn.AvgPool2d
            made = average_pooling(windows(*node.args[1:], **node.kwargs), given, lengths, where)
        else:
            raise refusal(module, target, where)
        self._compare(node, made)
        self.values[node.name] = made

    def _is(self, node: fx.Node, *names: str) -> bool:
        return node.op == "call_method" and node.target in names

    def _sum(self, node: fx.Node, given: Affine) -> Affine:
        other = self._argument(node, 1)
        if other.lengths != given.lengths or node.kwargs:
            raise SpecError(
                f"adds values of shapes {given.lengths} and {other.lengths}; give both the same"
                " shape and no factor",
                where=self._at(node),
            )
        return given.added(other)

    def _activation(self, node: fx.Node, module: Any) -> None:
        words = str(node.target) if module is not None else node.name
        name = _named(words, {*self.found, INPUT, "bias"})
        quantised = isinstance(module, QCFS)
        threshold = float(module.threshold.detach()) if quantised else None
        if threshold is not None and threshold <= 0:
            raise SpecError(
                f"its threshold is {threshold:g}; train it with a lower rate", where=self._at(node)
            )
        before = self._argument(node)
        self._compare_activation(node, module if quantised else None)
        self._keep(node, name, before, threshold, module.levels if quantised else None)

    def _keep(
        self,
        node: fx.Node,
        name: str,
        before: Affine,
        threshold: float | None = None,
        levels: int | None = None,
        fires: bool = True,
    ) -> None:
        values = self._array(node.name)
        if not np.isfinite(values).all():
            raise DataError("gives values that are not finite", where=self._at(node))
        self.found[name] = Activation(
            name, self._at(node), before, values, threshold, levels, fires
        )
        self.samples[name] = values[self.compared].T
        zeros = np.zeros(before.constant.size)
        self.values[node.name] = Affine((Term(name, before.shape),), zeros, before.lengths)

    def _output(self, node: fx.Node) -> None:
        (last,) = node.args
        if not isinstance(last, fx.Node) or last.name not in self.values:
            raise SpecError("the module gives something else than one value", where="the output")
        value = self.values[last.name]
        (only,) = value.terms if len(value.terms) == 1 else (None,)
        if only is not None and only.connector is None and not value.constant.any():
            if only.source == INPUT:
                raise SpecError("the module has no layer", where="the output")
            self.output = only.source
            return
        self.output = _named("output", self.found)
        self._keep(last, self.output, value, fires=False)

    def _compare(self, node: fx.Node, made: Affine) -> None:
        """Raise unless the traced values are those of torch."""
        ours, theirs = made.of(self.samples), self._sample(node.name)
        bound = ROUNDING * max(1.0, float(np.abs(theirs).max()))
        if ours.shape != theirs.shape or not np.abs(ours - theirs).max() <= bound:
            self._differs(node)

    def _compare_activation(self, node: fx.Node, quantised: QCFS | None) -> None:
        """Raise unless the values of a ReLU or a QCFS are those of its input."""
        (given,) = node.all_input_nodes
        before, after = self.given[given.name], self.given[node.name]
        expected = before.relu() if quantised is None else quantised.forward(before).detach()
        if not same(expected, after, ROUNDING):
            self._differs(node)

    def _differs(self, node: fx.Node) -> None:
        raise SpecError(
            "computes something else than a module of its kind, as by a hook; remove it",
            where=self._at(node),
        )


def _spread(images: int) -> NDArray[np.intp]:
    """Some of the images, from the first to the last."""
    return np.unique(np.linspace(0, images - 1, _COMPARED).round().astype(np.intp))
