"""One experiment on several backends and time steps: what ``scnnbio compare`` does."""

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
