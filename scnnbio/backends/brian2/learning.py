"""Learning rules and competition as Brian2 objects.

A rule is translated from :meth:`scnnbio.plasticity.LearningRule.as_traces`: a group of traces for
each side that an expression reads, ``on_pre`` as code of the pathway that delivers spikes,
``on_post`` as code that postsynaptic spikes run for all their inputs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import brian2 as b2
import numpy as np

from scnnbio.backends.brian2.each_step import Connections
from scnnbio.backends.brian2.layout import internal_kernel
from scnnbio.backends.brian2.lists import Listing, is_listed, listing_at, ordered
from scnnbio.backends.brian2.procedural import (
    DecayingTraces,
    Each,
    Geometry,
    KernelPathway,
    Normaliser,
    generates_cpp,
)
from scnnbio.backends.brian2.winners import Competition, Silenced
from scnnbio.backends.notation import BRIAN2
from scnnbio.experiment import Experiment
from scnnbio.network import Projection
from scnnbio.neurons.parsing import renamed
from scnnbio.plasticity import Growth, LearningRule, Trace, TraceRule, WinnerTakeAll
from scnnbio.population import Population

_MS = b2.ms
Keep = Callable[[Any], Any]


def regularly(group: Any, code: list[str], dt: Any, when: str, order: int, name: str) -> None:
    """Run code on a whole group every ``dt``."""
    group.run_regularly("\n".join(code), dt=dt, when=when, order=order, name=name)


def at_lag(projection: Projection, lag: int) -> str:
    """Name of a projection's objects at one lag; names of users do not begin with a digit."""
    return projection.name if len(projection.delays) == 1 else f"{lag}_{projection.name}"


def geometry_at(projection: Projection, lag: int) -> Geometry:
    """A projection at one lag of its kernel, as the templates need it."""
    connector = projection.connector
    return Geometry(
        connector.in_shape,
        connector.out_shape,
        (connector.kernel.shape[2], connector.kernel.shape[3]),
        connector.stride,
        connector.padding,
        connector.groups,
        lag,
    )


def connections_at(projection: Projection, lag: int) -> Geometry | Listing:
    """A projection at one lag: a geometry, or a list of its connections.

    In C++ a list that joins every neuron with every other is a convolution of a single place, whose
    channels are the neurons: its weights are in that order.
    """
    if not is_listed(projection):
        return geometry_at(projection, lag)
    listing = listing_at(projection, lag)
    if not (generates_cpp() and listing.is_complete):
        return listing
    pre = (len(listing.first) - 1, 1, 1)
    return Geometry(pre, (listing.size, 1, 1), (1, 1), (1, 1), (0, 0))


def kernel_group(projection: Projection, experiment: Experiment, keep: Keep) -> Any:
    """Group with a kernel's elements, their learning rate, and a mask of absent elements."""
    if is_listed(projection):
        return _listed_weights(projection, keep)
    rule, present = projection.plasticity, projection.connector.present
    groups = projection.connector.groups
    masked = rule is not None and not present.all()
    grows = rule is not None and rule.growth is not None
    waits = rule is not None and rule.as_traces().reward is not None
    group = b2.NeuronGroup(
        projection.kernel.size,
        "w : 1\nrate : 1 (shared)"
        + ("\neligible : 1" if waits else "")
        + ("\nnext_rate : 1 (shared)" if grows else "")
        + ("\npresent : 1 (constant)" if masked else ""),
        name=f"kernel_{projection.name}",
        namespace={},
    )
    group.w = internal_kernel(projection.kernel, groups)
    group.rate = 1.0
    if masked:
        group.present = internal_kernel(present.astype(float), groups)
    if rule is not None and rule.half_life is not None:
        group.namespace["decay_factor"] = rule.decay_factor(experiment.dt)
        code = ["rate = rate*decay_factor"]
        regularly(group, code, experiment.dt * _MS, "groups", 0, f"slow_{group.name}")
    if rule is not None and rule.growth is not None:
        _let_grow(group, rule.growth, experiment)
    return keep(group)


