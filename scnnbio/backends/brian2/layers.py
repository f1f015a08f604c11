"""A population of neurons as Brian2 objects: states, step, threshold and reset.

At runtime these are Brian2's objects with scnnbio's expressions; a C++ program uses the same
expressions in the pass of :mod:`scnnbio.backends.brian2.stepping`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import brian2 as b2
import numpy as np
from numpy.typing import NDArray

from scnnbio.backends.brian2.layout import public_of_internal
from scnnbio.backends.brian2.learning import competition, regularly
from scnnbio.backends.brian2.procedural import Each, generates_cpp
from scnnbio.backends.brian2.sleeping import Sleep, sleep_of
from scnnbio.backends.brian2.stepping import Rules, silent_states, stepped
from scnnbio.backends.notation import BRIAN2
from scnnbio.backends.steps import initial_states, refractory_steps, step_constants
from scnnbio.experiment import Experiment
from scnnbio.neurons.integrator import integrator
from scnnbio.neurons.parsing import excess_over, renamed
from scnnbio.neurons.whitelist import MAX_TEXT, check_expression
from scnnbio.plasticity import SharedThreshold, WinnerTakeAll
from scnnbio.population import Population

_MS = b2.ms
Keep = Callable[[Any], Any]


class Layer:
    """The neurons of one population.

    Parameters
    ----------
    population : Population
    experiment : Experiment
    keep : callable
        Called with every object that is created.

    Attributes
    ----------
    group : NeuronGroup
        Group with the states; its spikes are in ``_spikespace``.
    levels : NeuronGroup or None
        The shared thresholds, one per channel.
    learners : (group, str)
        The event space of the neurons that learn in a step.
    """

    def __init__(self, population: Population, experiment: Experiment, keep: Keep) -> None:
        self.population, self.experiment, self.keep = population, experiment, keep
        self.held = refractory_steps(population, experiment.dt)
        rule = population.homeostasis
        self.moving = {rule.parameter} if rule is not None else set()
        #: Whether a learning rule reads states after the threshold, before the reset.
        self.is_read = any(
            p.plasticity.as_traces().each_step is not None
            for p in experiment.network.incoming(population.name)
            if p.plasticity is not None
        )
        self.levels = None if rule is None else self._add_levels(rule)
        self.equations = _Equations(population, self.moving)
        reset_names = set().union(*(check_expression(t) for _, _, t in population.model.resets))
        #: Whether neurons can be reset when they fire, as nothing reads their states in between.
        self.resets_early = (
            generates_cpp()
            and population.competition is None
            and not reset_names & self.moving
            and not self.is_read
        )
        self.group = self._add_group()
        self.learners: tuple[Any, str] = (self.group, "_spikespace")
        if population.competition is not None:
            self._add_competition(population.competition)
        if rule is not None:
            self._add_rise(rule)

    # -- states ---------------------------------------------------------------------------------

    def _add_group(self) -> Any:
        equations, dt = self.equations, self.experiment.dt * _MS
        name = f"neurons_{self.population.name}"
        starts = initial_states(self.population)
        begin = [f"{n} = {equations.constant(f'init_{n}', v)}" for n, v in starts.items()]
        if self.held.any():
            equations.model.append("free_at : integer")
            begin.append("free_at = 0")
        update, threshold, reset = self._texts()
        states = [f"{state.name} : 1" for state in self.population.model.states]
        group = b2.NeuronGroup(
            self.population.size,
            "\n".join(states + equations.model),
            threshold=threshold,
            reset="\n".join(reset),
            name=name,
            namespace=equations.namespace,
        )
        self.keep(group)
        self._fill(group, starts)
        if generates_cpp():
            driven = self._driven()
            for made in stepped(group, self._rules(driven), driven):
                self.keep(made)
        else:
            regularly(group, update, dt, "groups", 0, f"update_{name}")
        if self.experiment.reset:
            trial = self.experiment.trial_steps * dt
            regularly(group, begin, trial, "start", -10, f"begin_{name}")
        return group

    def _texts(self) -> tuple[list[str], str, list[str]]:
        """Update, threshold and reset in the group's names, as far as Brian2 itself runs them."""
        model, text = self.population.model, self.equations.text
        update = [] if generates_cpp() else self._update_code()
        threshold, reset = "False", []
        if not generates_cpp() or self.population.competition is not None:
            threshold = text(model.threshold, BRIAN2.condition)
        if not self.resets_early:
            reset = [f"{n} {op} {text(t)}" for n, op, t in model.resets]
        if self.held.any() and not self.resets_early:
            wait = self.equations.constant("held_steps", self.held.astype(float))
            reset.append(f"free_at = t_in_timesteps + 1 + int({wait})")
            threshold = f"({threshold}) and t_in_timesteps >= free_at"
        return update, threshold, reset

    def _fill(self, group: Any, starts: dict[str, NDArray[np.float64]]) -> None:
        equations = self.equations
        for name, values in equations.arrays.items():
            getattr(group, name)[:] = values
        for parameter in self.moving:
            if equations.links:
                group.channel = np.arange(self.population.size) % self.population.shape[0]
                linked = b2.linked_var(self.levels, "level", index="channel")
                setattr(group, _own(parameter), linked)
        for name, values in starts.items():
            # States are created as zero; equal values are set as a single number, to save memory.
            if np.any(values):
                same = np.all(values == values[0])
                getattr(group, name)[:] = values[0] if same else equations.spread(values)

    # -- the step -------------------------------------------------------------------------------

    def _update_code(self) -> list[str]:
        equations, before, after = self.equations, [], []
        if self.held.any():
            before.append("_free = t_in_timesteps >= free_at")
        for name, numbers in step_constants(self.population, self.experiment.dt).items():
            equations.constant(name, numbers)
        waits = {s.name for s in self.population.model.states if s.held_when_refractory}
        for update in integrator(self.population.model).updates:
            name = update.state
            before.append(f"_new_{name} = {equations.text(update.expression)}")
            if name in waits and self.held.any():
                after.append(f"{name} = _select(_free, _new_{name}, {name})")
            else:
                after.append(f"{name} = _new_{name}")
        return before + after

    def _rules(self, driven: set[str]) -> Rules:
        """Rules for the C++ pass, which treats constants and refractoriness in its own way."""
        population, model = self.population, self.population.model
        step = integrator(model)
        constants = dict(step_constants(population, self.experiment.dt))
        moved = {name for name, values in initial_states(population).items() if np.any(values)}
        moved |= {name for name, _, _ in model.resets} | driven
        moved |= {state.name for state in model.states if state.is_given}
        silent = silent_states(step, constants, moved)
        names = {name: _own(name) for name in model.parameters} | dict.fromkeys(silent, "0.0")
        held = {s.name for s in model.states if s.held_when_refractory and self.held.any()}
        sleep = self._sleep(constants, held, silent, names)
        constants |= {_own(name): values for name, values in population.values().items()}
        constants["held_steps"] = self.held.astype(float)
        period = population.shape[0]
        if population.differs_within_channels:
            period = population.size
            constants = {
                n: v if len(v) == 1 else self.equations.spread(v) for n, v in constants.items()
            }
        resets = [(name, op, renamed(text, names)) for name, op, text in model.resets]
        if self.held.any():
            resets.append(("free_at", "=", "t_in_timesteps + 1 + int(held_steps)"))
        return Rules(
            updates={
                u.state: renamed(u.expression, names) for u in step.updates if u.state not in silent
            },
            threshold=renamed(model.threshold, names),
            resets=tuple(resets) if self.resets_early else (),
            held=tuple(s.name for s in model.states if s.name in held),
            constants=constants,
            channels=population.shape[0],
            period=period,
            max_refractory=int(self.held.max()),
            trial=self.experiment.trial_steps,
            resets_trials=self.experiment.reset,
            sleep=sleep,
            levels={_own(name): self.levels for name in self.moving},
        )

    def _sleep(
        self,
        constants: dict[str, NDArray[np.float64]],
        held: set[str],
        silent: set[str],
        names: dict[str, str],
    ) -> Sleep | None:
        """How neurons can sleep, in the group's names; None if they cannot."""
        population = self.population
        if any(state.is_given for state in population.model.states):
            # Later values of a drive are not known, so no bound holds for them.
            return None
        if self.is_read:
            return None
        if population.differs_within_channels:
            # Bounds per neuron would cost more than the steps that they save.
            return None
        falls, rule = {}, population.homeostasis
        if rule is not None:
            falls[rule.parameter] = rule.fall(population.shape[0], self.experiment.dt)
        resolution = float(np.finfo(b2.prefs.core.default_float_dtype).eps)
        found = sleep_of(population, constants, falls, held, silent, resolution)
        if found is None:
            return None
        if max(map(len, found.reaches.values())) > MAX_TEXT // 2:
            return None  # the bound of a model with many states is too long
        reaches = {steps: renamed(text, names) for steps, text in found.reaches.items()}
        return dataclasses.replace(found, reaches=reaches)

    def _driven(self) -> set[str]:
        """States that arriving spikes change."""
        into = self.experiment.network.incoming(self.population.name)
        return {self.population.model.receptors[p.receptor] for p in into}

    # -- shared thresholds, competition
    # --------------------------------------------------------------------

    def _add_levels(self, rule: SharedThreshold) -> Any:
        population, dt = self.population, self.experiment.dt
        group = b2.NeuronGroup(
            population.shape[0],
            "level : 1\nfall : 1 (constant)\nrate : 1 (shared)",
            name=f"threshold_{population.name}",
            namespace={},
        )
        group.level = population.channel_values(rule.parameter)
        group.fall = rule.fall(population.shape[0], dt)
        group.rate = 1.0
        decay_factor = rule.decay_factor(dt)
        group.namespace["decay_factor"] = decay_factor
        code = ["rate = rate*decay_factor"] if decay_factor < 1 else []
        code.append("level = level - rate*fall")
        if rule.minimum is not None:
            group.namespace["minimum"] = rule.minimum
            code.append("level = clip(level, minimum, inf)")
        regularly(group, code, dt * _MS, "groups", 0, f"fall_{group.name}")
        return self.keep(group)

    def _add_rise(self, rule: SharedThreshold) -> None:
        self.keep(
            Each(
                (self.group, "_spikespace"),
                self.levels,
                f"level_post += rate_post*{rule.eta!r}",
                ("synapses", 60),
                f"rise_{self.population.name}",
                modulo=self.population.shape[0],
            )
        )

    def _add_competition(self, rule: WinnerTakeAll) -> None:
        population = self.population
        excess = self.equations.text(excess_over(population.model.threshold))
        level = None
        for parameter in self.moving:
            level = _own(parameter), self.levels
        gate = competition(rule, population, self.group, excess, level, self.experiment, self.keep)
        self.learners = gate, "_winners"


