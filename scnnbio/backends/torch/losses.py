"""Loss terms: cross-entropy of the readout, and penalties on spikes."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn import functional

from scnnbio.backends.torch.unrolled import Traced
from scnnbio.experiment.training import Training


def evidence(traced: Traced, readout: str, training: Training) -> Tensor:
    """Evidence for each class (trial, class): the larger, the likelier.

    Parameters
    ----------
    traced : Traced
        Of whole trials, with the levels of the readout where the loss is of the membrane.
    readout : str
        The population whose channels are the classes.
    training : Training

    Returns
    -------
    Tensor (trial, class)
    """
    if training.loss == "membrane":
        found = traced.levels[readout].amax(0)
    elif training.loss == "first-spike":
        # Steps without a spike so far: a spike in the first step gives 0, none gives all of them.
        found = -(1.0 - traced.spikes[readout]).cumprod(0).sum(0)
    else:
        found = traced.spikes[readout].sum(0)
    return found.flatten(2).mean(2) * training.sharpness


def cross_entropy(found: Tensor, labels: Tensor) -> Tensor:
    """Mean cross-entropy of the softmax of evidence (trial, class) with labels (trial,)."""
    return functional.cross_entropy(found, labels)


def rate_price(spikes: Mapping[str, Tensor], rates: tuple[float, float], duration: float) -> Tensor:
    """Mean square of how far mean rates are outside a range, in units of its upper end.

    Parameters
    ----------
    spikes : mapping of str to Tensor (step, trial, channel, row, column)
    rates : (float, float)
        In Hz.
    duration : float
        Of a trial in ms.
    """
    low, high = rates
    each = torch.cat([s.sum(0).mean(0).flatten() for s in spikes.values()]) / (duration * 1e-3)
    outside = functional.relu(each - high) + functional.relu(low - each)
    return (outside / high).square().mean()


def operations(spikes: Mapping[str, Tensor], fans: Mapping[str, Tensor]) -> Tensor:
    """Mean synaptic operations per trial.

    Parameters
    ----------
    spikes : mapping of str to Tensor (step, trial, channel, row, column)
    fans : mapping of str to Tensor (channel, row, column)
        Connections that leave each neuron, by population.
    """
    found = [(spikes[name].sum(0).mean(0) * fan).sum() for name, fan in fans.items()]
    return torch.stack(found).sum() if found else torch.zeros(())


def budget_price(operations: Tensor, budget: float) -> Tensor:
    """Square of what is above the budget, as a share of it."""
    return functional.relu(operations / budget - 1.0).square()
