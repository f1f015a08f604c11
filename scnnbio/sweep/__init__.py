"""Sweeps: one experiment at many points of a grid and with many seeds, as a plan of folders.

A plan is a folder. It holds the experiment, the grid, and one folder per point, in which that
point's results appear under ``run`` when they are complete. Whoever executes the plan (processes
of this machine, workers of Dask, an array of Slurm) needs the folder and nothing else, and what is
finished is what need not run again.
"""

from scnnbio.sweep.collecting import collect
from scnnbio.sweep.executors import on_dask, on_slurm, on_this_machine
from scnnbio.sweep.plan import SWEEP, Plan, Point, Status
from scnnbio.sweep.verifying import verify_points
from scnnbio.sweep.working import work_on, work_through

__all__ = [
    "SWEEP",
    "Plan",
    "Point",
    "Status",
    "collect",
    "on_dask",
    "on_slurm",
    "on_this_machine",
    "verify_points",
    "work_on",
    "work_through",
]