class _Equations:
    """Lines of a group's model, with constants as single numbers or one per neuron."""

    def __init__(self, population: Population, moving: set[str]) -> None:
        self.population, self.moving = population, moving
        self.model: list[str] = []
        self.namespace: dict[str, Any] = {}
        self.arrays: dict[str, NDArray[np.float64]] = {}
        #: Whether an expression uses a parameter that changes.
        self.links = False

    def text(self, expression: str, write: Callable[..., str] = BRIAN2.number) -> str:
        """Write a checked expression for Brian2, and declare its parameters."""
        parameters = set(self.population.model.parameters)
        used = sorted(check_expression(expression) & parameters)
        for name in used:
            if name not in self.moving:
                self.constant(_own(name), self.population.values()[name])
            elif not self.links:
                self.links = True
                self.model += [f"{_own(name)} : 1 (linked)", "channel : integer (constant)"]
        names = {name: name for name in check_expression(expression)}
        return write(expression, names | {name: _own(name) for name in used})

    def spread(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Repeat one value, or one per channel, to one per neuron, in the internal order."""
        population = self.population
        if len(values) == population.size:
            return np.asarray(values)[public_of_internal(population.shape)]
        per_channel = np.broadcast_to(values, (population.shape[0],))
        return np.tile(per_channel, population.shape[1] * population.shape[2])

    def constant(self, name: str, values: NDArray[np.float64]) -> str:
        """Declare a constant and return its name."""
        values = np.asarray(values, dtype=float)
        if np.all(values == values.flat[0]):
            self.namespace[name] = np.dtype(b2.prefs.core.default_float_dtype).type(values.flat[0])
        elif name not in self.arrays:
            self.model.append(f"{name} : 1 (constant)")
            self.arrays[name] = self.spread(values)
        return name


def _own(parameter: str) -> str:
    """Name of a parameter in Brian2, with a prefix, since ``cm`` would be a centimetre."""
    return f"par_{parameter}"
