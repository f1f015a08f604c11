"""Experiments and studies: what is run, read from TOML and written back."""

from scnnbio.experiment.experiment import Experiment, Record, Run, Sampling
from scnnbio.experiment.features import Feature, Requirement
from scnnbio.experiment.inputs import Inputs, Report
from scnnbio.experiment.networks import models
from scnnbio.experiment.study import Stage, Study, load, study_from

__all__ = [
    "Experiment",
    "Feature",
    "Inputs",
    "Record",
    "Report",
    "Requirement",
    "Run",
    "Sampling",
    "Stage",
    "Study",
    "load",
    "models",
    "study_from",
]
