"""Connecting edges with weights in a PyNN projection.

The portable path is PyNN's own, one call per post-synaptic cell. pyNN.brian2 and pyNN.nest take
all edges in one call, which is tens to thousands of times faster. A simulator is imported only
when one of its projections is connected.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pyNN.common import Assembly, Population
from pyNN.parameters import ParameterSpace
from pyNN.standardmodels import StandardSynapseType
from pyNN.standardmodels.base import excitatory_receptor_types, inhibitory_receptor_types

from scnnbio.errors import SpecError
from scnnbio.geometry import Edges
from scnnbio.shapes import Shape

#: Number of nodes that NEST distinguishes per thread. It identifies the sender of a spike by its
#: number on its thread, in 19 bits (NUM_BITS_LID in target_data.h of NEST 3.10), and reserves the
#: last number; spikes of further nodes reach the targets of another node, without an error.
MOST_NEST_NODES = 2**19 - 1

#: Native parameter name → one value per edge.
Parameters = dict[str, Any]


def check_size(cells: Any, shape: Shape, side: str) -> None:
    """Raise unless a population has one cell per neuron of a layer.

    Raises
    ------
    SpecError
    """
    needed = int(np.prod(shape))
    if cells.size != needed:
        raise SpecError(
            f"{side} population has {cells.size} cells, but the layer {shape} has {needed};"
            " make them equal",
            where=str(cells.label),
        )


def make_connections(
    projection: Any,
    edges: Edges,
    weights: NDArray[np.float64],
    delay: float | None,
    lags: NDArray[np.float64],
) -> None:
    """Connect the cells of a PyNN projection.

    Parameters
    ----------
    projection : pyNN.common.Projection
    edges : Edges
    weights : ndarray of float64, shape (n,)
        One weight per edge, in the units of the synapse type.
    delay : float or None
        ms; None takes the delay of the synapse type.
    lags : ndarray of float64, shape (n,)
        Addition of each edge to the delay, in ms.

    Raises
    ------
    SpecError
        If a weight has a sign that the receptor does not take, a delay is shorter than the
        simulator allows, a parameter of the synapse type has no value per edge, or the simulator
        would store different weights.
    """
    if not len(edges):
        return
    _check_signs(projection, weights)
    parameters = _native_parameters(projection, weights, delay, lags)
    in_bulk = _IN_BULK.get(projection._simulator.__name__)
    if in_bulk is None or not in_bulk(projection, edges, parameters):
        _connect_by_cell(projection, edges, parameters)


def _check_signs(projection: Any, weights: NDArray[np.float64]) -> None:
    receptor = projection.receptor_type
    if projection.post.conductance_based:
        if weights.min() < 0:
            raise SpecError(
                "a conductance takes no negative weights; use split_by_sign() and connect the"
                " negative part, made positive, to the inhibitory receptor",
                where=str(projection.label),
            )
    elif receptor in excitatory_receptor_types and weights.min() < 0:
        # NEST would send these to the inhibitory receptor, with its time constant; Brian2 would
        # not.
        raise SpecError(
            f"receptor {receptor!r} of current-based cells takes no negative weights; use"
            " split_by_sign() and connect the negative part to the inhibitory receptor",
            where=str(projection.label),
        )
    elif receptor in inhibitory_receptor_types and weights.max() > 0:
        raise SpecError(
            f"receptor {receptor!r} of current-based cells takes no positive weights;"
            " use split_by_sign(), or the excitatory receptor",
            where=str(projection.label),
        )


def _native_parameters(
    projection: Any,
    weights: NDArray[np.float64],
    delay: float | None,
    lags: NDArray[np.float64],
) -> Parameters:
    """Parameters of the synapse type, one value per edge, in the simulator's names and units."""
    synapse = projection.synapse_type
    space = deepcopy(synapse.parameter_space)
    for name, value in space.items():
        if callable(value.base_value):
            raise SpecError(
                f"{name!r} is a function of position, which a connector of layers does not use;"
                " give a number, a random distribution or one value per edge",
                where=str(projection.label),
            )
    space.shape = weights.shape
    space.update(weight=weights)
    if delay is not None:
        space.update(delay=delay)
    space.evaluate()
    values = space.as_dict()
    if lags.any():
        values["delay"] = values["delay"] + lags
    _check_delay(projection, values["delay"])
    if isinstance(synapse, StandardSynapseType):
        space = synapse.translate(ParameterSpace(values, synapse.get_schema(), shape=weights.shape))
        space.evaluate()
        values = space.as_dict()
    # PyNN turns an array of length one into a bare number, which occurs for a single edge.
    return {
        name: np.broadcast_to(value, weights.shape, subok=True) for name, value in values.items()
    }


