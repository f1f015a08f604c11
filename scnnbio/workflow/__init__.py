"""Run a study's stages, store the results, judge claims, draw figures."""

from scnnbio.backends.fastest import fastest
from scnnbio.workflow.drafts import unfinished_runs
from scnnbio.workflow.folder import load_results, new_folder
from scnnbio.workflow.main import check, draw, execute, judge, missing, prepare, resume, run
from scnnbio.workflow.results import Results

__all__ = [
    "Results",
    "check",
    "draw",
    "execute",
    "fastest",
    "judge",
    "load_results",
    "missing",
    "new_folder",
    "prepare",
    "resume",
    "run",
    "unfinished_runs",
]
