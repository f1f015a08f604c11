"""NIR, the format in which other frameworks hand over networks that they trained.

:func:`read` makes a network of a graph: trained there, run on Brian2, NEST or SpiNNaker.

References
----------
Pedersen et al. 2024, Nat Commun 15:8122 (the format and its equations).
"""

from scnnbio.nir.reading import FromNIR, read

__all__ = ["FromNIR", "read"]
