"""Learned kernels and parameters, each in its own scale, and adaptive thresholds."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from scnnbio._signs import check_signs
from scnnbio.backends.torch.delays import Delays
from scnnbio.backends.torch.layers import Layer
from scnnbio.backends.torch.pathways import Pathway
from scnnbio.backends.torch.unrolled import Bound, Unrolled
from scnnbio.connectors import PoolingConnector
from scnnbio.errors import SpecError, hint
from scnnbio.experiment.training import Training
from scnnbio.network import Network
from scnnbio.population import Population

FloatArray = NDArray[np.float64]


class Kernel:
    """A kernel that is learned, in units of its root mean square at the beginning.

    Parameters
    ----------
    path : Pathway
    delays : Delays, optional
        If the delays are learned, the kernel is that of all lags together.
    """

    def __init__(self, path: Pathway, delays: Delays | None = None) -> None:
        kernel = path.kernel if delays is None else delays.kernel
        present = torch.as_tensor(path.connector.present, dtype=path.dtype)
        used = kernel[(present if delays is None else delays.present) > 0]
        self.scale = used.square().mean().sqrt()
        where = f"projection {path.name!r}.connector"
        if not bool(self.scale > 0):
            raise SpecError(
                "a kernel of zeros has no scale to learn in; begin with random weights", where=where
            )
        self.theta = (kernel / self.scale).requires_grad_()
        takes = {sign: _takes(path, sign * present.numpy()) for sign in (-1.0, 1.0)}
        self.low = -torch.inf if takes[-1.0] else 0.0
        self.high = torch.inf if takes[1.0] else 0.0

    def value(self) -> Tensor:
        """The kernel."""
        return self.theta * self.scale

    def keep_in_range(self) -> None:
        """Set weights of a sign that the receptor does not accept to zero."""
        if self.low == 0.0 or self.high == 0.0:
            self.theta.data.clamp_(self.low, self.high)


def _takes(path: Pathway, kernel: FloatArray) -> bool:
    """Whether a projection accepts weights with the signs of such a kernel."""
    projection = path.projection
    if projection.receptor not in path.post.model.receptors:
        return True  # values change a port, whose range is checked as they are summed
    try:
        connector = projection.connector.with_kernel(kernel)
        check_signs(
            connector, projection.weight, None, path.post.model, projection.receptor,
            path.post.values(), path.name,
        )  # fmt: skip
    except SpecError:
        return False
    return True


class Parameter:
    """A parameter that is learned, in a scale that keeps it valid.

    A parameter that cannot be negative is learned as its logarithm. One that affects the distance
    of the initial state from threshold is learned as the logarithm of that distance, so that no
    neuron starts to fire without input. Others are learned in units of the distance.

    Parameters
    ----------
    layer : Layer
    name : str
    """

    def __init__(self, layer: Layer, name: str) -> None:
        where = f"population {layer.population.name!r}.parameters.{name}"
        low, high = layer.model.parameters[name].bounds
        self.low, self.high = low, high
        began = _as_given(layer, name)
        distance = layer.distance()
        slope = layer.slope_of_excess(name)
        if low >= 0:
            if not bool((began > 0).all()):
                raise SpecError("starts at 0, which has no logarithm; start above 0", where=where)
            origin = torch.zeros_like(began)
        elif bool((slope != 0).all()):
            # Where the initial state would be at threshold.
            origin = _as(began, began + distance / slope)
        else:
            origin = None
        self.origin, self.began, self.scale = origin, began, distance.mean()
        self.theta = torch.zeros_like(began).requires_grad_()

    def value(self) -> Tensor:
        """The values in the parameter's unit."""
        if self.origin is None:
            return self.began + self.scale * self.theta
        return self.origin + (self.began - self.origin) * self.theta.exp()

    def keep_in_range(self) -> None:
        """Clip values to the parameter's range."""
        if self.low in (0.0, -torch.inf) and self.high == torch.inf and self.origin is not None:
            return
        with torch.no_grad():
            value = self.value().clamp(self.low, self.high)
            if self.origin is None:
                self.theta.copy_((value - self.began) / self.scale)
            else:
                self.theta.copy_(((value - self.origin) / (self.began - self.origin)).log())


