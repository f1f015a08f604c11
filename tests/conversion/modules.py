"""Small modules of torch with weights drawn from a seed."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import nn


class Residual(nn.Module):
    """A convolution whose output the input is added to, and a mean over each map."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(2, 4, 3, padding=1)
        self.again = nn.Conv2d(4, 4, 3, padding=1, groups=2, bias=False)
        self.norm = nn.BatchNorm2d(4)
        self.short = nn.Conv2d(2, 4, 1)
        self.mean = nn.AdaptiveAvgPool2d(1)
        self.last = nn.Linear(4, 3)

    def forward(self, value: torch.Tensor) -> torch.Tensor:
        one = torch.relu(self.first(value))
        two = torch.relu(self.norm(self.again(one)) + one + self.short(value))
        return self.last(torch.flatten(self.mean(two), 1))


def convolutional(activation: Callable[[], nn.Module]) -> nn.Module:
    """Batch normalisation, pooling, biases, dropout, and a plain sum at the end."""
    return nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1, bias=False),
        nn.BatchNorm2d(4),
        activation(),
        nn.AvgPool2d(2),
        nn.Conv2d(4, 6, 3, padding=1),
        activation(),
        nn.Dropout(0.5),
        nn.Flatten(),
        nn.Linear(6 * 16, 5),
    )


def one_dimensional(activation: Callable[[], nn.Module]) -> nn.Module:
    """Channels of a row, a dilated kernel, windows that do not tile, and a flat normalisation."""
    return nn.Sequential(
        nn.Conv1d(2, 3, 3, dilation=2, stride=2),
        activation(),
        nn.AvgPool1d(3, stride=2, padding=1),
        nn.Conv1d(3, 4, 2),
        nn.Flatten(),
        nn.BatchNorm1d(8),
        activation(),
        nn.Linear(8, 4),
        activation(),
    )


def drawn(make: Callable[[], nn.Module], seed: int = 1) -> nn.Module:
    """A module in evaluation mode; running means and variances are drawn too."""
    torch.manual_seed(seed)
    module = make().eval()
    for part in module.modules():
        if isinstance(part, nn.BatchNorm1d | nn.BatchNorm2d):
            part.running_mean.uniform_(-0.2, 0.2)
            part.running_var.uniform_(0.3, 2.0)
            nn.init.uniform_(part.weight, 0.5, 1.5)
            nn.init.uniform_(part.bias, -0.3, 0.3)
    return module.double()


def images(*shape: int, seed: int = 2) -> np.ndarray:
    return np.random.default_rng(seed).random(shape)


def said_by(module: nn.Module, given: np.ndarray) -> np.ndarray:
    """torch's own output."""
    with torch.no_grad():
        return module(torch.from_numpy(given)).reshape(len(given), -1).numpy()
