"""How much less CPU a procedural pathway takes to learn than Brian2's own ``Synapses``.

The learning stage of ``v1_features`` (64 kernels, shared STDP, inhibition between the maps) is
compiled twice with Brian2's C++ standalone mode: once with scnnbio's procedural pathways, once with
explicit ``Synapses`` whose weights are truly shared and whose traces are kept for each synapse, as
Brian2's documentation does it. Both programs get the same input spikes and run in turn. Printed are
medians of CPU seconds, their ratio, and whether the spikes are the same::

    python benchmarks/learning.py
"""

from __future__ import annotations

import argparse
import dataclasses
import resource
import statistics
import tempfile

import brian2 as b2
import numpy as np

from scnnbio.backends.brian2.backend import _COMPILER_FLAGS, _preferences
from scnnbio.backends.brian2.layout import internal_kernel, internal_of_public
from scnnbio.backends.brian2.lowering import Lowered
from scnnbio.backends.brian2.recorders import Recorders
from scnnbio.experiment import Experiment, load
from scnnbio.network import Projection


class WithSynapses(Lowered):
    """The same experiment with every connection stored by Brian2."""

    def _add_projection(self, projection: Projection, order: int) -> None:
        pre, post = self.groups[projection.pre], self.groups[projection.post]
        kernel = self._add_kernel(projection)
        edges, network = projection.connector.edges(), self.experiment.network
        size = projection.kernel.size
        of_tap = np.argsort(internal_kernel(np.arange(size).reshape(projection.kernel.shape)))
        rule = projection.plasticity
        model, on_pre, on_post = "tap : integer (constant)", self._delivery(projection), ""
        if rule is not None:
            model += f"\ndx/dt = -x/({rule.tau_plus!r}*ms) : 1 (event-driven)"
            on_pre += "\nx += 1"
            change = (
                f"{rule.a_plus!r}*x*({rule.w_max!r} - w) - {rule.a_post!r}*(w - {rule.w_min!r})"
            )
            on_post = f"w = clip(w + rate*({change}), {rule.w_min!r}, {rule.w_max!r})"
        steps = self.experiment.steps(projection.delay, "delay")
        synapses = b2.Synapses(
            pre,
            post,
            model,
            on_pre=on_pre,
            on_post=on_post or None,
            delay=(steps - 1) * self.experiment.dt * b2.ms,
            name=f"synapses_{projection.name}",
            namespace={},
        )
        synapses.variables.add_reference("w", kernel, "w", index="tap")
        synapses.variables.add_reference("rate", kernel, "rate", index="0")
        synapses.connect(
            i=internal_of_public(network.population(projection.pre).shape)[edges.pre],
            j=internal_of_public(network.population(projection.post).shape)[edges.post],
        )
        synapses.tap = of_tap[edges.tap]
        synapses.pre.when = "after_groups"
        synapses.pre.order = order
        self.objects.append(synapses)


def build(lowering: type[Lowered], experiment: Experiment, folder: str) -> tuple[object, Recorders]:
    """Compile one program; the device that runs it, and what it records."""
    b2.set_device("cpp_standalone", directory=folder, build_on_run=False)
    device = b2.get_device()
    lowered = lowering(experiment, experiment.inputs())
    recorders = Recorders(lowered)
    b2.Network(lowered.objects, recorders.objects).run(experiment.duration * b2.ms, namespace={})
    device.build(directory=folder, run=False, with_output=False)
    return device, recorders


def cpu_seconds() -> float:
    """CPU time of all finished child processes."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def measure(lowering: type[Lowered], experiment: Experiment, rounds: int) -> tuple[float, tuple]:
    """Median CPU seconds of a program, and its spikes as (step, unit)."""
    with tempfile.TemporaryDirectory() as folder:
        device, recorders = build(lowering, experiment, folder)
        seconds = []
        for _ in range(rounds):
            before = cpu_seconds()
            device.run()  # type: ignore[attr-defined]
            seconds.append(cpu_seconds() - before)
        spikes = recorders.outcome().spikes["v1"]
        device.reinit()  # type: ignore[attr-defined]
        b2.set_device("runtime")
    return statistics.median(seconds), spikes


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trials", type=int, default=4000)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    settings = [f"stages.learn.stimulus.n_trials={options.trials}"]
    study = load("experiments/v1_features.toml", profile="full", settings=settings)
    # Without resets between trials: those of traces kept for each synapse would slow the peer.
    experiment = dataclasses.replace(study.experiments[0], reset=False)
    found = {}
    with _preferences({"codegen.cpp.extra_compile_args_gcc": _COMPILER_FLAGS}):
        for name, lowering in (("procedural", Lowered), ("Synapses", WithSynapses)):
            found[name] = measure(lowering, experiment, options.rounds)
    ours, theirs = found["procedural"], found["Synapses"]
    edges = sum(len(p.connector.edges()) for p in experiment.network.projections)
    print(f"{edges} connections, {options.trials} trials, {len(ours[1][0])} output spikes")
    print(
        f"procedural {ours[0]:.2f} s, Synapses {theirs[0]:.2f} s, ratio {theirs[0] / ours[0]:.1f}"
    )
    same = all(np.array_equal(a, b) for a, b in zip(ours[1], theirs[1], strict=True))
    print("same spikes" if same else "the spikes differ")


if __name__ == "__main__":
    main()