def _as_given(layer: Layer, name: str) -> Tensor:
    """Values of a parameter: one for all, per channel or per neuron, as the population has it."""
    population, values = layer.population, layer.fixed[name].detach()
    axes = np.ndim(population.parameters.get(name, 0.0))
    whole = values.expand(population.shape)
    if axes == 3:
        return whole.clone()
    return whole[: population.shape[0] if axes else 1, :1, :1].clone()


def _as(like: Tensor, values: Tensor) -> Tensor:
    """Values with the axes of another tensor: one for all of those that it has once."""
    axes = [k for k, (one, n) in enumerate(zip(like.shape, values.shape, strict=True)) if one < n]
    return values.mean(axes, keepdim=True) if axes else values


class Threshold:
    """A threshold shared by each channel that keeps its rate while kernels are learned.

    After a batch it moves by what :class:`~scnnbio.plasticity.SharedThreshold` moves it in one
    trial, mean over the trials of the batch: ``eta`` for each spike of the channel, less
    ``eta * target`` times the duration.

    Parameters
    ----------
    population : Population
    duration : float
        Of a trial in ms.
    dtype : torch.dtype
    """

    def __init__(self, population: Population, duration: float, dtype: torch.dtype) -> None:
        rule = population.homeostasis
        if rule is None:
            raise SpecError("has no homeostasis", where=f"population {population.name!r}")
        channels = population.shape[0]
        self.rule, self.parameter = rule, rule.parameter
        self.values = torch.as_tensor(
            np.array(population.channel_values(rule.parameter)).reshape(-1, 1, 1), dtype=dtype
        )
        self.fall = torch.as_tensor(np.array(rule.fall(channels, duration)), dtype=dtype)
        self.decay_factor, self.rate = rule.decay_factor(duration), 1.0

    def adapt(self, spikes: Tensor) -> None:
        """Move after a batch of spikes (step, trial, channel, row, column)."""
        each = spikes.sum((0, 3, 4)).mean(0)
        self.rate *= self.decay_factor
        moved = self.values + self.rate * (self.rule.eta * each - self.fall).reshape(-1, 1, 1)
        if self.rule.minimum is not None:
            moved = moved.clamp(min=self.rule.minimum)
        self.values.copy_(moved)


