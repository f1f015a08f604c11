"""A reward, and the change of a kernel by it, as one Brian2 object."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from brian2.core.preferences import prefs

from scnnbio.backends.brian2.procedural import Arrivals, Procedural
from scnnbio.experiment import Experiment
from scnnbio.network import Projection
from scnnbio.plasticity import Reward, TraceRule

#: An eligibility below this becomes zero: it would end in denormal numbers, which are slow.
_LEAST = 1e-30


def add_reward(
    rule: TraceRule,
    projection: Projection,
    experiment: Experiment,
    kernel: Any,
    source: Any,
    keep: Callable[[Any], Any],
) -> None:
    """Let the reward of a rule move its kernel, before the spikes of a step arrive.

    Parameters
    ----------
    rule : TraceRule
    projection : Projection
    experiment : Experiment
    kernel : NeuronGroup
        With a variable ``eligible`` per weight.
    source : Group
        The population that fires the reward.
    keep : callable
        Called with every object that is created.
    """
    if rule.reward is None:
        return
    arrivals = Arrivals(
        source,
        experiment.reward_steps(projection),
        experiment.trial_steps if experiment.reset else 0,
        ("after_groups", -2),
        f"rewards_{projection.name}",
    )
    keep(arrivals)
    keep(Rewarder(rule, rule.reward, projection, experiment, kernel, arrivals))


class Rewarder(Procedural):
    """Moves the weights of a kernel by the reward of a step times their eligibility."""

    def __init__(
        self,
        rule: TraceRule,
        reward: Reward,
        projection: Projection,
        experiment: Experiment,
        kernel: Any,
        arrivals: Arrivals,
    ) -> None:
        self._begin(f"reward_{projection.name}")
        variables, real = self.variables, prefs.core.default_float_dtype
        channels = experiment.network.population(reward.population).shape[0]
        values = reward.by_channel(channels).astype(real)
        # Arrays are data of the program, so that other values need no other program.
        variables.add_constant("N", len(kernel))
        variables.add_array("_values", size=channels, values=values, dtype=real, constant=True)
        variables.add_array("_reward", size=1, dtype=real, read_only=True)
        masked = "present" in kernel.variables
        names = ("w", "eligible", *(("present",) if masked else ()))
        for name in names:
            variables.add_reference(name, kernel, name)
        variables.add_reference("rate", kernel, "rate", index="0")
        variables.add_reference("_eventspace", arrivals, "_arriving")
        options: dict[str, Any] = {
            "size": len(kernel),
            "channels": channels,
            "masked": masked,
            "trial": experiment.trial_steps if experiment.reset else 0,
            "keep": _kept(reward.tau, experiment.dt, 0.0),
            "keep_eligible": _kept(rule.eligibility, experiment.dt, 1.0),
            "forgets": rule.eligibility is None,
            "least": _LEAST,
            "low": rule.w_min,
            "high": rule.w_max,
        }
        self._finish("rewarded", "", kernel, ("after_groups", -1), options)
        self.needed_variables += [*names, "rate", "_values", "_reward"]
        self.add_dependency(kernel)
        self.add_dependency(arrivals)


def _kept(tau: float | None, dt: float, without: float) -> float:
    """What is left after a step."""
    return without if tau is None else float(np.exp(-dt / tau))
