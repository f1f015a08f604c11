"""A change of weights in each step, as Brian2 objects: one for each lag of a kernel."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from brian2.core.preferences import prefs
from numpy.typing import NDArray

from scnnbio.backends.brian2.layout import internal_of_public, internal_tap_of_public
from scnnbio.backends.brian2.lists import add_table
from scnnbio.backends.brian2.procedural import Procedural
from scnnbio.backends.notation import BRIAN2
from scnnbio.experiment import Experiment
from scnnbio.network import Projection
from scnnbio.plasticity import EachStep, TraceRule
from scnnbio.plasticity.each_step import ELIGIBILITY


def connections_at(projection: Projection, lag: int) -> tuple[NDArray[np.int32], ...]:
    """(pre, post, tap) of every connection at one lag, in the internal numbering and order."""
    connector = projection.connector
    edges = connector.edges()
    chosen = connector.lag_index(edges) == lag
    pre = internal_of_public(connector.in_shape)[edges.pre[chosen]]
    post = internal_of_public(connector.out_shape)[edges.post[chosen]]
    tap = internal_tap_of_public(connector.kernel.shape, connector.groups)[edges.tap[chosen]]
    order = np.lexsort((post, pre))
    return tuple(column[order].astype(np.int32) for column in (pre, post, tap))


class Connections(Procedural):
    """What every connection at one lag adds to the change of its weight in a step.

    Parameters
    ----------
    rule : TraceRule
    each : EachStep
        That of the rule.
    projection : Projection
    experiment : Experiment
    kernel : NeuronGroup
    ends : sequence of (group, suffix)
        Groups with the traces that the rule reads.
    post : NeuronGroup
        The postsynaptic neurons.
    lag : int
    first : Connections, optional
        That of the first lag, which has the sum of all changes. The object of the last lag then
        changes the weights.
    name : str
    """

    def __init__(
        self,
        rule: TraceRule,
        each: EachStep,
        projection: Projection,
        experiment: Experiment,
        kernel: Any,
        ends: Sequence[tuple[Any, str]],
        post: Any,
        lag: int,
        first: Connections | None,
        name: str,
    ) -> None:
        self._begin(name)
        variables, real = self.variables, prefs.core.default_float_dtype
        columns = connections_at(projection, lag)
        count, last = len(columns[0]), lag == len(projection.delays) - 1
        variables.add_constant("N", len(kernel))
        for index in ("_edge_idx", "_tap_idx", "_pre_idx", "_post_idx"):
            self._add_index(index)
        for column, values in zip(("_pre_of", "_post_of", "_tap_of"), columns, strict=True):
            add_table(variables, column, values, "_edge_idx")
        if first is None:
            variables.add_array("_moved", size=len(kernel), dtype=real, read_only=True)
        else:
            variables.add_reference("_moved", first, "_moved")
        if each.eligible:
            variables.add_array("eligible", size=count, dtype=real, index="_edge_idx")
        variables.add_auxiliary_variable("_change", dtype=real)
        self._see(kernel, "", "_tap_idx")
        for group, suffix in ends:
            self._see(group, suffix, f"{suffix}_idx")
        for state in each.states:
            variables.add_reference(f"{state}_post", post, state, index="_post_idx")
        options = {
            "connections": count,
            "size": len(kernel),
            "trial": experiment.trial_steps if experiment.reset else 0,
            "eligible": bool(each.eligible),
            "applies": last,
            "low": rule.w_min,
            "high": rule.w_max,
        }
        code = "\n".join(_code(rule, each, experiment.dt))
        # After thresholds, and before postsynaptic spikes change anything.
        self._finish("each_step", code, kernel, ("synapses", -1 if last else -2), options)
        self.needed_variables += ["w", "rate", "_moved", "_pre_of", "_post_of", "_tap_of"]
        self.needed_variables += ["eligible"] if each.eligible else []
        for group in (kernel, post, *(group for group, _ in ends)):
            self.add_dependency(group)


def _code(rule: TraceRule, each: EachStep, dt: float) -> list[str]:
    """Abstract code for one connection: its eligibility, and what it adds to its weight."""
    names: dict[str, Any] = {n: f"{n}_post" for n in each.states}
    names |= {n: f"(scale_{n}_{t.side}*trace_{n}_{t.side})" for n, t in rule.traces.items()}
    names |= {**rule.constants, "w": "w", ELIGIBILITY: "eligible"}
    code = []
    if each.eligible and each.tau is not None:
        keep = float(np.exp(-dt / each.tau))
        code.append(f"eligible = {keep!r}*eligible + {BRIAN2.number(each.eligible, names)}")
    return [*code, f"_change = {BRIAN2.number(each.change, names)}"]
