"""NIR, a format for exchanging trained networks with other frameworks.

:func:`read` converts a graph to a network, which runs on Brian2, NEST or SpiNNaker. :func:`write`
converts a network to a graph.

References
----------
Pedersen et al. 2024, Nat Commun 15:8122 (the format and its equations).
"""

from scnnbio.nir.reading import FromNIR, read
from scnnbio.nir.writing import as_graph, write

__all__ = ["FromNIR", "as_graph", "read", "write"]
