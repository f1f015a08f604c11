"""Simple cells of every phase, and complex cells that pool them in several ways."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scnnbio_models.gabor_layers import CM, TAU_E, cells, simple_layer

from scnnbio.connectors import ConvolutionConnector, KernelConnector, PoolingConnector
from scnnbio.errors import SpecError, not_one_of
from scnnbio.network import Network, Projection
from scnnbio.units import plain

#: Ways to pool, and the mode of the connector; "phases" takes the maps of all phases besides.
WAYS = {"sum": "sum", "average": "average", "first_spike": "first-spike", "phases": ""}


def build(
    *,
    ways: Sequence[str] = ("sum", "average", "first_spike", "phases"),
    orientations: int = 8,
    phases: int = 4,
    size: int = 13,
    pool: int = 4,
    stride: int = 2,
    frequency: float = 0.12,
    psp: float | str = 26.5,
    noise: float | str = 0.0,
    summed: float | str = 3.0,
    averaged: float | str = 24.0,
    first: float | str = 15.0,
    window: float | str = 25.0,
    background: float | str = 0.06,
    delay: float | str = 1.0,
) -> Network:
    """LGN to simple cells, and from each place's simple cells to complex ones, by each way.

    A window of ``pool`` places with ``stride`` LGN cells between them spans a period of the
    kernels: pooling over place then pools over phase, too.

    Parameters
    ----------
    ways : sequence of {"sum", "average", "first_spike", "phases"}
        "sum", "average" and "first_spike" pool the places of one map, as
        :class:`~scnnbio.connectors.PoolingConnector` does; "phases" adds up the places of all
        phases of one orientation.
    orientations, phases, size, stride, frequency, psp, noise
        Of the simple cells; see the model ``gabor_layers``.
    pool : int
        Rows and columns of the window, which is the whole layer of simple cells.
    summed, averaged, first : float or str
        Depolarisation (mV) by one spike that is summed, by one of every cell of an averaged window,
        and by the first spike.
    window : float or str
        Time (ms) after which the next first spike passes.
    background : float or str
        Standard deviation of the current that each complex cell receives (nA).
    delay : float or str
        Of all connections (ms).

    Returns
    -------
    Network
        ``lgn``, ``simple`` (maps, pool, pool), and ``complex_WAY`` (maps, 1, 1), of "phases"
        (orientations, 1, 1); projections are named by their ends.

    Raises
    ------
    SpecError
        If a number is out of range or has the wrong unit, or there is no such way.

    References
    ----------
    Hubel & Wiesel 1962, J Physiol 160:106 (complex cells from displaced simple ones); Alonso &
    Martinez 1998, Nat Neurosci 1:395 (such connections); Riesenhuber & Poggio 1999, Nat Neurosci
    2:1019 (maximum against sum).
    """
    for name in ways:
        if name not in WAYS:
            raise SpecError(not_one_of(name, tuple(WAYS)), where="parameters.ways")
    if not ways or len(set(ways)) < len(ways):
        raise SpecError("give each way once, at least one", where="parameters.ways")
    if isinstance(pool, bool) or not isinstance(pool, int) or pool < 1:
        raise SpecError(f"{pool!r} is not a positive whole number", where="parameters.pool")
    extent = size + (pool - 1) * stride
    lgn, convolution = simple_layer(orientations, phases, size, extent, stride, frequency)
    wait = _number("delay", delay, "ms")
    jump = {
        "sum": _number("summed", summed, "mV"),
        "average": _number("averaged", averaged, "mV"),
        "first_spike": _number("first", first, "mV"),
        # As much as "sum" in all: each complex cell has as many times more inputs.
        "phases": _number("summed", summed, "mV") / phases,
    }
    held = _number("window", window, "ms")
    layer = convolution.out_shape
    populations = [lgn, cells("simple", layer, noise)]
    projections = [
        Projection(
            "lgn", "simple", convolution, weight=_number("psp", psp, "mV") * CM / TAU_E,
            delay=wait, receptor="excitatory",
        )
    ]  # fmt: skip
    for way in ways:
        connector = _pooling(way, layer, pool, phases, held)
        populations.append(cells(f"complex_{way}", connector.out_shape, background))
        projections.append(
            Projection(
                "simple", f"complex_{way}", connector, weight=jump[way] * CM / TAU_E, delay=wait,
                receptor="excitatory",
            )
        )  # fmt: skip
    return Network(tuple(populations), tuple(projections))


def _pooling(
    way: str, layer: tuple[int, int, int], pool: int, phases: int, window: float
) -> KernelConnector:
    if way == "first_spike":
        return PoolingConnector(layer, pool, mode="first-spike", window=window)
    if way in ("sum", "average"):
        return PoolingConnector(layer, pool, mode="sum" if way == "sum" else "average")
    own = np.eye(layer[0] // phases).repeat(phases, axis=1)
    kernel = np.broadcast_to(own[:, :, None, None], (*own.shape, pool, pool))
    return ConvolutionConnector(kernel, layer, connect_zeros=False)


def _number(name: str, value: float | str, unit: str) -> float:
    number = plain(value, unit, where=f"parameters.{name}")
    if number < 0:
        raise SpecError(f"{number:g} {unit} is below 0", where=f"parameters.{name}")
    return number
