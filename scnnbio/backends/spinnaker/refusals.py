"""What of an experiment, beside its neurons, the machine cannot take."""

from __future__ import annotations

from collections.abc import Mapping

from scnnbio.backends.spinnaker.cells import LEARN, Cells
from scnnbio.errors import Unsupported
from scnnbio.experiment import Experiment


def unsupported_projections(experiment: Experiment) -> list[Unsupported]:
    """Projections that learn."""
    problems = []
    for projection in experiment.network.projections:
        element = f"projection {projection.name!r}"
        if projection.plasticity is not None:
            problems.append(
                Unsupported(
                    element,
                    f"{type(projection.plasticity).__name__} is not available on spinnaker, whose"
                    " synapses share no kernel",
                    LEARN,
                )
            )
    return problems


def unsupported_rest(experiment: Experiment, cells: Mapping[str, Cells]) -> list[Unsupported]:
    """Steps, samples and trials that the machine does not have."""
    problems = []
    microseconds = experiment.dt * 1000
    if abs(microseconds - round(microseconds)) > 1e-6:
        feature = f"{experiment.dt} ms is no whole number of microseconds, which the machine counts"
        problems.append(Unsupported("dt", feature, "use a step such as 1 ms"))
    for sampling in experiment.record.signals:
        others = [name for name in sampling.variables if name != "v"]
        if others:
            feature = f"{', '.join(others)} is kept in pools by sign, not by receptor"
            element = f"record.signals of {sampling.population!r}"
            problems.append(Unsupported(element, feature, "record v, or use another backend"))
    if experiment.reset and experiment.n_trials > 1:
        for name, found in cells.items():
            if found.parameters["i_offset"].any():
                feature = (
                    "a trial begins after a silence on the machine, in which a constant current"
                    " keeps the neurons from rest"
                )
                remedy = "set i_offset = 0, or reset = false"
                problems.append(Unsupported(f"population {name!r}", feature, remedy))
            if experiment.network.population(name).initial:
                feature = "only the first trial on the machine begins from initial values"
                remedy = "show one trial, or set reset = false"
                problems.append(Unsupported(f"population {name!r}", feature, remedy))
    return problems
