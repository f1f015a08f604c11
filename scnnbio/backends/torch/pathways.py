"""Input of a layer by spikes: each projection as a convolution, a dense or a sparse product.

Spikes have the shape (n, channel, row, column); n runs over steps and trials together, so that one
call serves a whole piece of time.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from scnnbio.backends.steps import gate_steps
from scnnbio.backends.torch import products
from scnnbio.connectors import DenseConnector, KernelConnector, PoolingConnector
from scnnbio.experiment import Experiment
from scnnbio.network import Projection


class Pathway:
    """Connections of one projection.

    Parameters
    ----------
    projection : Projection
    experiment : Experiment
    dtype : torch.dtype
    mixed : bool
        Whether gradients of convolutions and dense products are computed in bfloat16.
    """

    def __init__(
        self,
        projection: Projection,
        experiment: Experiment,
        dtype: torch.dtype,
        mixed: bool = False,
    ) -> None:
        network, self.mixed = experiment.network, mixed
        self.projection, self.dtype = projection, dtype
        self.connector = projection.connector
        self.post = network.population(projection.post)
        # Values change a port, which bears its own name.
        self.state = self.post.model.receptors.get(projection.receptor, projection.receptor)
        self.delays = experiment.delay_steps(projection)
        self.gate = gate_steps(experiment, projection)
        self.kernel = torch.as_tensor(np.array(projection.kernel), dtype=dtype)
        present = self.connector.present
        self.present = None if present.all() else torch.as_tensor(present, dtype=dtype)
        self.kind = _kind(self.connector)
        if self.kind == "sparse":
            edges = self.connector.edges()
            lag = self.connector.lag_index(edges)
            self.edges = [
                torch.as_tensor(np.stack([edges.post[lag == k], edges.pre[lag == k]]))
                for k in range(len(self.delays))
            ]
            self.taps = [
                torch.as_tensor(edges.tap[lag == k].astype(np.int64))
                for k in range(len(self.delays))
            ]

    @property
    def name(self) -> str:
        """Name of the projection."""
        return self.projection.name

    def weights(self, kernel: Tensor | None = None) -> Tensor:
        """Change of the receptor's variable by each element of the kernel."""
        found = self.kernel if kernel is None else kernel
        if self.present is not None:
            found = found * self.present
        return self.projection.weight * found

    def fan_out(self) -> Tensor:
        """Number of connections of each presynaptic neuron (channel, row, column), all lags."""
        edges = self.connector.edges()
        count = np.bincount(edges.pre, minlength=int(np.prod(self.connector.in_shape)))
        return torch.as_tensor(count.reshape(self.connector.in_shape), dtype=self.dtype)

    def drive(self, spikes: Tensor, weights: Tensor, lag: int = 0) -> Tensor:
        """Input of the layer by simultaneously arriving spikes, (n, channel, row, column).

        Parameters
        ----------
        spikes : Tensor (n, channel, row, column)
        weights : Tensor
            As :meth:`weights` gives them.
        lag : int
            Place of their lag.
        """
        connector = self.connector
        if self.kind == "sparse":
            return self._sparse(spikes, weights, lag)
        if self.kind == "dense":
            flat = spikes.flatten(1)
            found = products.product(flat, weights) if self.mixed else flat @ weights.T
            return found.reshape(-1, *self.post.shape)
        if isinstance(connector, PoolingConnector):
            # Every place of a window has the same weight.
            summed = functional.avg_pool2d(
                _padded(spikes, connector), connector.size, connector.stride, divisor_override=1
            )
            return summed * weights.flatten()[0]
        kernel = weights if connector.lags is None else weights[..., lag]
        if self.mixed:
            return products.convolution(spikes, kernel, connector)
        return functional.conv2d(
            spikes, kernel, None, connector.stride, connector.padding, 1, connector.groups
        )

    def _sparse(self, spikes: Tensor, weights: Tensor, lag: int) -> Tensor:
        shape = (self.post.size, int(np.prod(self.connector.in_shape)))
        values = weights.flatten()[self.taps[lag]]
        matrix = torch.sparse_coo_tensor(self.edges[lag], values, shape, check_invariants=False)
        found = torch.sparse.mm(matrix, spikes.flatten(1).T)
        return found.T.reshape(-1, *self.post.shape)

    def passing(
        self, arriving: Tensor, weights: Tensor, opens: Tensor, step: int
    ) -> tuple[Tensor, Tensor]:
        """Input by the first spike of each window, among those that arrive in one step.

        Parameters
        ----------
        arriving : Tensor (trial, channel, row, column)
            Spikes of the layer before.
        weights : Tensor
        opens : Tensor of int64 (trial, channel, row, column)
            Of the layer after: a window passes a spike of a later step than this.
        step : int
            Steps since the run, or the trial, began.

        Returns
        -------
        drive : Tensor (trial, channel, row, column)
        opens : Tensor
        """
        size, stride = self.connector.kernel.shape[2:4], self.connector.stride
        first = functional.max_pool2d(_padded(arriving, self.connector), size, stride)
        passes = (first > 0) & (opens < step)
        following = -(-step // self.gate) * self.gate
        return first * passes * weights.flatten()[0], torch.where(passes, following, opens)


def _kind(connector: KernelConnector) -> str:
    """Kind of operation for a connector."""
    if type(connector).edges is KernelConnector.edges:
        return "convolution"
    return "dense" if type(connector) is DenseConnector else "sparse"


def _padded(spikes: Tensor, connector: KernelConnector) -> Tensor:
    rows, columns = connector.padding
    if not rows and not columns:
        return spikes
    return functional.pad(spikes, (columns, columns, rows, rows))
