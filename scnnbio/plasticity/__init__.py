"""Learning rules, as data: what a backend lowers, and what the reference computes slowly.

Every rule is a :class:`LearningRule` and says by :meth:`~LearningRule.as_traces` what it is to a
backend: traces of spikes, and what an arrival and a postsynaptic spike do to a weight.
"""

from scnnbio.plasticity.control import Growth, Normalisation, WinnerTakeAll
from scnnbio.plasticity.homeostasis import SharedThreshold
from scnnbio.plasticity.rules import LearningRule, Trace, TraceRule
from scnnbio.plasticity.stdp import PFISTER_GERSTNER_2006, SharedSTDP, TripletSTDP
from scnnbio.registry import Registry, subclasses

#: Every learning rule by its kind in a document.
RULES: Registry[type[LearningRule]] = Registry(
    "learning rule",
    "scnnbio.rules",
    {
        "pair": "scnnbio.plasticity:SharedSTDP",
        "triplet": "scnnbio.plasticity:TripletSTDP",
        "traces": "scnnbio.plasticity:TraceRule",
    },
    subclasses(LearningRule, name="kind", described=True),
)

__all__ = [
    "PFISTER_GERSTNER_2006",
    "RULES",
    "Growth",
    "LearningRule",
    "Normalisation",
    "SharedSTDP",
    "SharedThreshold",
    "Trace",
    "TraceRule",
    "TripletSTDP",
    "WinnerTakeAll",
]