def _check_delay(projection: Any, delays: NDArray[np.float64]) -> None:
    state = projection._simulator.state
    least: Any
    # pyNN.brian2 computes an unset minimum from the delays of all projections, this
    # empty one included, and caches it; the argument of setup() is read instead.
    least = getattr(state, "_min_delay", None) or getattr(state, "min_delay", "auto")
    if least == "auto" or projection._simulator.__name__ == "pyNN.nest.simulator":
        least = state.dt  # NEST's minimum moves as delays are used; NEST checks a fixed one
    if np.min(delays) < least * (1 - 1e-9):
        raise SpecError(
            f"delay of {np.min(delays):g} ms is below the simulator's minimum of {least:g} ms;"
            " give the connector or the synapse type a longer one",
            where=str(projection.label),
        )


def _connect_by_cell(projection: Any, edges: Edges, parameters: Parameters) -> None:
    """Make one call per post-synaptic cell of this process, as every PyNN simulator allows."""
    order = np.argsort(edges.post, kind="stable")
    cells, starts = np.unique(edges.post[order], return_index=True)
    local = projection.post._mask_local
    for cell, part in zip(cells, np.split(order, starts[1:]), strict=True):
        if local[cell]:
            # Fancy indexing copies; simulators scale the arrays in place.
            own = {name: values[part] for name, values in parameters.items()}
            projection._convergent_connect(edges.pre[part], int(cell), **own)


def _connect_brian2(projection: Any, edges: Edges, parameters: Parameters) -> bool:
    if isinstance(projection.pre, Assembly):
        raise SpecError(
            "pyNN.brian2 gives the weights of an Assembly's first population to all of them;"
            " make one projection per population",
            where=str(projection.label),
        )
    if not (isinstance(projection.pre, Population) and isinstance(projection.post, Population)):
        return False
    synapses = projection._brian2_synapses[0][0]
    synapses.connect(i=edges.pre, j=edges.post)
    projection._n_connections += len(edges)
    states = projection.synapse_type.initial_conditions
    for name, value in chain(parameters.items(), states.items()):
        if name == "dendritic_delay_fraction":  # always 0 in pyNN.brian2
            continue
        if name == "delay":  # Brian2 truncates to its step; PyNN rounds
            value = np.round(value / synapses.clock.dt) * synapses.clock.dt
        variable = getattr(synapses, name)
        if not variable.variable.read_only:
            variable[:] = value
    return True


def _connect_nest(projection: Any, edges: Edges, parameters: Parameters) -> bool:
    cell_type = getattr(projection.post, "celltype", None)
    if set(parameters) != {"weight", "delay"} or cell_type is None:
        return False
    import nest

    nodes, threads = nest.network_size, nest.total_num_virtual_procs
    if nodes > MOST_NEST_NODES * threads:
        raise SpecError(
            f"{nodes:,} nodes on {threads} threads, of which NEST distinguishes {MOST_NEST_NODES:,}"
            " on each and delivers the spikes of the others to wrong cells; call"
            f" setup(threads={-(-nodes // MOST_NEST_NODES)}) or more",
            where=str(projection.label),
        )
    weight = np.array(parameters["weight"], float)
    if projection.receptor_type == "inhibitory" and projection.post.conductance_based:
        weight = -weight  # NEST marks inhibition by a negative sign, for conductances too
    weight *= getattr(cell_type, "receptor_scale", 1.0)
    sources = projection.pre.all_cells.astype(np.int64)[edges.pre]
    targets = projection.post.all_cells.astype(np.int64)[edges.post]
    synapse = {
        "synapse_model": projection.nest_synapse_model,
        "synapse_label": projection.nest_synapse_label,
        "weight": weight,
        "delay": np.array(parameters["delay"], float),
    }
    if not cell_type.standard_receptor_type:
        synapse["receptor_type"] = cell_type.get_receptor_type(projection.receptor_type)
    try:
        nest.Connect(sources, targets, "one_to_one", synapse)
    except nest.NESTErrors.BadDelay as error:
        raise SpecError(
            f"NEST: {error}; give setup() a max_delay of {np.max(synapse['delay']):g} ms or more",
            where=str(projection.label),
        ) from None
    # pyNN.nest needs these to find the connections again.
    projection._sources.update(int(i) for i in np.unique(sources))
    projection._connections = None
    projection._simulator.state.stale_connection_cache = True
    return True


#: Simulator → a function that makes all connections in one call, or returns False if it cannot.
_IN_BULK: dict[str, Callable[[Any, Edges, Parameters], bool]] = {
    "pyNN.brian2.simulator": _connect_brian2,
    "pyNN.nest.simulator": _connect_nest,
}
