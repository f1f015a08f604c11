r"""A trained torch module as a network of neurons without leak.

A neuron adds up its input in thresholds; a spike subtracts one. In T steps of constant input a it
fires :math:`\lfloor v_0 + a T \rfloor` spikes if 0 <= a <= 1, so its rate is its input, cut like a
ReLU. With :math:`\kappa_l` the activation of layer l that stands for the greatest rate,

.. math:: W'_l = \frac{\kappa_{l-1}}{\kappa_l} W_l, \qquad i_l = \frac{r_{max}}{\kappa_l} b_l .

A layer begins when the input that passed all layers before it can be there, and so does its bias,
which comes from a source of the value 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, get_args

import numpy as np

from scnnbio.connectors import DenseConnector
from scnnbio.conversion.affine import FloatArray, Term, rescaled
from scnnbio.conversion.converted import BIAS, Converted, Layer
from scnnbio.conversion.scaling import Scale, scales
from scnnbio.conversion.tracing import INPUT, Activation, trace
from scnnbio.errors import SpecError, not_one_of
from scnnbio.network import Network, Projection
from scnnbio.neurons import NeuronModel, parts
from scnnbio.neurons.composition import compose
from scnnbio.population import Population, SpikeSource, ValueSource
from scnnbio.units import Hertz, In, Milliseconds, plain, plain_array

Reset = Literal["subtract", "zero"]
Source = Literal["values", "spikes"]

_SOURCE = "Lapicque 1907; Rueckauer et al. 2017, Front Neurosci 11:682"
#: By the reset: dv/dt = i_offset/cm, a spike moves v.
NEURONS: dict[str, NeuronModel] = {
    "subtract": compose(
        "IF_delta_subtract", parts.perfect(parts.BY_SUBTRACTION), [parts.delta()], reference=_SOURCE
    ),
    "zero": compose("IF_delta", parts.perfect(), [parts.delta()], reference=_SOURCE),
}
#: Thresholds are 1 mV, so that weights in mV are shares of one; cm is 1 nF.
_CELL = {"v_rest": 0.0, "v_reset": 0.0, "v_thresh": 1.0, "tau_refrac": 0.0, "cm": 1.0}
#: The threshold (mV) of an output that is a sum, beyond what its potential comes to.
_NEVER = 1e300


def convert(
    module: Any,
    images: Annotated[Any, In("1")],
    dt: Milliseconds = 1.0,
    *,
    scale: Scale = "layer",
    percentile: Annotated[float, In("1")] = 100.0,
    r_max: Hertz | None = None,
    reset: Reset = "subtract",
    begins: Annotated[float, In("1")] = 0.5,
    source: Source = "values",
    brightest: Annotated[float, In("1")] = 1.0,
) -> Converted:
    """The network of a trained module.

    Parameters
    ----------
    module : torch.nn.Module
        Of convolutions, linear layers, ReLU or QCFS, average pooling, batch normalisation,
        dropout, flattening and sums; it is converted as in evaluation mode.
    images : array (images, ...)
        A representative set of inputs, on which activations are measured. A layer with QCFS does
        not need them: its threshold is known.
    dt : float
        Step in ms with which the network has to run.
    scale : {"layer", "channel"}
        Whether the greatest activation is that of the layer, or of each of its channels.
    percentile : float
        Which of the activations, zeros among them, stands for ``r_max``: 100 is the maximum.
        Neurons with a larger one saturate.
    r_max : float, optional
        Rate in Hz for that activation; one spike per step by default, which is the most. A neuron
        model with a refractory period needs less.
    reset : {"subtract", "zero"}
        What a spike does to the potential. To zero, what exceeds the threshold is lost, the less
        the lower ``r_max``.
    begins : float
        Potential at the beginning of a trial, as a share of the threshold. A half makes the count
        the rounded activation (Bu et al. 2022, ICLR).
    source : {"values", "spikes"}
        Whether the input is a constant current, or spikes at a rate of ``r_max`` for the value
        ``brightest``.
    brightest : float
        The largest value of the input, if it comes as spikes.

    Returns
    -------
    Converted

    Raises
    ------
    SpecError
        If a module has no counterpart, or a shape or number does not fit; the module is named.
    DataError
        If a weight is NaN or infinite.

    Warns
    -----
    ConversionWarning
        If a layer is silent for these images.
    """
    numbers = _numbers(dt, percentile, r_max, begins, brightest)
    for name, value, choices in (
        ("scale", scale, Scale),
        ("reset", reset, Reset),
        ("source", source, Source),
    ):
        if value not in get_args(choices):
            raise SpecError(not_one_of(value, get_args(choices)), where=f"convert.{name}")
    layers = trace(module, images)
    if source == "spikes":
        _check_rates(images, numbers["brightest"])
    return _Builder(layers, scales(layers, scale, numbers["percentile"]), numbers).made(
        reset, source
    )


def _check_rates(images: Any, brightest: float) -> None:
    """Raise unless rates can stand for the values of all images."""
    values = plain_array(images, "1", where="convert.images")
    low, high = float(values.min()), float(values.max())
    if low < 0:
        raise SpecError(
            f"a value is {low:g}, and no rate of spikes stands for one below 0; give"
            " source='values'",
            where="convert.images",
        )
    if high > brightest:
        raise SpecError(
            f"a value is {high:g}, above the brightest, {brightest:g}, which fires at the greatest"
            " rate; give the largest value of the input as brightest",
            where="convert.images",
        )


def _numbers(dt: Any, percentile: Any, r_max: Any, begins: Any, brightest: Any) -> dict[str, float]:
    """The numbers, each in its range; the rate in spikes per ms."""
    step = plain(dt, "ms", where="convert.dt")
    if step <= 0:
        raise SpecError(f"{step:g} ms is not positive", where="convert.dt")
    share = plain(percentile, "1", where="convert.percentile")
    if not 0 < share <= 100:
        raise SpecError(f"{share:g} is not above 0 and up to 100", where="convert.percentile")
    most = 1000.0 / step
    rate = most if r_max is None else plain(r_max, "Hz", where="convert.r_max")
    if not 0 < rate <= most * (1 + 1e-12):
        raise SpecError(
            f"{rate:g} Hz, and a neuron fires from 0 to {most:g} Hz, one spike per step of {step:g}"
            " ms; lower it, or use a smaller step",
            where="convert.r_max",
        )
    first = plain(begins, "1", where="convert.begins")
    if not 0 <= first < 1:
        raise SpecError(
            f"{first:g} is not from 0 to below 1, the threshold", where="convert.begins"
        )
    bright = plain(brightest, "1", where="convert.brightest")
    if bright <= 0:
        raise SpecError(f"{bright:g} is not positive", where="convert.brightest")
    return {
        "dt": step,
        "percentile": share,
        "rate": min(rate, most) / 1000.0,
        "begins": first,
        "brightest": bright,
    }


class _Builder:
    """Makes populations and projections of traced layers."""

    def __init__(
        self,
        layers: list[Activation],
        most: Mapping[str, FloatArray],
        numbers: Mapping[str, float],
    ) -> None:
        self.layers, self.most, self.numbers = layers, most, numbers
        self.depth = {INPUT: 0}
        for layer in layers:
            feeding = [self.depth[term.source] for term in layer.before.terms]
            self.depth[layer.name] = 1 + max(feeding, default=0)
        self.names: set[str] = {INPUT, BIAS, *(layer.name for layer in layers)}

    def made(self, reset: Reset, source: Source) -> Converted:
        terms = [term for layer in self.layers for term in layer.before.terms]
        first = next(term.shape for term in terms if term.source == INPUT)
        values = source == "values"
        populations = [Population(INPUT, first, ValueSource() if values else SpikeSource())]
        projections: list[Projection] = []
        for layer in self.layers:
            populations.append(self._population(layer, reset))
            projections += [self._projection(layer, term, values) for term in layer.before.terms]
            if layer.before.constant.any():
                projections.append(self._bias(layer))
        if any(p.pre == BIAS for p in projections):
            populations.insert(1, Population(BIAS, (1, 1, 1), ValueSource()))
        described = tuple(
            Layer(
                layer.name,
                layer.where,
                layer.before.shape,
                self.depth[layer.name],
                self._each(layer),
                layer.fires,
                layer.levels,
                float(np.mean(layer.values[layer.values > 0])) if (layer.values > 0).any() else 0.0,
            )
            for layer in self.layers
        )
        return Converted(
            Network(tuple(populations), tuple(projections)),
            self.numbers["dt"],
            self.numbers["rate"] * 1000.0,
            described,
        )

    def _each(self, layer: Activation) -> FloatArray:
        """The scale of each neuron."""
        most = self.most[layer.name]
        return np.repeat(most, layer.before.constant.size // most.size)

    def _population(self, layer: Activation, reset: Reset) -> Population:
        values = dict(_CELL) if layer.fires else {**_CELL, "v_thresh": _NEVER}
        begins = {"v": self.numbers["begins"]} if layer.fires else {}
        # One model for all layers, since a simulator compiles each.
        return Population(layer.name, layer.before.shape, NEURONS[reset], values, initial=begins)

    def _projection(self, layer: Activation, term: Term, values: bool) -> Projection:
        connector = term.to(layer.before.shape)
        currents = values and term.source == INPUT
        before: FloatArray | None = None
        if term.source != INPUT:
            source = next(one for one in self.layers if one.name == term.source)
            before = self._each(source)
        elif not values:
            before = np.full(int(np.prod(connector.in_shape)), self.numbers["brightest"])
        return Projection(
            term.source,
            layer.name,
            rescaled(connector, before, 1.0 / self._each(layer)),
            weight=self.numbers["rate"] if currents else 1.0,
            delay=(self.depth[layer.name] - self.depth[term.source]) * self.numbers["dt"],
            receptor="i_offset" if currents else "membrane",
            name=self._name(term.source, layer.name),
        )

    def _bias(self, layer: Activation) -> Projection:
        amounts = layer.before.constant / self._each(layer)
        return Projection(
            BIAS,
            layer.name,
            DenseConnector(amounts[:, None], (1, 1, 1), layer.before.shape),
            weight=self.numbers["rate"],
            delay=self.depth[layer.name] * self.numbers["dt"],
            receptor="i_offset",
            name=self._name(BIAS, layer.name),
        )

    def _name(self, pre: str, post: str) -> str:
        name = free = f"{pre}_{post}"
        k = 1
        while free in self.names:
            free, k = f"{name}_{k}", k + 1
        self.names.add(free)
        return free
