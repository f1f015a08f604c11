"""A differentiable network unrolled in time, for many parallel trials.

Populations that do not feed one another are gone through one after another, each for a whole piece
of time, so that what their input brings is one convolution over all steps and trials. Those that
form a loop are stepped together. Order and time are those of :mod:`scnnbio.backends.base`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from scnnbio.backends.torch.driving import Drives, Driving
from scnnbio.backends.torch.layers import Firing, Layer, LayerState
from scnnbio.backends.torch.order import stages
from scnnbio.backends.torch.pathways import Pathway
from scnnbio.experiment import Experiment

#: Sampled variable: population and state.
Sampled = tuple[str, str]


@dataclass
class State:
    """State of a network between intervals of time.

    Parameters
    ----------
    step : int
        Number of completed steps.
    layers : dict of str to LayerState
    tails : dict of str to Tensor (step, trial, channel, row, column)
        By projection: spikes in transit, of as many steps as its longest delay or as have been.
    opens : dict of str to Tensor
        By projection that passes first spikes: when each window opens again.
    factors : dict of str to Tensor (trial, channel, row, column)
        By population: on each of its spikes on their way to others.
    """

    step: int
    layers: dict[str, LayerState]
    tails: dict[str, Tensor]
    opens: dict[str, Tensor]
    factors: Mapping[str, Tensor] = field(default_factory=dict)

    def sent(self, name: str, spikes: Tensor) -> Tensor:
        """What spikes of a population bring to others."""
        factor = self.factors.get(name)
        return spikes if factor is None else spikes * factor

    def detached(self) -> State:
        """The same state, without its gradient history."""
        return State(
            self.step,
            {name: layer.detached() for name, layer in self.layers.items()},
            {name: tail.detach() for name, tail in self.tails.items()},
            self.opens,
            self.factors,
        )


@dataclass
class Traced:
    """Activity in an interval of time.

    Parameters
    ----------
    spikes : dict of str to Tensor (step, trial, channel, row, column)
        Of every population.
    levels : dict of str to Tensor, of the same shape
        Excess over threshold in widths of the surrogate, before the reset, where it was asked for.
    sampled : dict of (population, state) to Tensor
        States at the beginning of each step, where they were asked for.
    """

    spikes: dict[str, Tensor] = field(default_factory=dict)
    levels: dict[str, Tensor] = field(default_factory=dict)
    sampled: dict[Sampled, Tensor] = field(default_factory=dict)


@dataclass(frozen=True)
class Bound:
    """Weights and constants of a network, including the learned ones.

    Parameters
    ----------
    weights : dict of str to Tensor
        By projection.
    names : dict of str to dict of str to Tensor
        By population: every constant of its step.
    """

    weights: dict[str, Tensor]
    names: dict[str, dict[str, Tensor]]


class Unrolled:
    """All layers and pathways of one experiment's network.

    Parameters
    ----------
    experiment : Experiment
    dtype : torch.dtype
    firing : Firing
    mixed : bool
        As of :class:`~scnnbio.backends.torch.pathways.Pathway`.
    """

    def __init__(
        self,
        experiment: Experiment,
        dtype: torch.dtype = torch.float64,
        firing: Firing = Firing(),  # noqa: B008  (it is immutable)
        mixed: bool = False,
    ) -> None:
        below = experiment.lowered
        network, self.dtype, self.firing = below.network, dtype, firing
        self.layers = {
            p.name: Layer(p, experiment.dt, dtype) for p in network.populations if not p.is_source
        }
        self.pathways = {p.name: Pathway(p, below, dtype, mixed) for p in network.projections}
        self.valued = {
            p.name: Pathway(p, experiment, dtype, mixed)
            for p in experiment.network.projections
            if experiment.network.population(p.pre).gives_values
        }
        self.driving = Driving(below, self.valued, dtype)
        self.into = {
            name: [self.pathways[p.name] for p in network.incoming(name)] for name in self.layers
        }
        self.order = stages(network)
        surrogate = firing.surrogate
        self.widths: dict[str, Tensor | None] = {
            name: None if surrogate is None else layer.distance() * surrogate.width
            for name, layer in self.layers.items()
        }

    @property
    def connected(self) -> dict[str, Pathway]:
        """All pathways: those of spikes, and those of values."""
        return {**self.pathways, **self.valued}

    def bound(
        self,
        kernels: Mapping[str, Tensor] | None = None,
        parameters: Mapping[tuple[str, str], Tensor] | None = None,
    ) -> Bound:
        """Weights and constants with some kernels and parameters replaced.

        Parameters
        ----------
        kernels : mapping of str to Tensor, optional
            By projection, in the shape of its kernel.
        parameters : mapping of (str, str) to Tensor (channel, row, column), optional
            By population and parameter; axes may have the length 1.
        """
        given = kernels or {}
        own: dict[str, dict[str, Tensor]] = {name: {} for name in self.layers}
        for (population, parameter), value in (parameters or {}).items():
            own[population][parameter] = value
        return Bound(
            {name: path.weights(given.get(name)) for name, path in self.connected.items()},
            {name: layer.names(own[name]) for name, layer in self.layers.items()},
        )

    def begin(
        self, trials: int, bound: Bound, factors: Mapping[str, Tensor] | None = None
    ) -> State:
        """All trials at rest, without spikes in transit.

        Parameters
        ----------
        trials : int
        bound : Bound
        factors : mapping of str to Tensor, optional
            As of :class:`State`.

        Returns
        -------
        State
        """
        tails, opens = {}, {}
        for name, path in self.pathways.items():
            tails[name] = torch.zeros((0, trials, *path.connector.in_shape), dtype=self.dtype)
            if path.gate:
                opens[name] = torch.zeros((trials, *path.post.shape), dtype=torch.int64)
        layers = {n: layer.begin(trials, bound.names[n]) for n, layer in self.layers.items()}
        return State(0, layers, tails, opens, factors or {})

    def advance(
        self,
        state: State,
        sources: Mapping[str, Tensor],
        bound: Bound,
        levels: Iterable[str] = (),
        sampled: Iterable[Sampled] = (),
        drives: Drives | None = None,
    ) -> tuple[State, Traced]:
        """Advance by as many steps as the sources or the drives contain.

        Parameters
        ----------
        state : State
        sources : mapping of str to Tensor (step, trial, channel, row, column)
            Spikes of every source.
        bound : Bound
        levels : iterable of str, optional
            Populations whose excess over threshold is kept.
        sampled : iterable of (population, state), optional
        drives : dict of (population, port) to list of Tensor or None, optional
            New values of each driven port at the beginning of each step.

        Returns
        -------
        State
        Traced
        """
        traced = Traced(dict(sources))
        after = State(state.step, dict(state.layers), {}, dict(state.opens), state.factors)
        driven = drives or {}
        steps = min([*map(len, sources.values()), *map(len, driven.values())])
        keep = _Keep(frozenset(levels), tuple(sampled), driven)
        for stage in self.order:
            self._stage(stage, steps, after, state, bound, traced, keep)
        for name, path in self.pathways.items():
            seen = _behind(state.tails[name], traced.spikes[path.projection.pre])
            after.tails[name] = seen[max(0, len(seen) - path.delays[-1]) :]
        after.step = state.step + steps
        return after, traced

    def _stage(
        self,
        stage: tuple[str, ...],
        steps: int,
        after: State,
        before: State,
        bound: Bound,
        traced: Traced,
        keep: _Keep,
    ) -> None:
        """Run some populations through all steps, after their predecessors."""
        loops = {
            path.name: list(before.tails[path.name])
            for name in stage
            for path in self.into[name]
            if path.projection.pre in stage
        }
        drives = {
            name: self._drives(name, loops, steps, after, before, bound, traced) for name in stage
        }
        begun = {name: len(history) for name, history in loops.items()}
        fired: dict[str, list[Tensor]] = {name: [] for name in stage}
        levels: dict[str, list[Any]] = {name: [] for name in stage if name in keep.levels}
        samples: dict[Sampled, list[Tensor]] = {k: [] for k in keep.sampled if k[0] in stage}
        ports = {key: rows for key, rows in keep.drives.items() if key[0] in stage}
        for step in range(steps):
            for (name, port), rows in ports.items():
                if (values := rows[step]) is not None:
                    after.layers[name] = after.layers[name].driven(port, values)
            for name, variable in samples:
                samples[name, variable].append(after.layers[name].states[variable])
            for name in stage:
                drive = drives[name][step]
                for path in self.into[name]:
                    if path.name in loops:
                        now = begun[path.name] + step
                        self._within(path, loops[path.name], now, step, after, bound, drive)
                after.layers[name], spikes, level = self.layers[name].step(
                    after.layers[name], drive, bound.names[name], self.firing, self.widths[name]
                )
                fired[name].append(spikes)
                if name in levels:
                    levels[name].append(level)
            for name in stage:
                for path in self.into[name]:
                    if path.name in loops:
                        loops[path.name].append(fired[path.projection.pre][-1])
        traced.spikes |= {name: torch.stack(values) for name, values in fired.items()}
        traced.levels |= {name: torch.stack(values) for name, values in levels.items()}
        traced.sampled |= {key: torch.stack(values) for key, values in samples.items()}

    def _within(
        self,
        path: Pathway,
        history: list[Tensor],
        now: int,
        step: int,
        after: State,
        bound: Bound,
        drive: dict[str, Tensor],
    ) -> None:
        """Add the input of a projection within a loop in one step; ``now`` counts the history."""
        weights = bound.weights[path.name]
        for lag, delay in enumerate(path.delays):
            if now < delay:
                continue
            arriving = after.sent(path.projection.pre, history[now - delay])
            if path.gate:
                amount, after.opens[path.name] = path.passing(
                    arriving, weights, after.opens[path.name], after.step + step + 1
                )
            else:
                amount = path.drive(arriving, weights, lag)
            _add(drive, path.state, amount)

    def _drives(
        self,
        name: str,
        loops: Mapping[str, Any],
        steps: int,
        after: State,
        before: State,
        bound: Bound,
        traced: Traced,
    ) -> list[dict[str, Tensor]]:
        """Input of a population from all earlier ones, by step and state.

        A step that no spike can have reached yet has none, and costs nothing.
        """
        found: list[dict[str, Tensor]] = [{} for _ in range(steps)]
        for path in self.into[name]:
            if path.name in loops:
                continue
            weights = bound.weights[path.name]
            tail = before.tails[path.name]
            spikes = _behind(tail, traced.spikes[path.projection.pre])
            spikes = after.sent(path.projection.pre, spikes)
            for lag, delay in enumerate(path.delays):
                begin = len(tail) - delay
                first = min(max(0, -begin), steps)
                if first == steps:
                    continue
                arriving = spikes[begin + first : begin + steps]
                if path.gate:
                    amounts = self._gated(path, arriving, weights, after, first)
                else:
                    whole = path.drive(arriving.flatten(0, 1), weights, lag)
                    # Taken apart once: the gradient of an index would be as large as the whole,
                    # at each step.
                    amounts = whole.unflatten(0, arriving.shape[:2]).unbind(0)
                for drive, amount in zip(found[first:], amounts, strict=True):
                    _add(drive, path.state, amount)
        return found

    def _gated(
        self, path: Pathway, arriving: Tensor, weights: Tensor, after: State, first: int
    ) -> list[Tensor]:
        amounts = []
        for k, spikes in enumerate(arriving):
            amount, after.opens[path.name] = path.passing(
                spikes, weights, after.opens[path.name], after.step + first + k + 1
            )
            amounts.append(amount)
        return amounts


def _behind(tail: Tensor, spikes: Tensor) -> Tensor:
    """Spikes in transit, and those of the steps behind them."""
    return torch.cat([tail, spikes]) if len(tail) else spikes


def _add(drive: dict[str, Tensor], state: str, amount: Tensor) -> None:
    """Add the input of one projection to that of a step."""
    drive[state] = drive[state] + amount if state in drive else amount


@dataclass(frozen=True)
class _Keep:
    """What is kept of an interval of time, and what is set in it."""

    levels: frozenset[str]
    sampled: tuple[Sampled, ...]
    drives: Drives
