"""Run the stages of a study side by side, in processes, with the results of one process."""

from scnnbio._passing import Packed
from scnnbio.jobs.crew import Crew, Task, start_server
from scnnbio.jobs.stages import divided, prepare, prepare_early, run_portions, run_stages

__all__ = [
    "Crew",
    "Packed",
    "Task",
    "divided",
    "prepare",
    "prepare_early",
    "run_portions",
    "run_stages",
    "start_server",
]
