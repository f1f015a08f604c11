"""Features that backends declare, and their messages about other features.

The sets below name each feature: a new :class:`~scnnbio.experiment.Feature` is refused until a
backend declares it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from scnnbio.errors import Unsupported
from scnnbio.experiment import Feature, Requirement

#: Features of all backends here.
EVERYWHERE = frozenset(
    {
        Feature.INPUT_SPIKES,
        Feature.POISSON_NOISE,
        Feature.CONVOLUTION,
        Feature.POOLING,
        Feature.LATERAL_INHIBITION,
        Feature.INHIBITION_BY_DISTANCE,
        Feature.DENSE,
        Feature.LOCAL,
        Feature.EDGE_LIST,
        Feature.OTHER_CONNECTIONS,
        Feature.STRIDE,
        Feature.PADDING,
        Feature.GROUPS,
        Feature.LAGS,
        Feature.BOTH_SIGNS,
        Feature.RECURRENCE,
        Feature.STANDARD_CELL,
        Feature.SYNAPTIC_STATES,
        Feature.JUMPS,
        Feature.REFRACTORY,
        Feature.VALUES_PER_CHANNEL,
        Feature.VALUES_PER_NEURON,
        Feature.INITIAL_POTENTIAL,
        Feature.RESET,
        Feature.RUN_ON,
        Feature.SAMPLED_POTENTIAL,
    }
)

#: Features of all backends that simulate the equations of linear neurons, not only built-in cells.
LINEAR_EQUATIONS = EVERYWHERE | {
    Feature.OWN_EQUATIONS,
    Feature.RESET_OF_STATES,
    Feature.INITIAL_STATES,
    Feature.SAMPLED_STATES,
}

#: Features of all backends here with a time step and shared kernels that learn.
ON_A_GRID = LINEAR_EQUATIONS | {
    Feature.INPUT_VALUES,
    Feature.INPUT_CURRENT,
    Feature.WANDERING_NOISE,
    Feature.FIRST_SPIKE,
    Feature.NONLINEAR,
    Feature.CONDUCTANCES,
    Feature.FORWARD_EULER,
    Feature.SHARED_STDP,
    Feature.TRIPLET_STDP,
    Feature.TRACE_RULE,
    Feature.MSTDP,
    Feature.MSTDPET,
    Feature.OTHER_RULE,
    Feature.REWARD,
    Feature.NEAREST_PAIRING,
    Feature.POWER_BOUNDS,
    Feature.HALF_LIFE,
    Feature.GROWTH,
    Feature.NORMALISATION,
    Feature.SHARED_THRESHOLD,
    Feature.WINNERS_LEARN,
    Feature.WINNERS_SILENCE,
    Feature.SNAPSHOTS,
}


@dataclass(frozen=True)
class Refusal:
    """A backend's message about a feature that it lacks.

    Parameters
    ----------
    reason : str
        Text in which ``{what}`` is replaced by the names of the features, ``{is_}`` by "is" or
        "are", and ``{detail}`` by details of the experiment's requirement.
    remedy : str
        What to do instead.
    """

    reason: str
    remedy: str

    def of(self, element: str, requirements: Sequence[Requirement]) -> Unsupported:
        """The message about requirements of one element."""
        names = list(dict.fromkeys(str(r.feature) for r in requirements))
        details = list(dict.fromkeys(r.detail for r in requirements if r.detail))
        what = " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))
        reason = self.reason.format(
            what=what, is_="is" if len(names) == 1 else "are", detail=", ".join(details)
        )
        return Unsupported(element, reason, self.remedy)


def refused(
    backend: str,
    requirements: Iterable[Requirement],
    supports: AbstractSet[Feature],
    refusals: Mapping[Feature, Refusal],
) -> list[Unsupported]:
    """Messages about all requirements that are not supported.

    Requirements of one element with the same remedy give one message, with the first reason.

    Parameters
    ----------
    backend : str
        Its name.
    requirements : iterable of Requirement
    supports : set of Feature
    refusals : mapping of Feature to Refusal
        Messages of the backend about features, in place of the default message.
    """
    lacking: dict[tuple[str, str], dict[Refusal, list[Requirement]]] = {}
    for one in requirements:
        if one.feature not in supports:
            default = Refusal(f"{{what}} {{is_}} not available on {backend}", one.feature.remedy)
            refusal = refusals.get(one.feature, default)
            group = lacking.setdefault((one.element, refusal.remedy), {})
            group.setdefault(refusal, []).append(one)
    firsts = ((element, *next(iter(group.items()))) for (element, _), group in lacking.items())
    return [refusal.of(element, needs) for element, refusal, needs in firsts]
