"""Delays that are learned: of each kernel element among the lags of its connector.

While it learns, an element acts at all lags, by shares that are a Gaussian of time around its
delay, whose width shrinks. So the delay has a gradient. At the end it acts at the nearest lag only.

References
----------
Hammouamri, Khalfaoui-Hassani & Masquelier 2024, ICLR (arXiv:2306.17670).
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from scnnbio.backends.torch.pathways import Pathway
from scnnbio.connectors import ConvolutionConnector
from scnnbio.errors import SpecError

#: Standard deviation of the Gaussian at the beginning, as a share of the range of lags, and at the
#: end, as a share of the shortest distance between two lags.
_WIDEST, _NARROWEST = 0.5, 0.25
#: Share of the training in which it shrinks.
_SHRINKS = 0.5


class Delays:
    """The delay of each kernel element of a projection, in units of the range of lags.

    Parameters
    ----------
    path : Pathway

    Raises
    ------
    SpecError
        If the connector has no lags to choose from, or an element acts at several.
    """

    def __init__(self, path: Pathway) -> None:
        connector, where = path.connector, f"projection {path.name!r}.connector"
        if not isinstance(connector, ConvolutionConnector) or len(connector.lags or ()) < 2:
            raise SpecError(
                "delays are learned among the lags of a ConvolutionConnector; make one by"
                " ConvolutionConnector.delayed(kernel, lag, lags, in_shape)",
                where=where,
            )
        if connector.connect_zeros:
            raise SpecError(
                "zeros connect, so each kernel element acts at all lags; set connect_zeros = false",
                where=f"{where}.connect_zeros",
            )
        lag = torch.as_tensor(connector.lag, dtype=path.dtype)
        self.lags = torch.as_tensor(connector.lags, dtype=path.dtype)
        self.present = (~lag.isnan()).to(path.dtype)
        self.kernel = path.kernel.sum(-1)
        self.first, self.range = self.lags[0], self.lags[-1] - self.lags[0]
        self.theta = ((lag.nan_to_num() - self.first) / self.range).requires_grad_()
        self.theta.data.clamp_(0.0, 1.0)
        # While it learns, an element may act at any lag.
        path.present = None

    def value(self) -> Tensor:
        """The lag of each kernel element in ms."""
        return self.first + self.range * self.theta

    def width(self, progress: float) -> float:
        """Standard deviation of the Gaussian (ms) after this share of the training."""
        begins = _WIDEST * float(self.range)
        ends = min(begins, _NARROWEST * float(self.lags.diff().min()))
        return float(begins * (ends / begins) ** min(1.0, progress / _SHRINKS))

    def shares(self, progress: float) -> Tensor:
        """Share of each kernel element's weight at each lag (..., lag), which add up to 1."""
        away = (self.lags - self.value()[..., None]) / self.width(progress)
        return torch.softmax(-0.5 * away.square(), -1) * self.present[..., None]

    def nearest(self) -> Tensor:
        """The shares at the end: 1 at the nearest lag."""
        place = (self.lags - self.value().detach()[..., None]).abs().argmin(-1)
        found = torch.nn.functional.one_hot(place, len(self.lags)).to(self.present.dtype)
        return found * self.present[..., None]

    def rounded(self) -> NDArray[np.float64]:
        """The nearest lags in ms of the elements that connect (elements,)."""
        chosen = self.nearest().flatten(0, -2)[self.present.flatten() > 0]
        return np.asarray((chosen * self.lags).sum(-1).double().numpy())

    def keep_in_range(self) -> None:
        """Clip delays to the range of lags."""
        self.theta.data.clamp_(0.0, 1.0)
