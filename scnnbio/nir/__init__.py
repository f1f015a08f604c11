"""NIR, the format in which other frameworks hand over networks that they trained.

:func:`read` makes a network of a graph: trained there, run on Brian2, NEST or SpiNNaker.
:func:`write` makes a graph of a network.

References
----------
Pedersen et al. 2024, Nat Commun 15:8122 (the format and its equations).
"""

from scnnbio.nir.reading import FromNIR, read
from scnnbio.nir.writing import as_graph, write

__all__ = ["FromNIR", "as_graph", "read", "write"]
