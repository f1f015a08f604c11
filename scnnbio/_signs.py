"""Checks of the signs of weights: inhibition must inhibit, and conductances are not negative.

When a network is made, the equations of the postsynaptic neuron decide whether a weight excites or
inhibits. The range that a learning rule allows is checked as well.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from pyNN.standardmodels.base import inhibitory_receptor_types

from scnnbio.connectors import ConvolutionConnector, KernelConnector
from scnnbio.errors import SpecError
from scnnbio.neurons.model import NeuronModel
from scnnbio.neurons.noise import Noise, PoissonNoise
from scnnbio.neurons.polarity import conducts, polarity
from scnnbio.plasticity import LearningRule


def check_signs(
    connector: KernelConnector,
    weight: float,
    rule: LearningRule | None,
    model: NeuronModel,
    receptor: str,
    values: Mapping[str, NDArray[np.float64]],
    where: str,
) -> None:
    """Raise if a weight has a sign that its receptor does not allow.

    Parameters
    ----------
    connector : KernelConnector
    weight : float
        Increment of the receptor's variable for a kernel element of 1.
    rule : LearningRule or None
        Its bounds limit the kernel.
    model : NeuronModel
        Model of the postsynaptic neurons.
    receptor : str
        One of its receptors.
    values : mapping of str to ndarray (channels,)
        Parameters of the postsynaptic population.
    where : str
        Path of the projection.

    Raises
    ------
    SpecError
        If a conductance would be negative; if lateral inhibition, or a weight on a receptor with an
        inhibitory name, would excite; or if the equations do not determine the effect of lateral
        inhibition.
    """
    kernel = connector.kernel
    # Taps without connections are zero.
    reach = (kernel.min(), kernel.max()) if rule is None else (rule.w_min, rule.w_max)
    ends = [weight * float(end) for end in reach]
    low, high = min(ends), max(ends)
    if not math.isfinite(low) or not math.isfinite(high):
        raise SpecError("weight times kernel overflows; make it smaller", where=where)
    if low == high == 0.0:
        return
    if low < 0 and conducts(model, receptor):
        raise SpecError(_negative(model, receptor, rule, low), where=where)
    if connector.inhibits or receptor in inhibitory_receptor_types:
        signs = {polarity(model, receptor, one) for one in _channels(values)}
        if any(map(math.isnan, signs)) and connector.inhibits:
            raise SpecError(
                f"the equations of {model.name} do not show whether receptor {receptor!r} inhibits;"
                " write the threshold like 'v >= v_thresh', or use the same kernel in a"
                f" ConvolutionConnector with padding = {connector.padding}",
                where=where,
            )
        if any(sign * end > 0 for sign in signs for end in (low, high)):
            what = "lateral inhibition" if connector.inhibits else "a weight"
            raise SpecError(_excites(what, model, receptor, rule, values), where=where)


def check_noise_signs(
    noises: Sequence[Noise],
    model: NeuronModel,
    values: Mapping[str, NDArray[np.float64]],
    where: str,
) -> None:
    """Refuse weights of Poisson noises whose sign a receptor does not take.

    Parameters
    ----------
    noises : sequence of Noise
        Of one population.
    model : NeuronModel
    values : mapping of str to ndarray (channels,)
        Parameters of the population.
    where : str
        Path of the population.

    Raises
    ------
    SpecError
        As :func:`check_signs`.
    """
    one = ConvolutionConnector(np.ones((1, 1, 1, 1)), (1, 1, 1))
    for place, noise in enumerate(noises):
        if isinstance(noise, PoissonNoise):
            weight, path = float(noise.weight), f"{where}.noise[{place}]"
            check_signs(one, weight, None, model, noise.receptor, values, path)


def _negative(model: NeuronModel, receptor: str, rule: LearningRule | None, least: float) -> str:
    """Message for a weight that would make a conductance negative."""
    value = f"{least:.3g} {model.unit_of(model.receptors[receptor])}".removesuffix(" 1")
    message = f"a conductance must not be negative, but receptor {receptor!r} of {model.name} would"
    if rule is not None:
        remedy = "set the rule's w_min to 0" if rule.w_min < 0 else "give a positive weight"
        return f"{message} learn down to {value}; {remedy}"
    others = [r for r in model.receptors if r != receptor and conducts(model, r)]
    aim = " or ".join(f"receptor {other!r}" for other in others) or "another receptor"
    return (
        f"{message} get {value}; connect the negative part, made positive, to {aim}"
        " (ConvolutionConnector.split_by_sign() splits a kernel)"
    )


def _excites(
    what: str,
    model: NeuronModel,
    receptor: str,
    rule: LearningRule | None,
    values: Mapping[str, NDArray[np.float64]],
) -> str:
    """Message for a weight that would excite."""
    message = f"{what} on receptor {receptor!r} of {model.name} would excite; "
    if rule is not None and rule.w_min < 0:
        return message + "set the rule's w_min to 0, and give the weight the sign that inhibits"
    if not conducts(model, receptor):
        return message + (
            "give the weight the other sign (ConvolutionConnector.split_by_sign() splits a kernel"
            " that has both)"
        )
    better = [
        other
        for other in model.receptors
        if conducts(model, other)
        and all(polarity(model, other, one) < 0 for one in _channels(values))
    ]
    if better:
        return message + f"use receptor {' or '.join(map(repr, better))}"
    return message + "set its reversal potential below the threshold"


def _channels(values: Mapping[str, NDArray[np.float64]]) -> Iterator[dict[str, float]]:
    """Parameters of each channel; equal sets are given once."""
    names = list(values)
    if not names:
        yield {}
    for row in sorted({tuple(map(float, row)) for row in zip(*values.values(), strict=True)}):
        yield dict(zip(names, row, strict=True))