class Learnables:
    """All parts of a network that training changes.

    Parameters
    ----------
    network : Network
    unrolled : Unrolled
    training : Training
    duration : float
        Of a trial in ms.

    Raises
    ------
    SpecError
        If a name is unknown, or nothing is left to learn.
    """

    def __init__(
        self, network: Network, unrolled: Unrolled, training: Training, duration: float
    ) -> None:
        self.network, self.unrolled = network, unrolled
        _check_names(network, training, unrolled.driving.ports)
        #: Share of the training that is done, which decides the width of delays.
        self.progress = 0.0
        self.delays = {name: Delays(unrolled.connected[name]) for name in training.delays}
        self.kernels = {
            name: Kernel(path, self.delays.get(name))
            for name, path in unrolled.connected.items()
            if name not in training.fixed and not isinstance(path.connector, PoolingConnector)
        }
        self.parameters = {
            (population, name): Parameter(unrolled.layers[population], name)
            for population, names in training.learn.items()
            for name in names
        }
        self.thresholds = {
            p.name: Threshold(p, duration, unrolled.dtype)
            for p in network.populations
            if p.homeostasis is not None
        }
        if not self._all():
            raise SpecError(
                "nothing is left to learn; remove a projection from training.fixed",
                where="training.fixed",
            )

    def _all(self) -> list[Kernel | Parameter | Delays]:
        return [*self.kernels.values(), *self.parameters.values(), *self.delays.values()]

    def leaves(self) -> list[Tensor]:
        """The tensors that the optimiser changes."""
        return [one.theta for one in self._all()]

    def state(self) -> list[Tensor]:
        """All tensors that training changes, without gradients."""
        return [one.theta.detach() for one in self._all()] + [
            one.values for one in self.thresholds.values()
        ]

    def _values(self, *, rounded: bool) -> dict[str, Tensor]:
        """Kernels that are learned or whose delays are, with delays on the grid or between."""
        found = {name: one.value() for name, one in self.kernels.items()}
        for name, delays in self.delays.items():
            shares = delays.nearest() if rounded else delays.shares(self.progress)
            found[name] = found.get(name, delays.kernel)[..., None] * shares
        return found

    def bound(self, *, rounded: bool = False) -> Bound:
        """Weights and constants as they are now, differentiable.

        Parameters
        ----------
        rounded : bool
            Whether delays are those of the trained network, which have no gradient.
        """
        values = {key: one.value() for key, one in self.parameters.items()}
        values |= {(n, one.parameter): one.values for n, one in self.thresholds.items()}
        return self.unrolled.bound(self._values(rounded=rounded), values)

    def keep_in_range(self) -> None:
        """Restore required signs and ranges after a step of the optimiser."""
        for one in self._all():
            one.keep_in_range()

    def as_network(self, kernels: Mapping[str, FloatArray] | None = None) -> Network:
        """The network with what was learned; with other kernels, if they are given."""
        weights = {n: one.value().detach().double().numpy() for n, one in self.kernels.items()}
        weights |= kernels or {}
        delayed = {name: one.trained(weights.pop(name, None)) for name, one in self.delays.items()}
        weights |= {n: one.values.flatten().double().numpy() for n, one in self.thresholds.items()}
        made = self.network.with_weights(weights)
        given: dict[str, dict[str, float | FloatArray]] = {}
        for (population, name), one in self.parameters.items():
            value = one.value().detach().double().numpy()
            shape = self.network.population(population).shape
            if value.size == 1:
                given.setdefault(population, {})[name] = float(value.item())
            else:
                whole = value.ravel() if value.shape[1:] == (1, 1) else value
                given.setdefault(population, {})[name] = (
                    whole if len(whole) == shape[0] else np.broadcast_to(whole, shape)
                )
        populations = tuple(
            dataclasses.replace(p, parameters={**p.parameters, **given[p.name]})
            if p.name in given
            else p
            for p in made.populations
        )
        projections = tuple(
            dataclasses.replace(p, connector=delayed[p.name]) if p.name in delayed else p
            for p in made.projections
        )
        return Network(populations, projections)


class Average:
    """Mean of what training changes, over batches.

    Parameters
    ----------
    learnables : Learnables
    batches : int
        Time constant of an exponential mean. Of fewer batches it is their plain mean, so that the
        values at the beginning have no weight.
    """

    def __init__(self, learnables: Learnables, batches: int) -> None:
        self.state, self.batches = learnables.state(), batches
        self.means, self.seen = [one.clone() for one in self.state], 0

    def add(self) -> None:
        """Take in the values after a batch."""
        self.seen += 1
        for mean, one in zip(self.means, self.state, strict=True):
            mean.lerp_(one, 1.0 / min(self.seen, self.batches))

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """Put the means in the place of the values for a while."""
        kept = [one.clone() for one in self.state]
        for one, mean in zip(self.state, self.means, strict=True):
            one.copy_(mean)
        try:
            yield
        finally:
            for one, value in zip(self.state, kept, strict=True):
                one.copy_(value)


def _check_names(network: Network, training: Training, driven: Collection[tuple[str, str]]) -> None:
    projections = [p.name for p in network.projections]
    for field in ("fixed", "delays"):
        for name in getattr(training, field):
            if name not in projections:
                raise SpecError(
                    f"there is no projection {name!r}; {hint(name, projections)}",
                    where=f"training.{field}",
                )
    for population, names in training.learn.items():
        where = f"training.learn.{population}"
        model = network.population(population).model
        rule = network.population(population).homeostasis
        for name in names:
            if name not in model.parameters:
                raise SpecError(
                    f"{model.name} has no parameter {name!r}; {hint(name, model.parameters)}",
                    where=where,
                )
            if name == model.refractory:
                raise SpecError(
                    f"{name!r} is counted in whole steps, which have no gradient; leave it out",
                    where=where,
                )
            if (population, name) in driven:
                raise SpecError(
                    f"{name!r} is set by an input in each trial; leave it out, and learn the"
                    " weights from a source of values",
                    where=where,
                )
            if rule is not None and rule.parameter == name:
                raise SpecError(
                    f"{name!r} is moved by homeostasis too; leave out one of the two", where=where
                )