def _let_grow(group: Any, growth: Growth, experiment: Experiment) -> None:
    """Let the rate of a kernel grow where a block of trials begins; at first it stays."""
    group.next_rate = 1.0
    group.namespace |= {"factor": growth.factor, "limit": growth.limit}
    code = ["rate = next_rate", "next_rate = clip(next_rate*factor, 0, limit)"]
    block = growth.every * experiment.trial_steps * experiment.dt * _MS
    regularly(group, code, block, "start", -20, f"grow_{group.name}")


def _listed_weights(projection: Projection, keep: Keep) -> Any:
    """Group with the weights of single connections, in the order in which spikes use them."""
    *_, tap = ordered(projection.connector)
    name = f"kernel_{projection.name}"
    group = b2.NeuronGroup(len(tap), "w : 1\nrate : 1 (shared)", name=name, namespace={})
    group.w = projection.kernel.ravel()[tap]
    return keep(group)


class Learning:
    """The rule of one projection.

    Parameters
    ----------
    rule : LearningRule
    projection : Projection
    experiment : Experiment
    kernel : NeuronGroup
    keep : callable
        Called with every object that is created.
    learners : (group, name of an event space)
        Event space of the postsynaptic neurons that learn in this step.
    """

    def __init__(
        self,
        rule: LearningRule,
        projection: Projection,
        experiment: Experiment,
        kernel: Any,
        keep: Keep,
        learners: tuple[Any, str],
    ) -> None:
        self.rule: TraceRule = rule.as_traces()
        self.projection, self.experiment, self.kernel = projection, experiment, kernel
        self.keep, self.learners = keep, learners
        self.masked = not projection.connector.present.all()
        self.rewarded = self.rule.reward is not None
        network = experiment.network
        pre, post = (network.population(end).size for end in (projection.pre, projection.post))
        self.post = self._add_traces("post", projection.name, post)
        #: Each lag has its own presynaptic traces.
        self.pre = [
            self._add_traces("pre", at_lag(projection, lag), pre)
            for lag in range(len(projection.delays))
        ]

    def ends(self, lag: int) -> list[tuple[Any, str]]:
        """Groups that the rule reads, with the suffix of their side."""
        ends = ((self.pre[lag], "_pre"), (self.post, "_post"))
        return [(group, suffix) for group, suffix in ends if group is not None]

    @property
    def on_pre(self) -> list[str]:
        """Code of ``on_pre``, for the pathway that delivers spikes."""
        return self._change(self.rule.on_pre)

    def add(self, lag: int, order: int, arrivals: Any) -> None:
        """Create the jumps of traces at one lag after a delivery, and ``on_post``.

        ``order`` is the index of the pathway among all.
        """
        name = at_lag(self.projection, lag)
        self._add_jump(
            self.pre[lag], "pre", (arrivals, "_arriving"), ("after_groups", 3 * order + 2), name
        )
        code = self._change(self.rule.on_post)
        if code:
            self.keep(
                KernelPathway(
                    "receptive_field",
                    self.learners,
                    self.kernel,
                    self.ends(lag),
                    geometry_at(self.projection, lag),
                    "\n".join(code),
                    ("synapses", 2 * order),
                    f"learn_{name}",
                )
            )

    def finish(self, order: int) -> None:
        """Create what follows the last lag: jumps, normalisation, and each step's change."""
        name = self.projection.name
        self._add_each_step()
        self._add_jump(self.post, "post", self.learners, ("synapses", 2 * order + 1), name)
        control = self.rule.normalisation
        if control is not None:
            self.keep(
                Normaliser(
                    self.kernel,
                    self.projection.kernel.shape,
                    self.projection.connector.groups,
                    control.norm,
                    control.target,
                    (self.rule.w_min, self.rule.w_max),
                    self.experiment.normalised_every(self.projection),
                    ("end", order),
                    f"normalise_{name}",
                )
            )

    def _add_each_step(self) -> None:
        each, first = self.rule.each_step, None
        if each is None:
            return
        for lag in range(len(self.projection.delays)):
            made = self.keep(
                Connections(
                    self.rule,
                    each,
                    self.projection,
                    self.experiment,
                    self.kernel,
                    self.ends(lag),
                    # Without competition, which such a rule excludes, they are all neurons.
                    self.learners[0],
                    lag,
                    first,
                    f"each_step_{at_lag(self.projection, lag)}",
                )
            )
            first = first or made

    def _change(self, text: str) -> list[str]:
        """Statement that changes ``w``; empty without an expression."""
        if not text:
            return []
        names = {n: f"(scale_{n}_{t.side}*trace_{n}_{t.side})" for n, t in self.rule.traces.items()}
        change = BRIAN2.number(text, {**names, **self.rule.constants, "w": "w"})
        if self.rewarded:
            return [f"eligible += {change}"]
        if self.rule.half_life is not None or self.rule.growth is not None:
            change = f"rate*{change}"
        value = f"clip(w + {change}, {self.rule.w_min!r}, {self.rule.w_max!r})"
        return [f"w = present*{value}" if self.masked else f"w = {value}"]

    def _add_traces(self, side: str, of: str, size: int) -> Any:
        """Group of the traces of one side that the rule reads; None if it reads none."""
        names = self.rule.used(side)
        if not names:
            return None
        lines = [
            f"trace_{name} : 1\nscale_{name} : 1 (shared)\none_{name} : 1 (shared)"
            for name in names
        ]
        group = b2.NeuronGroup(
            size,
            "\n".join(lines),
            name=f"traces_{side}_{of}",
            namespace={},
        )
        keeps: dict[str, float] = {}
        for name, trace in zip(names, self._used(side), strict=True):
            keeps[name] = float(np.exp(-self.experiment.dt / trace.tau))
            setattr(group, f"scale_{name}", 1.0)
            setattr(group, f"one_{name}", 1.0)
        self.keep(DecayingTraces(group, keeps, ("groups", 0), f"fade_{group.name}"))
        if self.experiment.reset:
            trial = self.experiment.trial_steps * self.experiment.dt * _MS
            begin = [f"{part}_{name} = 1" for name in names for part in ("scale", "one")]
            begin += [f"trace_{name} = 0" for name in names]
            regularly(group, begin, trial, "start", -10, f"begin_{group.name}")
        return self.keep(group)

    def _used(self, side: str) -> list[Trace]:
        return [self.rule.traces[name] for name in self.rule.used(side)]

    def _add_jump(
        self, traces: Any, side: str, events: tuple[Any, str], slot: tuple[str, int], of: str
    ) -> None:
        if traces is None:
            return
        code = [
            f"trace_{name}_post {'=' if trace.pairing == 'nearest' else '+='} one_{name}_post"
            for name, trace in zip(self.rule.used(side), self._used(side), strict=True)
        ]
        self.keep(Each(events, traces, "\n".join(code), slot, f"jump_{side}_{of}"))


