r"""The activation to train with for a converted network of few steps.

.. math:: y = \theta \, \mathrm{clip}\left(\frac{1}{L} \left\lfloor \frac{L x}{\theta}
          + \frac{1}{2} \right\rfloor, 0, 1\right)

is what a neuron without leak fires in L steps of constant input x, times \theta/L, if it begins
halfway to threshold and a spike subtracts the threshold.

References
----------
Bu et al. 2022, ICLR (quantisation clip-floor-shift); Bengio, Léonard & Courville 2013,
arXiv:1308.3432 (the gradient passes the floor unchanged).
"""

from __future__ import annotations

import operator
from typing import Annotated, final

import torch
from torch import Tensor, nn

from scnnbio.errors import SpecError
from scnnbio.units import In, plain


@final
class QCFS(nn.Module):
    """Quantised, clipped and shifted activation, in place of a ReLU.

    Parameters
    ----------
    levels : int
        L: it takes the values 0, 1/L, ..., 1, times the threshold.
    threshold : float
        Where training begins; it is learnt, one value for the layer.

    Raises
    ------
    SpecError
        If ``levels`` is not a whole number from 1 up, or the threshold is not positive.
    """

    def __init__(self, levels: int = 8, threshold: Annotated[float, In("1")] = 4.0) -> None:
        super().__init__()
        try:
            self.levels = 0 if isinstance(levels, bool) else operator.index(levels)
        except TypeError:
            self.levels = 0
        if self.levels < 1:
            raise SpecError(f"{levels!r} is not a whole number from 1 up", where="QCFS.levels")
        value = plain(threshold, "1", where="QCFS.threshold")
        if value <= 0:
            raise SpecError(f"{value:g} is not positive", where="QCFS.threshold")
        self.threshold = nn.Parameter(torch.tensor(value))

    def forward(self, value: Tensor) -> Tensor:
        """The activation; the gradient is that of the clipped ramp."""
        share = torch.clamp(value / self.threshold, 0.0, 1.0)
        scaled = share * self.levels
        steps = torch.floor(scaled + 0.5)
        return self.threshold * (scaled + (steps - scaled).detach()) / self.levels

    def extra_repr(self) -> str:
        """What ``print`` shows of it."""
        return f"levels={self.levels}, threshold={float(self.threshold.detach()):.4g}"
