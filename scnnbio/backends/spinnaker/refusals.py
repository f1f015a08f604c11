"""What the machine does not have, its cells aside, and what it says of it."""

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
    Feature.OTHER_RULE,
    Feature.NEAREST_PAIRING,
    Feature.POWER_BOUNDS,
    Feature.HALF_LIFE,
    Feature.GROWTH,
    Feature.NORMALISATION,
)

#: What is said of features that the machine does not have.
REFUSALS = {
    Feature.OWN_EQUATIONS: _CELLS,
    Feature.RESET_OF_STATES: _CELLS,
    **dict.fromkeys(
        (Feature.NONLINEAR, Feature.FORWARD_EULER),
        Refusal("{what} {is_} not available on spinnaker", OTHER_CELLS),
    ),
    Feature.SAMPLED_STATES: Refusal(
        "{detail} is kept in pools by sign, not by receptor", "record v, or use another backend"
    ),
    **{
        rule: Refusal(
            "{what} {is_} not available on spinnaker, whose synapses share no kernel", rule.remedy
        )
        for rule in _RULES
    },
}


def unsupported_rest(experiment: Experiment, cells: Mapping[str, Cells]) -> list[Unsupported]:
    """Steps and trials that the machine does not have."""
    problems = []
    microseconds = experiment.dt * 1000
    if abs(microseconds - round(microseconds)) > 1e-6:
        feature = f"{experiment.dt} ms is no whole number of microseconds, which the machine counts"
        problems.append(Unsupported("dt", feature, "use a step such as 1 ms"))
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
