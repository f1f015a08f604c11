"""An experiment as Brian2 objects, the same for the runtime and for C++ standalone.

Numbers are plain (ms, mV, nA), since the dimensions were checked where the equations were read.
The step is the text of :mod:`scnnbio.neurons.integrator`, as for every backend; the slots are
those of :mod:`scnnbio.backends.base`, mapped to Brian2's schedule::

    update → groups     deliver → after_groups     threshold → thresholds
    learn → synapses    reset → resets             trial begins → start

Every object has a name of its own choosing, so that a network lowered twice gives the same code.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import brian2 as b2
import numpy as np
from numpy.typing import NDArray

from scnnbio.backends.base import (
    gate_steps,
    initial_states,
    refractory_steps,
    step_constants,
)
from scnnbio.backends.brian2.learning import (
    Learning,
    at_lag,
    competition,
    geometry_at,
    kernel_group,
    regularly,
)
from scnnbio.backends.brian2.presentations import Source, internal_trials
from scnnbio.backends.brian2.procedural import Arrivals, Each, KernelPathway
from scnnbio.experiment import Experiment, Inputs
from scnnbio.network import Population, Projection
from scnnbio.neurons.integrator import integrator
from scnnbio.neurons.parsing import check_expression, excess_over, renamed
from scnnbio.plasticity import SharedThreshold

_MS = b2.ms


@dataclass
class Lowered:
    """The objects of one experiment."""

    experiment: Experiment
    inputs: Inputs
    objects: list[Any] = field(default_factory=list)
    groups: dict[str, Any] = field(default_factory=dict)
    kernels: dict[str, Any] = field(default_factory=dict)
    thresholds: dict[str, Any] = field(default_factory=dict)
    #: Where neurons compete: the event space of those that learn.
    learners: dict[str, tuple[Any, str]] = field(default_factory=dict)
    _pathways: int = 0

    def __post_init__(self) -> None:
        b2.defaultclock.dt = self.experiment.dt * _MS
        for population in self.experiment.network.populations:
            if population.is_source:
                self._add_source(population)
            else:
                self._add_neurons(population)
        for projection in self.experiment.network.projections:
            self._add_projection(projection)
        for population in self.experiment.network.populations:
            if population.homeostasis is not None:
                self._add_rise(population, population.homeostasis)

    @property
    def trial(self) -> Any:
        """Length of a trial, as Brian2 has it."""
        return self.experiment.trial_steps * self.experiment.dt * _MS

    def _keep(self, thing: Any) -> Any:
        self.objects.append(thing)
        return thing

    # -- populations ------------------------------------------------------------------------------

    def _add_source(self, population: Population) -> None:
        self.groups[population.name] = self._keep(
            Source(
                population.size,
                self.experiment.trial_steps,
                internal_trials(self.inputs, population),
                f"source_{population.name}",
            )
        )

    def _add_neurons(self, population: Population) -> None:
        dt = self.experiment.dt
        builder = _Equations(population)
        held = refractory_steps(population, dt)
        update = self._update_code(population, builder, held)
        starts = {
            n: builder.constant(f"init_{n}", v) for n, v in initial_states(population).items()
        }
        resets = [f"{n} {op} {builder.text(t)}" for n, op, t in population.model.resets]
        threshold = builder.text(population.model.threshold)
        if held.any():
            builder.model.append("free_at : integer")
            wait = builder.constant("held_steps", held.astype(float))
            resets.append(f"free_at = t_in_timesteps + 1 + int({wait})")
            threshold = f"({threshold}) and t_in_timesteps >= free_at"
        rule = population.homeostasis
        if rule is not None:
            self._add_shared_threshold(population, rule)
        group = b2.NeuronGroup(
            population.size,
            "\n".join([f"{s.name} : 1" for s in population.model.states] + builder.model),
            threshold=threshold,
            reset="\n".join(resets),
            name=f"neurons_{population.name}",
            namespace=builder.namespace,
        )
        self.groups[population.name] = self._keep(group)
        for name, values in builder.arrays.items():
            getattr(group, name)[:] = values
        if rule is not None:
            group.channel = np.arange(population.size) % population.shape[0]
            setattr(
                group,
                _own(rule.parameter),
                b2.linked_var(self.thresholds[population.name], "level", index="channel"),
            )
        for name, values in initial_states(population).items():
            getattr(group, name)[:] = builder.spread(values)
        regularly(group, update, self.experiment.dt * _MS, "groups", 0, f"update_{group.name}")
        if population.competition is not None:
            excess = builder.text(excess_over(population.model.threshold))
            level = (
                None if rule is None else (_own(rule.parameter), self.thresholds[population.name])
            )
            gate = competition(
                *(population.competition, population, group, excess, level),
                self.experiment,
                self._keep,
            )
            self.learners[population.name] = gate, "_winners"
        if self.experiment.reset:
            begin = [f"{name} = {start}" for name, start in starts.items()]
            begin += ["free_at = 0"] if held.any() else []
            regularly(group, begin, self.trial, "start", -10, f"begin_{group.name}")

    def _update_code(
        self, population: Population, builder: _Equations, held: NDArray[np.int64]
    ) -> list[str]:
        before, after = [], []
        if held.any():
            before.append("free = int(t_in_timesteps >= free_at)")
        for name, numbers in step_constants(population, self.experiment.dt).items():
            builder.constant(name, numbers)
        waits = {s.name for s in population.model.states if s.held_when_refractory}
        for update in integrator(population.model).updates:
            name = update.state
            before.append(f"new_{name} = {builder.text(update.expression)}")
            if name in waits and held.any():
                after.append(f"{name} = free*new_{name} + (1 - free)*{name}")
            else:
                after.append(f"{name} = new_{name}")
        return before + after

    def _add_shared_threshold(self, population: Population, rule: SharedThreshold) -> None:
        group = b2.NeuronGroup(
            population.shape[0],
            "level : 1\nfall : 1 (constant)\nrate : 1 (shared)",
            name=f"threshold_{population.name}",
            namespace={},
        )
        group.level = population.values()[rule.parameter]
        group.fall = rule.fall(population.shape[0], self.experiment.dt)
        group.rate = 1.0
        slowing = rule.slowing(self.experiment.dt)
        code = [f"rate = rate*{slowing!r}"] if slowing < 1 else []
        code.append("level = level - rate*fall")
        if rule.minimum is not None:
            code.append(f"level = clip(level, {rule.minimum!r}, inf)")
        regularly(group, code, self.experiment.dt * _MS, "groups", 0, f"fall_{group.name}")
        self.thresholds[population.name] = self._keep(group)

    def _add_rise(self, population: Population, rule: SharedThreshold) -> None:
        self._keep(
            Each(
                (self.groups[population.name], "_spikespace"),
                self.thresholds[population.name],
                f"level_post += rate_post*{rule.eta!r}",
                ("synapses", 60),
                f"rise_{population.name}",
                modulo=population.shape[0],
            )
        )

    # -- projections ------------------------------------------------------------------------------

    def _add_projection(self, projection: Projection) -> None:
        """One pathway a lag, each fed by the arrivals of the one before."""
        kernel = kernel_group(projection, self.experiment, self._keep)
        self.kernels[projection.name] = kernel
        post, source, since = self.groups[projection.post], self.groups[projection.pre], 0
        learning, gate = self._learning(projection, kernel), self._add_gate(projection)
        for lag, delay in enumerate(self.experiment.delay_steps(projection)):
            name, order = at_lag(projection, lag), self._pathways
            self._pathways += 1
            source = self._keep(
                Arrivals(
                    source,
                    delay - since,
                    self.experiment.trial_steps if self.experiment.reset else 0,
                    ("after_groups", 3 * order),
                    f"arrivals_{name}",
                )
            )
            since = delay
            code, ends = [self._delivery(projection)], [(post, "_post")]
            if gate is not None:
                steps = gate_steps(self.experiment, projection)
                code.append(f"opens_post = (t_in_timesteps//{steps} + 1)*{steps}")
                ends.append((gate, "_post"))
            if learning is not None:
                code += learning.on_pre
                ends += learning.ends(lag)
            self._keep(
                KernelPathway(
                    "convolution",
                    (source, "_arriving"),
                    kernel,
                    ends,
                    geometry_at(projection, lag),
                    "\n".join(code),
                    ("after_groups", 3 * order + 1),
                    f"pathway_{name}",
                )
            )
            if learning is not None:
                learning.add(lag, order, source)
        if learning is not None:
            learning.finish(order)

    def _learning(self, projection: Projection, kernel: Any) -> Learning | None:
        if projection.plasticity is None:
            return None
        learners = self.learners.get(projection.post, (self.groups[projection.post], "_spikespace"))
        return Learning(
            projection.plasticity, projection, self.experiment, kernel, self._keep, learners
        )

    def _add_gate(self, projection: Projection) -> Any:
        """For pooling by the first spike: when the window of each target opens again; or None."""
        if not gate_steps(self.experiment, projection):
            return None
        size, name = len(self.groups[projection.post]), f"gate_{projection.name}"
        return self._keep(b2.NeuronGroup(size, "opens : integer", name=name, namespace={}))

    def _delivery(self, projection: Projection) -> str:
        population = self.experiment.network.population(projection.post)
        state = population.model.receptors[projection.receptor]
        held = next(s.held_when_refractory for s in population.model.states if s.name == state)
        if held and refractory_steps(population, self.experiment.dt).any():
            free = "*int(t_in_timesteps >= free_at_post)"
        else:
            free = ""
        if gate_steps(self.experiment, projection):
            free += "*int(t_in_timesteps >= opens_post)"
        return f"{state}_post += {float(projection.weight)!r}*w{free}"


class _Equations:
    """Lines of a group's model, with constants that are one number or one a neuron."""

    def __init__(self, population: Population) -> None:
        self.population = population
        self.model: list[str] = []
        self.namespace: dict[str, Any] = {}
        self.arrays: dict[str, NDArray[np.float64]] = {}
        rule = population.homeostasis
        if rule is not None:
            self.model += [f"{_own(rule.parameter)} : 1 (linked)", "channel : integer (constant)"]
        self.moving = {rule.parameter} if rule is not None else set()

    def text(self, expression: str) -> str:
        """A checked expression as Brian2 may read it; its parameters are declared."""
        parameters = set(self.population.model.parameters)
        used = sorted(check_expression(expression) & parameters)
        for name in used:
            if name not in self.moving:
                self.constant(_own(name), self.population.values()[name])
        return renamed(expression, {name: _own(name) for name in used})

    def spread(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """One value a neuron, in the internal order, from one a channel or one for all."""
        population = self.population
        per_channel = np.broadcast_to(values, (population.shape[0],))
        return np.tile(per_channel, population.shape[1] * population.shape[2])

    def constant(self, name: str, values: NDArray[np.float64]) -> str:
        """Declare a constant and return its name."""
        values = np.asarray(values, dtype=float)
        if np.all(values == values.flat[0]):
            self.namespace[name] = float(values.flat[0])
        elif name not in self.arrays:
            self.model.append(f"{name} : 1 (constant)")
            self.arrays[name] = self.spread(values)
        return name


def _own(parameter: str) -> str:
    """Name of a parameter in Brian2, where ``cm`` is a centimetre."""
    return f"par_{parameter}"
