"""Connections as PyNN connectors, with shared kernels or individual weights.

They work in any PyNN script::

    connector = ConvolutionConnector(kernel, in_shape=(2, 28, 28), stride=2)
    sim.Projection(pre, post, connector, sim.StaticSynapse(delay=1.0))

The neurons of a population are numbered (channel, row, column) in C order; PyNN's positions are
not used. The kernel *is* the weight, in the units of the synapse type (nA for currents, uS for
conductances): it replaces the synapse type's ``weight``, as the weight column of PyNN's
``FromListConnector`` does. Every other parameter comes from the synapse type.
"""

from scnnbio.connectors.base import KernelConnector
from scnnbio.connectors.convolution import ConvolutionConnector
from scnnbio.connectors.lateral import LateralInhibitionConnector
from scnnbio.connectors.listed import (
    RANDOM_EDGES,
    EdgeListConnector,
    FixedInDegree,
    FixedProbability,
    RandomEdges,
)
from scnnbio.connectors.pooling import PoolingConnector
from scnnbio.connectors.profiles import (
    PROFILES,
    DifferenceOfGaussians,
    Gaussian,
    RadialProfile,
    Tabulated,
)
from scnnbio.connectors.spinnaker import for_spinnaker
from scnnbio.connectors.unshared import DenseConnector, LocalConnector, UnsharedConnector
from scnnbio.registry import Registry, subclasses

#: All connectors by their kind in a document.
CONNECTORS: Registry[type[KernelConnector]] = Registry(
    "connector",
    "scnnbio.connectors",
    {
        "convolution": "scnnbio.connectors:ConvolutionConnector",
        "pooling": "scnnbio.connectors:PoolingConnector",
        "lateral-inhibition": "scnnbio.connectors:LateralInhibitionConnector",
        "dense": "scnnbio.connectors:DenseConnector",
        "local": "scnnbio.connectors:LocalConnector",
        "edges": "scnnbio.connectors:EdgeListConnector",
    },
    subclasses(KernelConnector),
)

__all__ = [
    "CONNECTORS",
    "PROFILES",
    "RANDOM_EDGES",
    "ConvolutionConnector",
    "DenseConnector",
    "DifferenceOfGaussians",
    "EdgeListConnector",
    "FixedInDegree",
    "FixedProbability",
    "Gaussian",
    "KernelConnector",
    "LateralInhibitionConnector",
    "LocalConnector",
    "PoolingConnector",
    "RadialProfile",
    "RandomEdges",
    "Tabulated",
    "UnsharedConnector",
    "for_spinnaker",
]