def competition(
    rule: WinnerTakeAll,
    population: Population,
    group: Any,
    excess: str,
    level: tuple[str, Any] | None,
    experiment: Experiment,
    keep: Keep,
) -> Competition:
    """Create the competition after a population's threshold.

    Parameters
    ----------
    rule : WinnerTakeAll
    population : Population
    group : NeuronGroup
        Its neurons.
    excess : str
        Excess over threshold, in the group's names.
    level : (str, NeuronGroup), optional
        The group's name for its shared threshold, and the thresholds, one per channel.
    experiment : Experiment
    keep : callable
        Called with every object that is created.
    """
    names = {n: f"{n}_post" for n in group.variables if n not in group.namespace}
    names |= {n: f"({float(value)!r})" for n, value in group.namespace.items()}
    ends = [(group, "_post", "_post_idx")]
    if level is not None:
        names[level[0]] = "level_map"
        ends.append((level[1], "_map", "_map_idx"))
    gate = keep(
        Competition(
            group,
            ends,
            f"excess = {renamed(excess, names)}",
            population.shape,
            rule.radius,
            rule.winners or population.shape[0],
            rule.silence,
            experiment.trial_steps,
            ("after_thresholds", 0),
            f"competition_{population.name}",
        )
    )
    if rule.silence:
        # Silenced neurons are added to the spikes only during the reset, so that they are reset
        # too.
        for counted, order, does in ((True, -1, "count"), (False, 1, "forget")):
            name = f"{does}_silenced_{population.name}"
            keep(Silenced(gate, group, counted, ("resets", order), name))
    return gate
