"""Messages about features that the machine lacks, except cell types."""

from __future__ import annotations

from collections.abc import Mapping

from scnnbio.backends.spinnaker.cells import NO_CELL, OTHER_CELLS, Cells
from scnnbio.backends.support import Refusal
from scnnbio.errors import Unsupported
from scnnbio.experiment import Experiment, Feature

_CELLS = Refusal(f"{{detail}} {NO_CELL}", OTHER_CELLS)
_RULES = (
    Feature.SHARED_STDP,
    Feature.TRIPLET_STDP,
    Feature.TRACE_RULE,
    Feature.MSTDP,
    Feature.MSTDPET,
    Feature.OTHER_RULE,
    Feature.REWARD,
    Feature.EACH_STEP,
    Feature.NEAREST_PAIRING,
    Feature.POWER_BOUNDS,
    Feature.HALF_LIFE,
    Feature.GROWTH,
    Feature.NORMALISATION,
)

#: Messages about features that the machine lacks.
REFUSALS = {
    Feature.OWN_EQUATIONS: _CELLS,
    Feature.RESET_OF_STATES: _CELLS,
    **dict.fromkeys(
        (Feature.NONLINEAR, Feature.FORWARD_EULER),
        Refusal("{what} {is_} not available on spinnaker", OTHER_CELLS),
    ),
    Feature.SAMPLED_STATES: Refusal(
        "{detail} is stored by sign of the weights, not by receptor",
        "record v, or use another backend",
    ),
    **{
        rule: Refusal(
            "{what} {is_} not available on spinnaker, whose synapses share no kernel", rule.remedy
        )
        for rule in _RULES
    },
}


def unsupported_rest(experiment: Experiment, cells: Mapping[str, Cells]) -> list[Unsupported]:
    """Reasons against the time step and the trials of an experiment."""
    problems = []
    microseconds = experiment.dt * 1000
    if abs(microseconds - round(microseconds)) > 1e-6:
        feature = f"{experiment.dt} ms is not a whole number of microseconds, as the machine needs"
        problems.append(Unsupported("dt", feature, "use a step such as 1 ms"))
    if experiment.reset and experiment.n_trials > 1:
        for name, found in cells.items():
            if found.parameters["i_offset"].any():
                feature = (
                    "the machine needs silence before each trial, in which a constant current"
                    " keeps neurons from coming to rest"
                )
                remedy = "set i_offset = 0, or reset = false"
                problems.append(Unsupported(f"population {name!r}", feature, remedy))
            if experiment.network.population(name).initial:
                feature = "on the machine, only the first trial begins from initial values"
                remedy = "use one trial, or set reset = false"
                problems.append(Unsupported(f"population {name!r}", feature, remedy))
    return problems
