"""The main job: run the stages, keep what they give, judge it, draw it."""

from scnnbio.workflow.compare import compare, plan_comparison, refusals
from scnnbio.workflow.comparison_folder import run_comparison
from scnnbio.workflow.fastest import fastest
from scnnbio.workflow.folder import load_results, new_folder
from scnnbio.workflow.kept import left_behind
from scnnbio.workflow.main import check, draw, execute, judge, missing, resume, run
from scnnbio.workflow.results import Results

__all__ = [
    "Results",
    "check",
    "compare",
    "draw",
    "execute",
    "fastest",
    "judge",
    "left_behind",
    "load_results",
    "missing",
    "new_folder",
    "plan_comparison",
    "refusals",
    "resume",
    "run",
    "run_comparison",
]
