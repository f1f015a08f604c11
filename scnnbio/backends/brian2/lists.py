"""Connections that are stored one by one, in the order in which spikes use them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scnnbio.backends.brian2.layout import internal_of_public
from scnnbio.backends.steps import gate_steps
from scnnbio.connectors import KernelConnector
from scnnbio.errors import Unsupported
from scnnbio.experiment import Experiment, Feature
from scnnbio.network import Projection


def is_listed(projection: Projection) -> bool:
    """Whether the connections of a projection are stored, and not computed from a geometry.

    They are stored if the connector has its own ``edges``, as a connector of a user may.
    """
    return type(projection.connector).edges is not KernelConnector.edges


def unsupported_lists(experiment: Experiment) -> list[Unsupported]:
    """Features that need a computed geometry, used with stored connections."""
    problems = []
    for projection in experiment.network.projections:
        if not is_listed(projection):
            continue
        kind, rule = type(projection.connector).__name__, projection.plasticity
        needs = [type(rule).__name__] if rule is not None else []
        needs += [str(Feature.FIRST_SPIKE)] if gate_steps(experiment, projection) else []
        problems += [
            Unsupported(
                f"projection {projection.name!r}",
                f"{what} is not available for {kind}, whose connections are stored one by one",
                "use a ConvolutionConnector or a PoolingConnector, or run it on reference",
            )
            for what in needs
        ]
    return problems


def ordered(connector: KernelConnector) -> tuple[NDArray[np.int64], ...]:
    """(lag, pre, post, tap) of every connection, sorted by these, in the internal numbering."""
    edges = connector.edges()
    pre = internal_of_public(connector.in_shape)[edges.pre]
    post = internal_of_public(connector.out_shape)[edges.post]
    lag = connector.lag_index(edges)
    order = np.lexsort((post, pre, lag))
    return lag[order], pre[order], post[order], edges.tap[order]


@dataclass(frozen=True, eq=False)
class Listing:
    """The connections of a projection at one lag, as the template ``listed`` needs them.

    Parameters
    ----------
    first : ndarray of int32 (pre + 1,)
        Index of the first connection of each presynaptic neuron, and of the end of the last.
    target : ndarray of int32 (connections,)
        Postsynaptic neurons, of all lags, increasing within one neuron and lag.
    size : int
        Number of postsynaptic neurons.
    """

    first: NDArray[np.int32]
    target: NDArray[np.int32]
    size: int

    @property
    def is_complete(self) -> bool:
        """Whether every presynaptic neuron has one connection to every neuron."""
        n = len(self.first) - 1
        return len(self.target) == n * self.size and bool(
            np.all(self.target.reshape(n, self.size) == np.arange(self.size))
            and np.all(self.first == np.arange(n + 1) * self.size)
        )

    def keywords(self) -> dict[str, int]:
        """Names in the template."""
        return {"targets": self.size}

    def declare(self, variables: Any) -> None:
        """Declare the arrays to the object that uses them."""
        variables.add_auxiliary_variable("_list_idx", dtype=np.int32)
        for name, values in (("_first", self.first), ("_target", self.target)):
            add_table(variables, name, values.astype(np.int32), "_list_idx")


def add_table(variables: Any, name: str, values: NDArray[Any], index: str) -> None:
    """Add constants to an object's variables: data of the program, of the type that they have."""
    variables.add_array(
        name,
        size=len(values),
        values=values,
        dtype=values.dtype,
        constant=True,
        read_only=True,
        index=index,
    )


def listing_at(projection: Projection, lag: int) -> Listing:
    """The connections of a projection at one lag."""
    connector = projection.connector
    lags, pre, post, _ = ordered(connector)
    begin = int(np.searchsorted(lags, lag))
    end = int(np.searchsorted(lags, lag, side="right"))
    first = begin + np.searchsorted(pre[begin:end], np.arange(np.prod(connector.in_shape) + 1))
    size = int(np.prod(connector.out_shape))
    return Listing(first.astype(np.int32), post.astype(np.int32), size)
