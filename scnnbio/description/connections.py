"""Projections (table C): their patterns, weights, delays and numbers of synapses."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np

from scnnbio.connectors import (
    ConvolutionConnector,
    DenseConnector,
    EdgeListConnector,
    KernelConnector,
    LateralInhibitionConnector,
    LocalConnector,
    PoolingConnector,
)
from scnnbio.description.cells import (
    Cell,
    Line,
    Table,
    cell,
    extent,
    line,
    listed,
    number,
    quantity,
    size,
)
from scnnbio.description.fields import fields, said_of
from scnnbio.network import Network, Projection
from scnnbio.neurons.ports import port


def connections_tables(network: Network) -> tuple[Table, ...]:
    """Table C: the pattern of each projection; its weight, delay, and number of synapses."""
    patterns, numbers = [], []
    for projection in network.projections:
        name = cell(projection.name)
        lines = pattern(projection.connector)
        patterns.append((name, cell(projection.pre), cell(projection.post), cell(*lines)))
        numbers.append((name, *_numbers(network, projection)))
    return (
        Table(
            "C", "Connectivity", ("Name", "Source", "Target", "Pattern"), tuple(patterns),
            (0.2, 0.15, 0.15, 0.5),
        ),
        Table(
            "C", "Weights, delays and synapses",
            ("Name", "Receptor", "Weight", "Kernel", "Delay", "Synapses"), tuple(numbers),
            (0.17, 0.15, 0.18, 0.26, 0.12, 0.12),
        ),
    )  # fmt: skip


def synapses(connector: KernelConnector) -> int:
    """Number of connections of a connector, one per lag.

    Of shared kernels it is counted row by row and column by column, without making the connections.
    """
    if type(connector).edges is not KernelConnector.edges:
        return len(connector.edges())
    present = connector.present
    reached = [
        _reached(connector.in_shape[axis], connector.out_shape[axis], present.shape[axis + 1],
                 connector.stride[axis - 1], connector.padding[axis - 1])
        for axis in (1, 2)
    ]  # fmt: skip
    per_place = present.sum(axis=(0, 1))
    if per_place.ndim == 3:
        per_place = per_place.sum(axis=2)
    return int(reached[0] @ per_place @ reached[1])


def _reached(before: int, after: int, taps: int, stride: int, padding: int) -> np.ndarray:
    """Target places along one axis that each tap of the kernel connects to a source."""
    place = np.arange(after) * stride - padding + np.arange(taps)[:, None]
    return ((place >= 0) & (place < before)).sum(axis=1).astype(np.int64)


def _numbers(network: Network, projection: Projection) -> tuple[Cell, ...]:
    pre, post = network.population(projection.pre), network.population(projection.post)
    if pre.gives_values:
        unit = port(post.model, projection.receptor, projection.name).unit
        per = " per unit of kernel and value"
    else:
        unit = post.model.unit_of(post.model.receptors[projection.receptor])
        per = " per unit of the kernel"
    connector = projection.connector
    shared = "shared" if type(connector).edges is KernelConnector.edges else "one per synapse"
    kernel = connector.kernel
    return (
        cell(projection.receptor),
        cell(line(*quantity(projection.weight, unit), per)),
        cell(line(f"{kernel.size} weights, {shared}"), extent(kernel, count=False)),
        cell(quantity(projection.delay, "ms")),
        cell(quantity(synapses(connector), "1")),
    )


def pattern(connector: KernelConnector) -> list[Line]:
    """The pattern of connections in words, with every number that determines it."""
    for kind, told in _TOLD.items():
        if type(connector) is kind:
            lines = told(connector)
            break
    else:  # the connector of another package
        lines = [line(said_of(connector) or type(connector).__name__)]
        lines += [line(f"{name}: ", *value) for name, value in fields(connector, skip=("kernel",))]
    if not getattr(connector, "connect_zeros", True):
        lines.append(line("weights of exactly zero connect nothing"))
    if connector.lags is not None:
        lags = np.array(connector.lags)
        told_lags = listed(lags, "ms") if len(lags) <= 16 else extent(lags, "ms")
        lines.append(line("lags, added to the delay: ", *told_lags))
    return lines


def _convolution(connector: ConvolutionConnector) -> list[Line]:
    axes = "out, in, row, column" + (", lag" if connector.lags is not None else "")
    lines = [
        line("convolution (cross-correlation), kernel shared by all places"),
        line("kernel ", size(connector.kernel.shape), f" ({axes})"),
        _steps(connector.stride, connector.padding),
    ]
    if connector.groups > 1:
        lines.append(line("channels in ", *quantity(connector.groups, "1"), " separate groups"))
    return lines


def _steps(stride: tuple[int, int], padding: tuple[int, int]) -> Line:
    return line("stride ", size(stride), ", padding ", size(padding), " (row, column)")


def _pooling(connector: PoolingConnector) -> list[Line]:
    passes = {
        "sum": "every spike passes",
        "average": "every spike passes, its weight divided by the places of a window",
        "first-spike": "the first spike of a window passes, and no later one",
    }[connector.mode]
    lines = [
        line("pooling of each channel in windows of ", size(connector.size), " (row, column)"),
        _steps(connector.stride, connector.padding),
        line(f"{passes}; weight ", number(connector.weight)),
    ]
    if connector.window is not None:
        lines.append(line("windows open again every ", *quantity(connector.window, "ms")))
    return lines


_SCOPES = {
    "maps": "between all other maps at the same place",
    "neighbourhood": "within a map, between different places",
    "both": "between all neurons of all maps but the neuron itself",
}


def _lateral(connector: LateralInhibitionConnector) -> list[Line]:
    lines = [line("lateral inhibition " + _SCOPES[connector.scope])]
    if connector.scope != "maps":
        radius = quantity(connector.radius, "1")
        lines.append(line("up to ", *radius, " rows and columns away (a square)"))
    if connector.profile is not None:
        lines.append(line("strength by distance in places: ", said_of(connector.profile)))
        lines += [line(f"{name}: ", *value) for name, value in fields(connector.profile)]
    return lines


def _dense(connector: DenseConnector) -> list[Line]:
    return [line("all to all, one weight per pair")]


def _local(connector: LocalConnector) -> list[Line]:
    axes = "out, row, column, in, kernel row, kernel column"
    return [
        line("receptive fields of a convolution, with unshared weights"),
        line("weights ", size(connector.kernel.shape), f" ({axes})"),
        _steps(connector.stride, connector.padding),
    ]


def _edges(connector: EdgeListConnector) -> list[Line]:
    if connector.drawn is None:
        return [line("a list of connections")]
    drawn = fields(connector.drawn, skip=("kind",))
    return [
        line("drawn once: ", said_of(connector.drawn)),
        *(line(f"{name.replace('_', ' ')}: ", *value) for name, value in drawn),
    ]


_TOLD: dict[type[KernelConnector], Callable[..., list[Line]]] = {
    ConvolutionConnector: _convolution,
    PoolingConnector: _pooling,
    LateralInhibitionConnector: _lateral,
    DenseConnector: _dense,
    LocalConnector: _local,
    EdgeListConnector: _edges,
}


def kinds(projections: Iterable[Projection]) -> list[str]:
    """Kinds of connections in words, each once."""
    words = {
        ConvolutionConnector: "convolution",
        PoolingConnector: "pooling",
        LateralInhibitionConnector: "lateral inhibition",
        DenseConnector: "all to all",
        LocalConnector: "local receptive fields with unshared weights",
        EdgeListConnector: "lists of connections",
    }
    found = (words.get(type(p.connector), type(p.connector).__name__) for p in projections)
    return list(dict.fromkeys(found))
