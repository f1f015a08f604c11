"""Learning rules as data, which backends translate and the reference evaluates directly.

Every rule is a :class:`LearningRule`; :meth:`~LearningRule.as_traces` gives backends its form:
traces of spikes, and the change of a weight at an arrival and at a postsynaptic spike. A rule with
a :class:`Reward` changes weights when the reward comes, and one with :class:`EachStep` in each
step.
"""

from scnnbio.plasticity.control import Growth, Normalisation, WinnerTakeAll
from scnnbio.plasticity.each_step import EachStep
from scnnbio.plasticity.homeostasis import SharedThreshold
from scnnbio.plasticity.modulated import MSTDP, MSTDPET
from scnnbio.plasticity.reward import Reward
from scnnbio.plasticity.rules import LearningRule, Trace, TraceRule
from scnnbio.plasticity.stdp import PFISTER_GERSTNER_2006, SharedSTDP, TripletSTDP
from scnnbio.registry import Registry, subclasses

#: All learning rules by their kind in a document.
RULES: Registry[type[LearningRule]] = Registry(
    "learning rule",
    "scnnbio.rules",
    {
        "pair": "scnnbio.plasticity:SharedSTDP",
        "triplet": "scnnbio.plasticity:TripletSTDP",
        "traces": "scnnbio.plasticity:TraceRule",
        "mstdp": "scnnbio.plasticity:MSTDP",
        "mstdpet": "scnnbio.plasticity:MSTDPET",
    },
    subclasses(LearningRule, name="kind", described=True),
)

__all__ = [
    "MSTDP",
    "MSTDPET",
    "PFISTER_GERSTNER_2006",
    "RULES",
    "EachStep",
    "Growth",
    "LearningRule",
    "Normalisation",
    "Reward",
    "SharedSTDP",
    "SharedThreshold",
    "Trace",
    "TraceRule",
    "TripletSTDP",
    "WinnerTakeAll",
]
