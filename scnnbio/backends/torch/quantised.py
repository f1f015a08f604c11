"""Weights as SpiNNaker stores them, in the forward pass.

A weight there is 16 bits and a power of two, which the machine's toolchain chooses for each ring:
:meth:`scnnbio.backends.spinnaker.lowering.Lowered.shifts`. The exponents follow from the weights,
so they are looked up again as these change.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from scnnbio.backends.spinnaker.arithmetic import FULL, weight_scale
from scnnbio.backends.spinnaker.lowering import Lowered, lower
from scnnbio.connectors import ConvolutionConnector, DenseConnector, PoolingConnector
from scnnbio.errors import Unsupported, UnsupportedError
from scnnbio.experiment import Experiment
from scnnbio.network import Network

#: Most iterations, since rounding changes the weights that determine the exponents.
_MOST_TURNS = 5


class _Round(torch.autograd.Function):
    """Round, with the gradient of the identity."""

    @staticmethod
    def forward(ctx: Any, weights: Tensor, scale: tuple[Tensor, Tensor]) -> Tensor:
        positive, negative = scale
        scale_here = torch.where(weights < 0, negative, positive)
        return (weights * scale_here).round().clamp(-FULL, FULL) / scale_here

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        return gradient, None


#: Its type is not known to torch.
_round: Any = _Round.apply


class Quantiser:
    """The machine's grid of weights for each projection.

    Parameters
    ----------
    experiment : Experiment
        Whose network has the weights that the exponents follow from.
    dtype : torch.dtype

    Raises
    ------
    UnsupportedError
        If the machine cannot take the experiment, or a connector is of another kind than
        convolution, pooling and dense.
    """

    def __init__(self, experiment: Experiment, dtype: torch.dtype) -> None:
        self.dtype = dtype
        self.scales = self._looked_up(experiment)

    def _looked_up(self, experiment: Experiment) -> dict[str, tuple[Tensor, Tensor]]:
        lowered = lower(experiment)
        problems = [
            Unsupported(
                f"projection {p.name!r}",
                f"the weights of a {type(p.connector).__name__} are not rounded in training",
                "use a ConvolutionConnector, a PoolingConnector or a DenseConnector",
            )
            for p in experiment.network.projections
            if not isinstance(p.connector, ConvolutionConnector | PoolingConnector | DenseConnector)
        ]
        if not isinstance(lowered, Lowered):
            raise UnsupportedError("spinnaker", [*lowered, *problems])
        if problems:
            raise UnsupportedError("spinnaker", problems)
        return {path.name: self._scale(lowered, path) for path in lowered.pathways}

    def _scale(self, lowered: Lowered, path: Any) -> tuple[Tensor, Tensor]:
        """Factors to 16 bits of positive and negative weights, in the shape of the kernel."""
        post = lowered.layers[path.projection.post]
        kernel = path.kernel
        first = len(kernel)
        # A kernel's first axis is of channels; that of a dense connection is of neurons.
        part = np.arange(first) * post.parts // first
        shifts = lowered.shifts(post)[:, part]
        shape = (first, *[1] * (kernel.ndim - 1))
        positive, negative = (
            torch.as_tensor(weight_scale(pool, path.kind.unit).reshape(shape), dtype=self.dtype)
            for pool in shifts
        )
        return positive, negative

    def refresh(self, experiment: Experiment) -> None:
        """Update the exponents for other weights."""
        self.scales = self._looked_up(experiment)

    def rounded(self, weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Weights of projections on the machine's grid, with gradients as if they were not."""
        return {name: _round(w, self.scales[name]) for name, w in weights.items()}


def deployed(experiment: Experiment, names: Mapping[str, Any]) -> Network:
    """The network with kernels that the machine represents exactly.

    Parameters
    ----------
    experiment : Experiment
    names : mapping of str to anything
        Projections that were learned.

    Returns
    -------
    Network
    """
    for _ in range(_MOST_TURNS):
        quantiser = Quantiser(experiment, torch.float64)
        network = experiment.network
        kernels: dict[str, NDArray[np.float64]] = {}
        for name in names:
            projection = network.projection(name)
            weights = {name: torch.as_tensor(projection.weight * projection.kernel)}
            kernels[name] = quantiser.rounded(weights)[name].numpy() / projection.weight
        rounded = network.with_weights(kernels)
        if rounded == network:
            break
        experiment = dataclasses.replace(experiment, network=rounded)
    return experiment.network
