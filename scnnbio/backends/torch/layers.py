"""One differentiable step of a population: the library's step as tensors of (trial, neuron).

States have the shape (trial, channel, row, column). The step is the text that every backend with a
time step takes, see :mod:`scnnbio.neurons.integrator`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from scnnbio.backends.steps import initial_states, refractory_steps, step_constants
from scnnbio.backends.torch.expressions import compiled
from scnnbio.backends.torch.propagators import exact_constants, needs
from scnnbio.errors import SpecError
from scnnbio.experiment.surrogates import Surrogate
from scnnbio.neurons.integrator import integrator
from scnnbio.neurons.parsing import excess_over, split_assignments
from scnnbio.population import Population


class _Spike(torch.autograd.Function):
    """Forward: whether the threshold is crossed; backward: the slope of a soft threshold."""

    @staticmethod
    def forward(ctx: Any, y: Tensor, crossed: Tensor, surrogate: Surrogate) -> Tensor:
        ctx.save_for_backward(y)
        ctx.surrogate = surrogate
        return crossed.to(y.dtype)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        (y,) = ctx.saved_tensors
        return gradient * ctx.surrogate.slope(y), None, None


class _Reset(torch.autograd.Function):
    """Forward: the value after the reset where a neuron fires; backward: also by the spike.

    A spike changes the value by new - old, through which a gradient goes back to the spike.
    """

    @staticmethod
    def forward(ctx: Any, crossed: Tensor, spikes: Tensor, new: Tensor, old: Tensor) -> Tensor:
        ctx.save_for_backward(crossed, new, old)
        return torch.where(crossed, new, old)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[None, Tensor, Tensor | None, Tensor]:
        crossed, new, old = ctx.saved_tensors
        to_new = None
        if ctx.needs_input_grad[2]:
            to_new = torch.where(crossed, gradient, 0.0).sum_to_size(new.shape)
        return None, gradient * (new - old), to_new, gradient.masked_fill(crossed, 0.0)


#: Their types are not known to torch.
_spike: Any = _Spike.apply
_reset: Any = _Reset.apply


@dataclass
class LayerState:
    """State of a layer between steps.

    Parameters
    ----------
    states : dict of str to Tensor (trial, channel, row, column)
    remaining : Tensor or None
        Remaining refractory steps of each neuron; None without refractoriness.
    """

    states: dict[str, Tensor]
    remaining: Tensor | None

    def detached(self) -> LayerState:
        """The same state, without its gradient history."""
        return LayerState({n: v.detach() for n, v in self.states.items()}, self.remaining)

    def driven(self, port: str, values: Tensor) -> LayerState:
        """The same state, with new values of a driven port."""
        return LayerState({**self.states, port: values}, self.remaining)


@dataclass(frozen=True)
class Firing:
    """Firing of a layer: spikes and their gradients.

    Parameters
    ----------
    surrogate : Surrogate or None
        Surrogate of the derivative of a spike; None where no gradient is needed.
    soft : bool
        Whether neurons fire by the soft threshold itself, from 0 to 1. Such a network has exact
        derivatives, for tests.
    through_reset : bool
        Whether the gradient includes the effect of a spike on its own neuron by the reset.
    """

    surrogate: Surrogate | None = None
    soft: bool = False
    through_reset: bool = True


class Layer:
    """A population of neurons.

    Parameters
    ----------
    population : Population
    dt : float
        Step in ms.
    dtype : torch.dtype
    """

    def __init__(self, population: Population, dt: float, dtype: torch.dtype) -> None:
        self.population, self.dt, self.dtype = population, dt, dtype
        self.model = population.model
        self.updates = [
            (update.state, compiled(update.expression))
            for update in integrator(population.model).updates
        ]
        self.fixed = {
            name: self.placed(values)
            for name, values in {**population.values(), **step_constants(population, dt)}.items()
        }
        self.initial = {n: self.placed(v) for n, v in initial_states(population).items()}
        held_for = refractory_steps(population, dt)
        self.held_for = self.placed(held_for).to(torch.int64) if held_for.any() else None
        self.held = frozenset(s.name for s in self.model.states if s.held_when_refractory)
        self.threshold = compiled(self.model.threshold)
        self.reset = [
            (name, compiled(_assigned(name, operator, text)))
            for name, operator, text in split_assignments(self.model.reset)
        ]

    def placed(self, values: NDArray[Any]) -> Tensor:
        """Values for all, per channel or per neuron, in a shape that broadcasts with a state."""
        channels, *plane = self.population.shape
        shape: tuple[int, ...] = (1, 1, 1) if len(values) == 1 else (channels, 1, 1)
        if len(values) not in (1, channels):
            shape = (channels, *plane)
        # A value that all channels share becomes one number.
        if len(values) == channels and np.all(values == values[0]):
            values, shape = values[:1], (1, 1, 1)
        return torch.as_tensor(np.array(values).reshape(shape), dtype=self.dtype)

    def names(self, parameters: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Every constant of the step by name, with other values of some parameters."""
        if not parameters:
            return self.fixed
        found = {**self.fixed, **parameters}
        if needs(self.model, parameters):
            found |= exact_constants(self.model, found, self.dt)
        return found

    def excess(self) -> Any:
        """Excess over threshold, as a function of tensors.

        Raises
        ------
        SpecError
            If the threshold is not one comparison.
        """
        try:
            return compiled(excess_over(self.model.threshold))
        except SpecError as error:
            raise SpecError(
                f"{error.message}, but a gradient needs the excess over threshold; write"
                " it like 'v >= v_thresh'",
                where=f"population {self.population.name!r}",
            ) from None

    def distance(self) -> Tensor:
        """Distance of the initial state from the threshold, in the threshold's unit.

        Raises
        ------
        SpecError
            If a neuron begins at its threshold, so that the distance is no measure.
        """
        found = self.excess()({**self.fixed, **self.initial})
        distance = torch.as_tensor(found, dtype=self.dtype).abs()
        if not bool((distance > 0).all()):
            raise SpecError(
                "a neuron begins at its threshold, which leaves the surrogate without a width;"
                " change its initial value or the threshold",
                where=f"population {self.population.name!r}",
            )
        return distance.detach()

    def slope_of_excess(self, name: str) -> Tensor:
        """Derivative of the initial state's excess over threshold by a parameter."""
        with torch.enable_grad():
            value = self.fixed[name].detach().clone().requires_grad_()
            names = {**self.fixed, name: value}
            known = {**names, **{n: self._begins(n, names) for n in self.initial}}
            excess = torch.as_tensor(self.excess()(known), dtype=self.dtype)
            if not excess.requires_grad:
                return torch.zeros_like(excess)
            (slope,) = torch.autograd.grad(excess.sum(), value)
        # A value that several neurons share applies to each.
        return (slope * value.numel() / excess.numel()).detach()

    def _begins(self, state: str, names: Mapping[str, Tensor]) -> Tensor:
        """The initial value of a state, which follows a parameter that it starts from."""
        source = self.model.initial.get(state)
        if state in self.population.initial or source is None:
            return self.initial[state]
        return names[source]

    def begin(self, trials: int, names: Mapping[str, Tensor]) -> LayerState:
        """Initial states of a number of trials."""
        shape = (trials, *self.population.shape)
        states = {state: self._begins(state, names).expand(shape) for state in self.initial}
        held = None if self.held_for is None else torch.zeros(shape, dtype=torch.int64)
        return LayerState(states, held)

    def step(
        self,
        before: LayerState,
        drive: Mapping[str, Tensor],
        names: Mapping[str, Tensor],
        firing: Firing,
        width: Tensor | None,
    ) -> tuple[LayerState, Tensor, Tensor | None]:
        """States after a step, spikes, and the excess over threshold in widths."""
        held, remaining = None, before.remaining
        if remaining is not None:
            held = remaining > 0
            remaining = (remaining - 1).clamp(min=0)
        known = {**names, **before.states}
        states = {}
        for name, update in self.updates:
            value = update(known)
            arriving = drive.get(name)
            if arriving is not None:
                value = value + arriving
            if held is not None and name in self.held:
                value = torch.where(held, before.states[name], value)
            states[name] = value
        known.update(states)
        crossed = self.threshold(known)
        if held is not None:
            crossed = crossed & ~held
        spikes, y = self._spikes(known, crossed, held, firing, width)
        states.update(self._after(states, known, crossed, spikes, firing))
        if remaining is not None and self.held_for is not None:
            remaining = torch.where(crossed, self.held_for, remaining)
        return LayerState(states, remaining), spikes, y

    def _spikes(
        self,
        known: Mapping[str, Tensor],
        crossed: Tensor,
        held: Tensor | None,
        firing: Firing,
        width: Tensor | None,
    ) -> tuple[Tensor, Tensor | None]:
        if firing.surrogate is None:
            return crossed.to(self.dtype), None
        y = self.excess()(known) / width
        spikes = firing.surrogate.step(y) if firing.soft else _spike(y, crossed, firing.surrogate)
        # A refractory neuron does not fire, whatever its potential.
        return (spikes if held is None else torch.where(held, 0.0, spikes)), y

    def _after(
        self,
        states: dict[str, Tensor],
        known: dict[str, Tensor],
        crossed: Tensor,
        spikes: Tensor,
        firing: Firing,
    ) -> dict[str, Tensor]:
        """States after the reset; assignments see those before them."""
        known, changed = dict(known), {}
        for name, assigned in self.reset:
            old, new = known[name], torch.as_tensor(assigned(known), dtype=self.dtype)
            if firing.soft:
                value = old + spikes * (new - old)
            elif firing.surrogate is not None and firing.through_reset:
                value = _reset(crossed, spikes, new, old)
            else:
                value = torch.where(crossed, new, old)
            known[name] = changed[name] = value
        return changed


def _assigned(name: str, operator: str, text: str) -> str:
    """The right-hand side of an assignment of a reset, with what it does to the old value."""
    return f"({text})" if operator == "=" else f"{name} {operator[0]} ({text})"
