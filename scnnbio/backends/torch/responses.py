"""What a spike does to a linear neuron, as the filter of a learning rule."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from scnnbio.backends.steps import step_constants
from scnnbio.backends.torch.layers import Layer
from scnnbio.neurons.integrator import integrator


class Response:
    """Response of a linear neuron to a spike: its states, and its distance from threshold.

    Parameters
    ----------
    layer : Layer
    width : Tensor
        Width of the surrogate, one number.
    """

    def __init__(self, layer: Layer, width: Tensor) -> None:
        population, model = layer.population, layer.model
        step = integrator(model)
        self.names = [update.state for update in step.updates]
        constants = {n: v.ravel() for n, v in step_constants(population, layer.dt).items()}
        size = len(self.names)
        matrix = np.zeros((size, size))
        for name, (row, column) in step.entries.items():
            if column is not None:
                place = self.names.index(row), self.names.index(column)
                matrix[place] = constants[name][0]
        self.matrix = torch.as_tensor(matrix, dtype=layer.dtype)
        states = {n: v.detach().clone().requires_grad_() for n, v in layer.initial.items()}
        excess = layer.excess()({**layer.fixed, **states})
        found = torch.autograd.grad(excess.sum(), list(states.values()), allow_unused=True)
        slopes = [0.0 if g is None else g.sum().item() / excess.numel() for g in found]
        by_name = dict(zip(states, slopes, strict=True))
        distances = torch.as_tensor([by_name[n] for n in self.names], dtype=layer.dtype)
        self.row = distances / width.flatten()[0]

    def written(self, arriving: str, state: str) -> str:
        """The filter as text: a step of the states that a spike reaches, and what is read.

        Parameters
        ----------
        arriving : str
            What arrives.
        state : str
            The state to which it is added.
        """
        reached = {state}
        for _ in self.names:
            reached |= {
                name for name, row in zip(self.names, self.matrix.tolist(), strict=True)
                if any(w and n in reached for n, w in zip(self.names, row, strict=True))
            }  # fmt: skip

        def terms(weights: list[float]) -> list[str]:
            pairs = zip(self.names, weights, strict=True)
            return [n if w == 1 else f"{w:.4g}*{n}" for n, w in pairs if w and n in reached]

        steps = [
            f"{name} <- {' + '.join(terms(row) + [arriving] * (name == state))}"
            for name, row in zip(self.names, self.matrix.tolist(), strict=True)
            if name in reached
        ]
        return f"{' + '.join(terms(self.row.tolist()))}, with {' and '.join(steps)}"

    def begin(self, *shape: int) -> Tensor:
        """Traces before any spike (state, ...)."""
        return torch.zeros((len(self.names), *shape), dtype=self.matrix.dtype)

    def step(self, trace: Tensor, state: str, arriving: Tensor) -> Tensor:
        """Traces after a step at whose end input arrives."""
        after = torch.tensordot(self.matrix, trace, dims=1)
        after[self.names.index(state)] += arriving
        return after

    def distance(self, trace: Tensor) -> Tensor:
        """Change of the excess over threshold, in widths."""
        return torch.tensordot(self.row, trace, dims=1)
