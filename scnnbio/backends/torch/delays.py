"""Delays that are learned: of each weight among the lags of its connector.

While it learns, a weight acts at all lags, by shares that are a Gaussian of time around its
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
from scnnbio.connectors import ConvolutionConnector, EdgeListConnector, KernelConnector
from scnnbio.errors import SpecError

#: Standard deviation of the Gaussian at the beginning, as a share of the range of lags, and at the
#: end, as a share of the shortest distance between two lags.
_WIDEST, _NARROWEST = 0.5, 0.25
#: Share of the training in which it shrinks.
_SHRINKS = 0.5
_REMEDY = (
    "use ConvolutionConnector.delayed(kernel, lag, lags, in_shape), or an EdgeListConnector whose"
    " connections have different lags"
)


class Delays:
    """The delay of each weight of a projection, in units of the range of lags.

    Parameters
    ----------
    path : Pathway
        Of a convolution with lags, or of a list of connections. It changes: while a weight learns
        its delay, it may act at any lag.

    Raises
    ------
    SpecError
        If there are no lags to choose from, or a kernel element acts at several.
    """

    def __init__(self, path: Pathway) -> None:
        connector, where = path.connector, f"projection {path.name!r}.connector"
        if len(connector.lags or ()) < 2:
            raise SpecError(f"there are no lags to choose from; {_REMEDY}", where=where)
        if isinstance(connector, ConvolutionConnector):
            times, self.kernel = _of_convolution(connector, path, where)
        elif isinstance(connector, EdgeListConnector):
            times, self.kernel = _of_list(connector, path, where)
        else:
            raise SpecError(
                f"a {type(connector).__name__} has no delays to learn; {_REMEDY}", where=where
            )
        self.connector, self.times = connector, times
        lag = torch.as_tensor(connector.lag, dtype=path.dtype)
        self.lags = torch.as_tensor(times, dtype=path.dtype)
        connects = torch.as_tensor(connector.present).reshape(*lag.shape, -1).any(-1)
        self.present = connects.to(path.dtype)
        self.first, self.range = self.lags[0], self.lags[-1] - self.lags[0]
        self.theta = ((lag.nan_to_num() - self.first) / self.range).requires_grad_()
        self.theta.data.clamp_(0.0, 1.0)
        path.present = None

    def value(self) -> Tensor:
        """The lag of each weight in ms."""
        return self.first + self.range * self.theta

    def width(self, progress: float) -> float:
        """Standard deviation of the Gaussian (ms) after this share of the training."""
        begins = _WIDEST * float(self.range)
        ends = min(begins, _NARROWEST * float(self.lags.diff().min()))
        return float(begins * (ends / begins) ** min(1.0, progress / _SHRINKS))

    def shares(self, progress: float) -> Tensor:
        """Shares of each weight at the lags (..., lag), which add up to 1."""
        away = (self.lags - self.value()[..., None]) / self.width(progress)
        return torch.softmax(-0.5 * away.square(), -1) * self.present[..., None]

    def nearest(self) -> Tensor:
        """The shares at the end: 1 at the nearest lag."""
        found = torch.nn.functional.one_hot(self._places(), len(self.lags))
        return found * self.present[..., None]

    def _places(self) -> Tensor:
        """Number of the nearest lag of each weight."""
        return (self.lags - self.value().detach()[..., None]).abs().argmin(-1)

    def rounded(self) -> NDArray[np.float64]:
        """The nearest lags in ms of the weights that connect (weights,)."""
        return self.times[self._places().numpy()][self.present.numpy() > 0]

    def trained(self, kernel: NDArray[np.float64] | None) -> KernelConnector:
        """The connector with these weights at the nearest lags.

        Parameters
        ----------
        kernel : ndarray or None
            In the shape of the delays; None for the weights as they were, with all their digits.
        """
        made = self.connector
        if kernel is None:
            listed = isinstance(made, EdgeListConnector)
            kernel = made.kernel if listed else made.kernel.sum(-1)
        if isinstance(made, EdgeListConnector):
            return EdgeListConnector(
                made.in_shape, made.out_shape, (made.pre, made.post), kernel,
                self.times[self._places().numpy()], connect_zeros=made.connect_zeros,
            )  # fmt: skip
        return made.with_kernel(kernel[..., np.newaxis] * self.nearest().double().numpy())

    def keep_in_range(self) -> None:
        """Clip delays to the range of lags."""
        self.theta.data.clamp_(0.0, 1.0)


def _of_convolution(
    connector: ConvolutionConnector, path: Pathway, where: str
) -> tuple[NDArray[np.float64], Tensor]:
    """The lags to choose from (ms), and the weights without that axis."""
    if connector.connect_zeros:
        raise SpecError(
            "zeros connect, so each kernel element acts at all lags; set connect_zeros = false",
            where=f"{where}.connect_zeros",
        )
    return np.array(connector.lags), path.kernel.sum(-1)


def _of_list(
    connector: EdgeListConnector, path: Pathway, where: str
) -> tuple[NDArray[np.float64], Tensor]:
    """All steps from the shortest to the longest lag (ms), and the weights."""
    pairs = np.stack([connector.pre, connector.post])
    if len(np.unique(pairs, axis=1).T) < len(connector.pre):
        raise SpecError(
            "two neurons are connected twice, which cannot learn one delay each; leave one of the"
            " connections out",
            where=f"{where}.edges",
        )
    if path.projection.receptor not in path.post.model.receptors:
        raise SpecError(
            "delays of values are learned in a convolution only; use"
            " ConvolutionConnector.delayed(kernel, lag, lags, in_shape)",
            where=where,
        )
    first, last = path.delays[0], path.delays[-1]
    path.delays = tuple(range(first, last + 1))
    number, ends = np.arange(len(connector.pre)), pairs[::-1].copy()
    path.edges = [torch.as_tensor(ends)] * len(path.delays)
    path.taps = [
        torch.as_tensor(number * len(path.delays) + lag) for lag in range(len(path.delays))
    ]
    step = path.projection.delays[0] / first
    times = np.round(np.array(path.delays) * step - path.projection.delay, 9)
    return times, path.kernel
