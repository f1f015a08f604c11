"""Connectors as sparse matrices, and sparse matrices as connectors."""

from __future__ import annotations

from typing import Any

import numpy as np

from scnnbio.connectors.base import KernelConnector
from scnnbio.connectors.listed import EdgeListConnector
from scnnbio.shapes import Shape


def as_matrix(connector: KernelConnector) -> Any:
    """Weights of a connector as a sparse matrix (post, pre)."""
    from scipy import sparse

    edges = connector.edges()
    sizes = [int(np.prod(s)) for s in (connector.out_shape, connector.in_shape)]
    weights = connector.kernel.ravel()[edges.tap]
    return sparse.coo_array((weights, (edges.post, edges.pre)), shape=sizes).tocsr()


def as_connector(matrix: Any, before: Shape, after: Shape) -> KernelConnector:
    """A sparse matrix (post, pre) as a list of connections."""
    found = matrix.tocoo()
    found.sum_duplicates()
    edges = (found.col.astype(np.int64), found.row.astype(np.int64))
    return EdgeListConnector(before, after, edges, weight=found.data)
