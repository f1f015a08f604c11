"""A neuron with a learning signal of its own, for rules that act in each step."""

from __future__ import annotations

import dataclasses

from scnnbio.neurons import NeuronModel, Parameter


def with_error(plain: NeuronModel) -> NeuronModel:
    """``plain`` with two more states, each a receptor.

    ``error`` holds the current ``signal``; ``probe`` can be reached by spikes without any effect.
    """
    return dataclasses.replace(
        plain,
        name=f"{plain.name}_with_error",
        equations=f"{plain.equations.rstrip()}\n"
        "derror/dt = (signal - error)/tau_error : amp\ndprobe/dt = -probe/tau_error : 1\n",
        parameters={
            **plain.parameters, "signal": Parameter(0.0, "nA"), "tau_error": Parameter(0.01, "ms"),
        },
        receptors={**plain.receptors, "probe": "probe", "error": "error"},
    )  # fmt: skip
