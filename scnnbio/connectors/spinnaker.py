"""Connections for sPyNNaker: its own convolution where that is correct, else lists by sign.

sPyNNaker accepts its own classes only, loses the sign of a weight in a list, and flips the kernel
of its convolution. :func:`convolves` and :func:`by_sign` do the arithmetic; :func:`for_spinnaker`
makes sPyNNaker's objects.
"""

from __future__ import annotations

import importlib
import importlib.util
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scnnbio._exclusive import ignore_warnings
from scnnbio.connectors.base import KernelConnector
from scnnbio.connectors.convolution import ConvolutionConnector
from scnnbio.connectors.pooling import FIRST_SPIKE, PoolingConnector
from scnnbio.connectors.wiring import check_size
from scnnbio.errors import BackendMissing, Unsupported, UnsupportedError, install
from scnnbio.units import Milliseconds, plain

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

#: Receptor of positive weights, and of negative ones.
RECEPTORS = ("excitatory", "inhibitory")


@dataclass(frozen=True, eq=False)
class SignedList:
    """Connections of one sign and one delay.

    Parameters
    ----------
    receptor : {"excitatory", "inhibitory"}
    pre, post : ndarray of int64, shape (n,)
    weight : ndarray of float64, shape (n,)
        Sizes, all positive, in the units of the synapse type.
    lag : float
        Addition to the delay in ms.
    """

    receptor: str
    pre: IntArray
    post: IntArray
    weight: FloatArray
    lag: float


def convolves(connector: KernelConnector) -> str:
    """Why the machine's convolution differs from these connections; empty if it does not.

    It reads out of range with an even kernel, scrambles one that is not square, and has wrong
    shapes at a stride above one; it has no lags and no groups, and pads rows like columns.
    """
    if not isinstance(connector, ConvolutionConnector):
        return f"a {type(connector).__name__} is not a convolution"
    if type(connector).edges is not KernelConnector.edges:
        return f"a {type(connector).__name__} is a subclass that connects neurons in its own way"
    rows, columns = connector.kernel.shape[2:4]
    wrong = {
        "the kernel has lags": connector.lags is not None,
        "the channels are in groups": connector.groups > 1,
        "the kernel is not square": rows != columns,
        "the kernel has an even size": rows % 2 == 0,
        "the stride is not 1": connector.stride != (1, 1),
        "rows and columns are padded differently": connector.padding[0] != connector.padding[1],
    }
    return next((reason for reason, applies in wrong.items() if applies), "")


def turned(kernel: FloatArray) -> FloatArray:
    """Flip a kernel (..., row, column) for a machine that convolves instead of correlating."""
    return np.ascontiguousarray(kernel[..., ::-1, ::-1])


def by_sign(connector: KernelConnector) -> list[SignedList]:
    """Split connections into lists of one sign and one lag, without weights of zero.

    Parameters
    ----------
    connector : KernelConnector
        Inhibition between the neurons of a layer goes to the inhibitory receptor.

    Returns
    -------
    list of SignedList
        At most two for each lag, none of them empty.

    Raises
    ------
    UnsupportedError
        If only the first spike of a window passes.
    """
    _refuse_gates(connector)
    edges = connector.edges()
    # PyNN's sign on the inhibitory receptor of currents marks inhibition.
    sign = connector.weight_sign("inhibitory", conductance_based=False)
    weights, lags = sign * connector.kernel.ravel()[edges.tap], connector.edge_lags(edges)
    found = []
    for lag in connector.lags or (0.0,):
        for receptor, carries in zip(RECEPTORS, (weights > 0, weights < 0), strict=True):
            chosen = carries & (lags == lag)
            if chosen.any():
                size = np.abs(weights[chosen])
                part = SignedList(receptor, edges.pre[chosen], edges.post[chosen], size, lag)
                found.append(part)
    return found


def for_spinnaker(
    connector: KernelConnector, pre: Any, post: Any, delay: Milliseconds = 1.0
) -> list[dict[str, Any]]:
    """Arguments of sPyNNaker's projections that together make these connections.

    The machine's own convolution is used between two ``Grid2D`` populations of one channel each,
    where its rules allow (:func:`convolves`); sPyNNaker then requires that every projection to that
    population is one, ``IF_curr_exp`` cells, and cores that are rectangles which tile the grid
    (``set_max_atoms_per_core``). Other connections become lists by sign and lag.

    Parameters
    ----------
    connector : KernelConnector
    pre, post : spynnaker.pyNN.Population
    delay : float
        ms; the connector's own delay takes precedence.

    Returns
    -------
    list of dict
        For ``sim.Projection(pre, post, **arguments)``.

    Raises
    ------
    BackendMissing
        If sPyNNaker is not installed.
    UnsupportedError
        If only the first spike of a window passes.
    SpecError
        If the populations have other sizes than the layers.

    Examples
    --------
    In a script for the machine::

        import pyNN.spiNNaker as sim

        for arguments in for_spinnaker(connector, pre, post, delay=1.0):
            sim.Projection(pre, post, **arguments)
    """
    wait = plain(delay, "ms", where="delay")
    sim = _load()
    _refuse_gates(connector)
    check_size(pre, connector.in_shape, "pre-synaptic")
    check_size(post, connector.out_shape, "post-synaptic")
    wait = wait if connector.delay is None else connector.delay
    if not convolves(connector) and _on_grids(sim, connector, pre, post):
        padding = connector.padding
        convolution = sim.ConvolutionConnector(turned(connector.kernel[0, 0]), padding=padding)
        return [{"connector": convolution, "synapse_type": sim.Convolution(delay=wait)}]
    return [
        {
            "connector": sim.FromListConnector(
                np.column_stack([part.pre, part.post, part.weight]), column_names=["weight"]
            ),
            "synapse_type": sim.StaticSynapse(delay=wait + part.lag),
            "receptor_type": part.receptor,
        }
        for part in by_sign(connector)
    ]


def _on_grids(sim: Any, connector: KernelConnector, pre: Any, post: Any) -> bool:
    """Whether both populations are grids that the machine's convolution accepts."""
    shapes = (connector.in_shape, connector.out_shape)
    return all(
        channels == 1
        and isinstance(population.structure, sim.Grid2D)
        and population.structure.calculate_size(population.size) == (columns, rows)
        for population, (channels, rows, columns) in zip((pre, post), shapes, strict=True)
    )


def _refuse_gates(connector: KernelConnector) -> None:
    if isinstance(connector, PoolingConnector) and connector.passes_first_spike:
        remedy = "use mode 'sum'"
        name = type(connector).__name__
        raise UnsupportedError("SpiNNaker", [Unsupported(name, FIRST_SPIKE, remedy)])


def _load() -> Any:
    if importlib.util.find_spec("spynnaker") is None:
        raise BackendMissing(f"sPyNNaker not found: {install('spinnaker')}", where="for_spinnaker")
    # sPyNNaker and its packages issue warnings about one another.
    with ignore_warnings():
        return importlib.import_module("spynnaker.pyNN")
