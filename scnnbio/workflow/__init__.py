"""The main job: run the stages, keep what they give, judge it, draw it."""

from scnnbio.backends.fastest import fastest
from scnnbio.workflow.drafts import left_behind
from scnnbio.workflow.folder import load_results, new_folder
from scnnbio.workflow.main import check, draw, execute, judge, missing, resume, run
from scnnbio.workflow.results import Results

__all__ = [
    "Results",
    "check",
    "draw",
    "execute",
    "fastest",
    "judge",
    "left_behind",
    "load_results",
    "missing",
    "new_folder",
    "resume",
    "run",
]
