"""Comparison of backends and time steps on one experiment: ``scnnbio compare``."""

from scnnbio.comparison.folder import run_comparison
from scnnbio.comparison.plan import Comparison, PairResult, Plan, Sweep
from scnnbio.comparison.run import compare, plan_comparison, refusals

__all__ = [
    "Comparison",
    "PairResult",
    "Plan",
    "Sweep",
    "compare",
    "plan_comparison",
    "refusals",
    "run_comparison",
]
