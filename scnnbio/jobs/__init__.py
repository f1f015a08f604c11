"""Run the stages of a study side by side, in processes, with the results of one process."""

from scnnbio.jobs.stages import prepare, run_portions, run_stages

__all__ = ["prepare", "run_portions", "run_stages"]
