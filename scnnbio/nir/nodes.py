"""The nodes of a graph, read from a file or from the nir package, and checked."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scnnbio._apart import read_apart
from scnnbio.errors import DataError, SpecError, not_one_of
from scnnbio.files import check_readable
from scnnbio.recording.hdf5 import check_sizes, members
from scnnbio.shapes import Shape

FloatArray = NDArray[np.float64]

#: Kind of node → required and optional fields.
FIELDS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "Input": (("shape",), ()),
    "Output": ((), ("shape",)),
    "IF": (("r", "v_threshold"), ("v_reset",)),
    "LIF": (("tau", "r", "v_leak", "v_threshold"), ("v_reset",)),
    "CubaLIF": (("tau_syn", "tau_mem", "r", "v_leak", "v_threshold"), ("v_reset", "w_in")),
    "LI": (("tau", "r", "v_leak"), ()),
    "I": (("r",), ()),
    "Conv1d": (("weight", "stride", "padding", "dilation", "groups", "bias"), ("input_shape",)),
    "Conv2d": (("weight", "stride", "padding", "dilation", "groups", "bias"), ("input_shape",)),
    "SumPool2d": (("kernel_size", "stride", "padding"), ()),
    "AvgPool2d": (("kernel_size", "stride", "padding"), ()),
    "Flatten": ((), ("start_dim", "end_dim", "input_type")),
    "Linear": (("weight",), ()),
    "Affine": (("weight", "bias"), ()),
    "Scale": (("scale",), ()),
    "Threshold": (("threshold",), ()),
    "Delay": (("delay",), ()),
}
#: Fields that can be text.
_WORDS = {"padding": ("same", "valid")}


@dataclass(frozen=True, eq=False)
class Node:
    """A node of a graph.

    Parameters
    ----------
    name, kind : str
    fields : mapping of str to ndarray or str
    """

    name: str
    kind: str
    fields: Mapping[str, Any]

    @property
    def where(self) -> str:
        """The node, for messages."""
        return f"node {self.name!r} ({self.kind})"

    def array(self, field: str) -> FloatArray:
        """A field of numbers."""
        return np.asarray(self.fields[field], dtype=np.float64)

    def integers(self, field: str, count: int, least: int = 1) -> tuple[int, ...]:
        """A field of ``count`` whole numbers from ``least`` up; one number stands for all."""
        values = self.array(field).ravel()
        whole_ones = (values == np.round(values)).all() and (values >= least).all()
        if values.size not in (1, count) or not whole_ones:
            raise SpecError(
                f"{field} = {values.tolist()} is not {count} whole numbers from {least} up",
                where=self.where,
            )
        whole = [int(v) for v in values]
        return tuple(whole if len(whole) == count else whole * count)

    def spread(self, field: str, lengths: Sequence[int]) -> FloatArray:
        """A field as one value per neuron (neurons,) of a layer with these axes, as numpy spreads.

        A flat array with a value for each neuron is taken in C order.

        Raises
        ------
        SpecError
            If the axes do not fit.
        """
        given, size = self.array(field), math.prod(lengths)
        if given.size == 1 or given.shape == (size,):
            return np.array(np.broadcast_to(given.ravel(), size))
        try:
            return np.array(np.broadcast_to(given, tuple(lengths))).ravel()
        except ValueError:
            raise SpecError(
                f"{field} has {given.size} values for {size} neurons: its shape {given.shape} does"
                f" not fit that of the layer, {tuple(lengths)}",
                where=self.where,
            ) from None


def as_shape(lengths: Sequence[int], node: Node) -> Shape:
    """The shape (channel, row, column) of one, two or three axes."""
    axes = [int(n) for n in lengths]
    if not 1 <= len(axes) <= 3 or min(axes) < 1:
        raise SpecError(
            f"a shape of {axes} is not of one to three axes, each 1 or more", where=node.where
        )
    if len(axes) == 2:
        return axes[0], 1, axes[1]
    return axes[0], *(axes[1:] or [1, 1])  # type: ignore[return-value]


Graph = tuple[dict[str, Node], list[tuple[str, str]]]


def graph_of(source: Any) -> Graph:
    """Nodes and edges of a file, or of a graph of the nir package.

    Raises
    ------
    DataError
        If the file is missing, damaged or cut off, or a value is not finite.
    SpecError
        If a node has an unknown kind or lacks a field, or an edge names no node.
    """
    is_file = isinstance(source, str | os.PathLike)
    place = str(source) if is_file else "the graph"
    if is_file:
        content = read_apart(_of_file, Path(source).expanduser())
    elif hasattr(source, "to_dict"):
        content = source.to_dict()
    else:
        raise SpecError(
            f"{type(source).__name__} is neither the path of a file nor a graph of the package nir",
            where="nir.read",
        )
    return _spliced(content, place)


def _spliced(content: Mapping[str, Any], where: str, prefix: str = "") -> Graph:
    """Nodes and edges of a graph, with nested graphs inserted in their place."""
    if not isinstance(content.get("nodes"), Mapping) or "edges" not in content:
        raise DataError("holds no graph of nodes and edges", where=where)
    nodes: dict[str, Node] = {}
    edges = [(prefix + _text(a), prefix + _text(b)) for a, b in content["edges"]]
    for word, given in content["nodes"].items():
        name = prefix + str(word)
        if not _is_graph(given):
            nodes[name] = _node(name, given)
            continue
        within, inner = _spliced(given, f"node {name!r}", f"{name}.")
        ends = {
            kind: [n for n, node in within.items() if node.kind == kind]
            for kind in ("Input", "Output")
        }
        if any(len(found) != 1 for found in ends.values()):
            raise SpecError(
                "a nested graph must have one Input and one Output",
                where=f"node {name!r} (NIRGraph)",
            )
        ((first,), (last,)) = ends.values()
        nodes |= {n: node for n, node in within.items() if n not in (first, last)}
        into = [b for a, b in inner if a == first]
        out = [a for a, b in inner if b == last]
        edges = [
            (start, end)
            for a, b in edges
            for start in (out if a == name else [a])
            for end in (into if b == name else [b])
        ] + [(a, b) for a, b in inner if a != first and b != last]
    for pair in edges:
        for end in pair:
            if end not in nodes:
                raise SpecError(f"the edge {pair} names no node", where=f"node {end!r}")
    # The edges of a graph are a set: one that is named twice is one.
    return nodes, list(dict.fromkeys(edges))


def _is_graph(given: Any) -> bool:
    return isinstance(given, Mapping) and _text(given.get("type", "")) == "NIRGraph"


def _of_file(path: Path) -> dict[str, Any]:
    import h5py

    check_readable(path)
    try:
        with h5py.File(path, "r") as file:
            check_sizes(file)
            return _read(file["node"])
    except (OSError, KeyError, RuntimeError, ValueError, UnicodeDecodeError) as error:
        said = " ".join(str(error).split())[:200]
        raise DataError(
            f"is not a NIR file, or is damaged ({said}); write it again", where=str(path)
        ) from None


def _read(group: Any) -> dict[str, Any]:
    import h5py

    return {
        name: _read(item) if isinstance(item, h5py.Group) else item[()]
        for name, item in members(group)
    }


def _text(value: Any) -> str:
    return value.decode("utf8") if isinstance(value, bytes) else str(value)


def _node(name: str, given: Any) -> Node:
    where = f"node {name!r}"
    if not isinstance(given, Mapping) or "type" not in given:
        raise SpecError("has no type", where=where)
    kind = _text(given["type"])
    if kind not in FIELDS:
        raise SpecError(
            f"{not_one_of(kind, FIELDS)}; replace it by what is there", where=f"{where} ({kind})"
        )
    needed, allowed = FIELDS[kind]
    where = f"{where} ({kind})"
    fields = {}
    for field in (*needed, *allowed):
        value = given.get(field)
        if isinstance(value, Mapping):  # the package keeps shapes in a dictionary of one
            value = next(iter(value.values()), None)
        if value is None:
            if field in needed:
                raise SpecError(f"has no {field!r}", where=where)
            continue
        fields[field] = _value(field, value, where)
    return Node(name, kind, fields)


def _value(field: str, value: Any, where: str) -> Any:
    if isinstance(value, str | bytes):
        word = _text(value)
        if word not in _WORDS.get(field, ()):
            raise SpecError(f"{field} = {word!r} is not a number", where=where)
        return word
    try:
        array = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError):
        raise SpecError(f"{field} is not an array of numbers", where=where) from None
    if not np.isfinite(array).all():
        place = tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0])
        said = f"{field} is {array[place]} at {place}" if place else f"{field} is {array[()]}"
        raise DataError(f"{said}; make every value finite", where=where)
    return array
