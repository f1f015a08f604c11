"""Experiments and studies: what is run, read from TOML and written back."""

from scnnbio.experiment.experiment import Experiment, Record, Run, Sampling
from scnnbio.experiment.inputs import Inputs, Report
from scnnbio.experiment.loading import installed, load
from scnnbio.experiment.networks import models
from scnnbio.experiment.study import Stage, Study, study_from

__all__ = [
    "Experiment",
    "Inputs",
    "Record",
    "Report",
    "Run",
    "Sampling",
    "Stage",
    "Study",
    "installed",
    "load",
    "models",
    "study_from",
]
